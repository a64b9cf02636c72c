import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from lakehouse_pipeline.errors import TokensMissingError
from lakehouse_pipeline.orchestration.tokens import require_tokens
from lakehouse_pipeline.settings import Settings
from lakehouse_pipeline_tests.api.client import (
    CSV,
    PUBLISHED,
    Api,
    end_token,
    make_token,
    serving,
    until,
)
from lakehouse_pipeline_tests.homes import contract_text

FAR = "0.0.0.0"  # noqa: S104 - the tests show what it takes to listen there


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """Yield an API with tokens, called with the owner's."""
    home = tmp_path_factory.mktemp("closed") / "home"
    owner = make_token(home, "Olga", "owner")
    with serving(home, api_calls_per_minute=100_000) as api:
        yield api.of(owner)


def told(api: Api, dataset: str) -> list[tuple[str, str]]:
    """Return type and actor of every event of a dataset."""
    return [(event["type"], event["actor"]) for event in api.events(dataset)]


def test_the_name_of_the_token_is_the_actor_of_every_event(closed: Api) -> None:
    dataset = closed.dataset("named")
    producer = closed.given("Paul", "producer", dataset)
    landed = closed.of("").put(producer.upload_url(dataset), CSV)
    assert landed.status == 201
    steward = closed.given("Stella", "steward")
    for _ in range(2):
        steward.post("/replay", {"dataset": dataset})
    consumer = closed.given("Carla", "consumer")
    assert closed.of("").get(consumer.download_url(dataset, all=True)).body == PUBLISHED
    assert told(closed, dataset) == [
        ("DatasetRegistered", "Olga"),
        ("DataContractDefined", "Olga"),
        ("DatasetVersionActivated", "Olga"),
        ("SignedUrlCreated", "Paul"),
        ("AppendIngestionRequested", "Paul"),
        ("ReplayRequested", "Stella"),
        ("SignedUrlCreated", "Carla"),
        ("DataConsumed", "Carla"),
    ]


def test_nobody_acts_under_another_name(closed: Api) -> None:
    dataset = closed.dataset("alone")
    body = {"filename": "a.csv", "by": "Ann"}
    said = closed.post(f"/datasets/{dataset}/upload-url", body).problem(403)
    assert "this token, which is Olga's" in said
    assert closed.post(f"/datasets/{dataset}/upload-url", body | {"by": "Olga"}).status == 200
    text = contract_text(dataset="alone", percent=100).encode()
    closed.call("POST", "/contracts?by=Ann", text).problem(403)
    back = f"/datasets/{dataset}/batches/no-00000000/corrections?by=Ann"
    closed.call("POST", back, b"").problem(403)


def test_a_contract_is_approved_by_another_token_than_its_authors(closed: Api) -> None:
    text = contract_text(dataset="four_eyes", percent=100).encode()
    author = closed.given("Anna", "steward", "four_eyes")
    assert author.call("POST", "/contracts", text).json["state"] == "draft"
    approve = "/datasets/four_eyes/contracts/approve"
    author.post(approve, {"why": "mine", "by": "Sam"}).problem(403)
    assert "somebody else" in author.post(approve, {"why": "mine"}).problem(409)
    assert closed.post(approve, {"why": "agreed"}).status == 200


def test_a_bound_token_registers_no_other_dataset(closed: Api) -> None:
    bound = closed.given("Bea", "steward", "hers")
    assert bound.dataset("hers") == "hers"
    bound.post("/datasets", {"name": "other", "schema": {"id": "int"}}).problem(403)
    bound.post("/contracts", {"dataset": "other"}).problem(403)
    text = contract_text(dataset="other", percent=100).encode()
    assert "for hers and not for 'other'" in bound.call("POST", "/contracts", text).problem(403)
    assert "other" not in [item["dataset"] for item in closed.get("/datasets").json["items"]]


