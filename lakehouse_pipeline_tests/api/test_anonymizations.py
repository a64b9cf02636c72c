"""Anonymizations over HTTP: the sample is in one answer and stands nowhere afterwards."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from lakehouse_pipeline.access.roles import Role
from lakehouse_pipeline.lake.byte_search import search
from lakehouse_pipeline_tests.anonymizations import NEW, contract, lines, other
from lakehouse_pipeline_tests.api.client import Api, serving, until

ADA, BEN = ({"by": name, "why": "a test"} for name in ("ada", "ben"))
YAML = {"Content-Type": "application/yaml"}


def registered(api: Api, dataset: str, text: str) -> None:
    """Register a version, as ada, and let ben approve it; a breaking one is not active then."""
    named = text.replace("orders", dataset).encode()
    added = api.call("POST", "/contracts?by=ada", named, YAML)
    assert added.status == 201, added
    approved = api.post(f"/datasets/{dataset}/contracts/approve", BEN)
    assert approved.status == 200, approved


def ready(api: Api, dataset: str) -> str:
    """Make a dataset with one published batch and a newer version; return the path of its calls."""
    registered(api, dataset, contract())
    api.published(dataset, lines(6).encode())
    registered(api, dataset, other())
    return f"/datasets/{dataset}/anonymizations"


def activated(api: Api, dataset: str) -> None:
    body = {**BEN, "version": NEW, "breaking": True}
    answer = api.post(f"/datasets/{dataset}/contracts/activate", body)
    assert answer.status == 200, answer


def places(api: Api, value: str = "Canary") -> dict[str, int]:
    found = search([api.home, api.log.parent], value).found
    return {f"{one.path} {one.unpacked}": one.count for one in found}


def tried(api: Api, path: str, **more: Any) -> Any:  # noqa: ANN401 - JSON has no narrower type
    answer = api.post(path, {**ADA, "contract": NEW, **more})
    assert answer.status == 201, answer
    assert answer.headers["cache-control"] == "no-store"
    return answer.json


def test_the_way_from_dry_run_to_rollback(api: Api) -> None:
    path = ready(api, "tried")
    done = tried(api, path)
    assert len(done["sample"]) == 5
    assert done["sample"][0]["before"]["email"].startswith("CanaryAnn")
    one = f"{path}/{done['id']}"
    assert "has to be approved first" in api.post(f"{one}/apply", ADA).problem(409)
    assert "somebody else" in api.post(f"{one}/approve", ADA).problem(409)
    assert "'why' is empty" in api.post(f"{one}/approve", {"by": "ben"}).problem(422)
    assert api.post(f"{one}/approve", BEN).json["stage"] == "approved"
    activated(api, "tried")
    applied = api.post(f"{one}/apply", ADA)
    assert (applied.status, applied.json["status"]) == (200, "done"), applied
    assert [b["anonymized_under"] for b in applied.json["batches"]] == [NEW]
    assert api.get(f"/replays/{applied.json['replay_id']}").json == applied.json
    back = api.post(f"{one}/rollback", BEN)
    assert [b["rolled_back"] for b in back.json["batches"]] == [done["id"]]
    assert "is rolled back already" in api.post(f"{one}/rollback", BEN).problem(409)
    told = [event["type"] for event in api.events("tried")]
    for name in (
        "AnonymizationDryRunCompleted",
        "AnonymizationApproved",
        "DataAnonymized",
        "AnonymizationRolledBack",
    ):
        assert told.count(name) == 1, name


def test_the_sample_is_not_kept_for_a_repeated_call_nor_anywhere_else(api: Api) -> None:
    path = ready(api, "unkept")
    before = places(api)
    answers = [
        api.post(path, {**ADA, "contract": NEW}, Idempotency_Key="the-same") for _ in range(2)
    ]
    assert [answer.status for answer in answers] == [201, 201]
    assert answers[0].json["id"] != answers[1].json["id"]
    assert "idempotent-replayed" not in answers[1].headers
    assert places(api) == before
    listed = api.get(f"{path}?limit=1")
    assert (listed.json["total"], listed.json["next_offset"]) == (2, 1)
    assert b"Canary" not in listed.body


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Mapping[str, Api]]:
    """Yield an API of its own with a dataset to try, called by each role with a token."""
    with serving(tmp_path / "home") as running:
        ready(running, "guarded")
        by_role = {role.value: running.given(f"the {role}", role.value) for role in Role}
        until(lambda: running.get("/datasets").status == 401)  # from here tokens are in force
        yield by_role


def test_only_stewards_and_owners_see_a_sample_and_nobody_sees_it_again(
    guarded: Mapping[str, Api],
) -> None:
    path, steward = "/datasets/guarded/anonymizations", guarded["steward"]
    before = places(steward)
    asked = {"contract": NEW, "why": "to see it"}
    answers = {role: api.post(path, asked) for role, api in guarded.items()}
    assert {role: answer.status for role, answer in answers.items()} == {
        **dict.fromkeys(guarded, 403),
        "steward": 201,
        "owner": 201,
    }
    shown = {role for role, answer in answers.items() if b"Canary" in answer.body}
    assert shown == {"steward", "owner"}
    assert places(steward) == before
    one = f"{path}/{answers['steward'].json['id']}"
    steps = [guarded["owner"].post(f"{one}/approve", {"why": "fits"})]
    version = {"version": NEW, "breaking": True, "why": "fits"}
    steps.append(guarded["owner"].post("/datasets/guarded/contracts/activate", version))
    steps += [steward.post(f"{one}/apply", {}), steward.post(f"{one}/rollback", {"why": "x"})]
    assert [step.status for step in steps] == [200] * 4
    assert not any(b"Canary" in step.body for step in steps)
    calls = (path, "/events?dataset=guarded", "/datasets/guarded/batches", "/metrics", "/")
    read = [api.get(call) for api in guarded.values() for call in calls]
    assert [answer.status for answer in read].count(200) >= len(guarded) + 2
    assert not any(b"Canary" in answer.body for answer in read)
    made = {event["actor"] for event in steward.events("guarded") if "DryRun" in event["type"]}
    assert made == {"the steward", "the owner"}


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({"contract": "7.0.0"}, 404, "has no version '7.0.0'"),
        ({"batches": ["none-01234567"]}, 404, "has no batch"),
        ({"batches": []}, 422, "batches"),
        ({"version": NEW}, 422, "version"),
    ],
)
def test_a_dry_run_of_what_is_not_there(
    api: Api, body: dict[str, object], status: int, said: str
) -> None:
    known = api.get("/datasets/asked")
    path = ready(api, "asked") if known.status == 404 else "/datasets/asked/anonymizations"
    assert said in api.post(path, {**ADA, **body}).problem(status)
    api.post(f"{path}/20260101-00000000/apply", ADA).problem(404)