def test_a_bound_token_sees_its_own_dataset_only(closed: Api) -> None:
    for name in ("seen", "unseen"):
        closed.dataset(name)
    bound = closed.given("Ada", "auditor", "seen")
    listed = bound.get("/datasets").json
    assert ([item["dataset"] for item in listed["items"]], listed["total"]) == (["seen"], 1)
    events = bound.get("/events?limit=1000").json["items"]
    assert {event["dataset"] for event in events} == {"seen"}
    bound.get("/events?dataset=unseen").problem(403)
    yet_to_come = closed.given("Yves", "producer", "yet_to_come")
    said = yet_to_come.post("/datasets/yet_to_come/upload-url", {"filename": "a.csv"}).problem(404)
    assert said == "there is no such dataset yet."


def test_a_bound_token_cannot_watch_the_replay_of_another_dataset(closed: Api) -> None:
    closed.dataset("watched")
    name = closed.post("/replay", {"dataset": "watched"}).json["replay_id"]
    closed.given("Wim", "steward", "hers").get(f"/replays/{name}").problem(403)
    assert closed.given("Wanda", "steward", "watched").get(f"/replays/{name}").status == 200


def test_a_revoked_token_and_its_urls_end_at_once(closed: Api) -> None:
    dataset = closed.dataset("ended")
    producer = closed.given("Rolf", "producer")
    url = producer.upload_url(dataset)
    assert closed.put(url, CSV).status == 201
    end_token(closed.home, "Rolf")
    assert "was revoked" in producer.get("/datasets").problem(401)
    assert "has been revoked" in closed.put(url, CSV).problem(403)


def test_a_token_expires_while_the_api_runs(closed: Api) -> None:
    short = closed.given("Sven", "consumer", days=3 / 86_400)
    assert short.get("/datasets").status == 200
    until(lambda: short.get("/datasets").status == 401)
    assert "has expired" in short.get("/datasets").problem(401)


def test_another_caller_with_the_same_key_does_not_get_the_first_ones_answer(closed: Api) -> None:
    dataset = closed.dataset("keyed_by")
    one, other = closed.given("Kim", "producer"), closed.given("Kay", "producer")
    body = {"filename": "a.csv"}
    answers = [
        caller.post(f"/datasets/{dataset}/upload-url", body, Idempotency_Key="k")
        for caller in (one, one, other)
    ]
    assert answers[0].body == answers[1].body != answers[2].body
    assert "idempotent-replayed" not in answers[2].headers
    consumer = closed.given("Kurt", "consumer")
    consumer.post(f"/datasets/{dataset}/upload-url", body, Idempotency_Key="k").problem(403)


def test_refused_calls_are_on_record_without_flooding_it(closed: Api) -> None:
    dataset = closed.dataset("denied")
    consumer = closed.given("Dora", "consumer")
    for _ in range(30):
        consumer.get(f"/datasets/{dataset}/quarantine").problem(403)
    denied = [event for event in closed.events(dataset) if event["type"] == "AccessDenied"]
    (event,) = denied
    assert (event["actor"], event["why"]) == ("Dora", "role")
    assert event["facts"] == {
        "call": "GET /datasets/{dataset}/quarantine",
        "client": "127.0.0.1",
        "times": 1,
    }


def test_making_and_ending_a_token_is_on_record(closed: Api) -> None:
    closed.given("Tina", "producer", "b", "a")
    end_token(closed.home, "Tina")
    found = closed.get("/events?type=AccessGranted&limit=1000").json["items"]
    (granted,) = [event for event in found if "Tina" in event["facts"]["token"]]
    assert (granted["dataset"], granted["actor"]) == (None, "Olga")
    assert granted["facts"]["datasets"] == "a, b"
    revoked = closed.get("/events?type=AccessRevoked&limit=1000").json["items"]
    assert revoked[-1]["facts"]["token_id"] == granted["facts"]["token_id"]


def test_a_token_on_top_of_a_foreign_host_or_origin_is_refused_all_the_same(closed: Api) -> None:
    closed.get("/datasets", Host="evil.example").problem(403)
    closed.get("/datasets", Origin="http://evil.example").problem(403)


def test_the_reference_says_that_calls_take_a_token(closed: Api) -> None:
    document = closed.of("").get("/openapi.json").json
    assert document["components"]["securitySchemes"]["HTTPBearer"]["scheme"] == "bearer"
    assert document["paths"]["/datasets"]["get"]["security"] == [{"HTTPBearer": []}]


def test_a_token_may_be_used_so_often_in_a_minute(tmp_path: Path) -> None:
    secret = make_token(tmp_path / "home", "Olga", "owner")
    with serving(tmp_path / "home", api_calls_per_minute=5) as api:
        owner, other = api.of(secret), api.given("Otto", "owner")
        statuses = [owner.get("/datasets").status for _ in range(8)]
        assert statuses == [200] * 5 + [429] * 3
        refused = owner.get("/datasets")
        assert "more than 5 times in a minute" in refused.problem(429)
        assert 1 <= int(refused.headers["retry-after"]) <= 60
        assert other.get("/datasets").status == 200
        assert api.get("/healthz").status == 200


def test_how_large_a_body_may_be_is_a_setting(tmp_path: Path) -> None:
    secret = make_token(tmp_path / "home", "Olga", "owner")
    with serving(tmp_path / "home", api_body_bytes=1000) as api:
        owner = api.of(secret)
        assert owner.dataset("small") == "small"
        body = {"dataset": "small", "filename": "a.csv", "why": "x" * 1000}
        assert "larger than 1000 bytes" in owner.post("/upload-url", body).problem(413)


def test_an_api_that_has_seen_a_token_does_not_open_again_by_itself(tmp_path: Path) -> None:
    with serving(tmp_path / "home") as api:
        assert api.get("/datasets").status == 200
        secret = make_token(api.home, "Olga", "owner")
        api.get("/datasets").problem(401)
        assert api.of(secret).get("/datasets").status == 200
        (api.home / "keys" / "tokens.json").rename(api.home / "keys" / "moved.json")
        api.get("/datasets").problem(401)
        (api.home / "keys" / "tokens.json").write_text("[")
        assert "nobody is let in" in api.of(secret).get("/datasets").problem(500)


@pytest.mark.parametrize("settings", [{"api_host": FAR}, {"api_tokens": True}])
def test_where_tokens_are_demanded_nothing_starts_without_a_valid_one(
    tmp_path: Path, settings: dict[str, str | bool]
) -> None:
    wanted = Settings.model_validate({"home": tmp_path / "home", **settings})
    with pytest.raises(TokensMissingError, match="lakehouse token create --name NAME --role"):
        require_tokens(wanted)
    make_token(tmp_path / "home", "Eve", "owner", days=1e-6)
    with (
        pytest.raises(AssertionError, match="lakehouse token create"),
        serving(tmp_path / "home", **settings),
    ):
        pass
    make_token(tmp_path / "home", "Olga", "owner")
    require_tokens(wanted)


def test_beyond_loopback_a_token_lets_in_by_address_and_by_the_names_that_are_set(
    tmp_path: Path,
) -> None:
    secret = make_token(tmp_path / "home", "Olga", "owner")
    names = json.dumps(["lake.example.org"])
    with serving(tmp_path / "home", api_host=FAR, api_names=names) as api:
        api.get("/datasets").problem(401)
        owner = api.of(secret)
        for host in ("192.0.2.7:80", "lake.example.org", "LAKE.example.org:443", "localhost"):
            assert owner.get("/datasets", Host=host).status == 200, host
        assert "LAKEHOUSE_API_NAMES" in owner.get("/datasets", Host="evil.example").problem(403)


def test_a_bug_tells_no_secret_and_its_answer_is_as_careful_as_any(tmp_path: Path) -> None:
    secret = make_token(tmp_path / "home", "Olga", "owner")
    with serving(tmp_path / "home") as api:
        (api.home / "api" / "answers.sqlite").write_bytes(b"no database" * 1000)
        said = api.of(secret).post("/datasets", {"why": secret}, Idempotency_Key=secret)
        assert "This is a bug" in said.problem(500)
        assert said.headers["x-content-type-options"] == "nosniff"
        assert said.headers["cache-control"] == "no-store"
        assert "DatabaseError" in api.log.read_text()
        assert secret not in api.log.read_text()
