"""Every call by every role, with no token, an ended one, and one of another dataset."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from lakehouse_pipeline.api.app import create_app
from lakehouse_pipeline.api.permissions import WEBSOCKET, calls_of
from lakehouse_pipeline.lake.erasure_requests import Erasures, new_request
from lakehouse_pipeline.settings import Settings
from lakehouse_pipeline_tests.api.client import Api, end_token, serving, until

ROLES = ("producer", "steward", "consumer", "auditor", "owner")
DATASET = "sales"
ALL = frozenset(ROLES)
IN_CHARGE = frozenset({"steward", "owner"})
OF_THEIR_OWN = frozenset(
    {
        ("GET", "/datasets"),
        ("GET", "/events"),
        ("GET", "/grants"),
        ("GET", "/erasures"),
        ("POST", "/query"),
        ("GET", "/"),
    }
)
"""These know nothing but what is of a token's own dataset, and refuse no token for another one."""

EXPECTED: Mapping[tuple[str, str], frozenset[str] | None] = {
    ("POST", "/datasets"): IN_CHARGE,
    ("GET", "/datasets"): ALL,
    ("GET", "/datasets/{dataset}"): ALL,
    ("POST", "/contracts"): IN_CHARGE,
    ("GET", "/datasets/{dataset}/contracts"): ALL,
    ("POST", "/datasets/{dataset}/contracts/approve"): IN_CHARGE,
    ("POST", "/datasets/{dataset}/contracts/decline"): IN_CHARGE,
    ("POST", "/datasets/{dataset}/contracts/activate"): IN_CHARGE,
    ("POST", "/datasets/{dataset}/contracts/deprecate"): IN_CHARGE,
    ("POST", "/datasets/{dataset}/contracts/retire"): IN_CHARGE,
    ("POST", "/datasets/{dataset}/upload-url"): IN_CHARGE | {"producer"},
    ("POST", "/upload-url"): IN_CHARGE | {"producer"},
    ("POST", "/datasets/{dataset}/download-url"): IN_CHARGE | {"consumer"},
    ("POST", "/datasets/{dataset}/append"): IN_CHARGE | {"producer"},
    ("POST", "/replay"): IN_CHARGE,
    ("GET", "/replays/{name}"): IN_CHARGE,
    ("GET", "/datasets/{dataset}/batches"): ALL,
    ("GET", "/datasets/{dataset}/batches/{batch}"): ALL,
    ("GET", "/datasets/{dataset}/quarantine"): IN_CHARGE | {"producer"},
    ("GET", "/datasets/{dataset}/quarantine/export"): IN_CHARGE | {"producer"},
    ("GET", "/datasets/{dataset}/quarantine/reasons"): IN_CHARGE | {"producer"},
    ("POST", "/datasets/{dataset}/batches/{batch}/release"): IN_CHARGE,
    ("POST", "/datasets/{dataset}/batches/{batch}/publish"): IN_CHARGE,
    ("POST", "/datasets/{dataset}/batches/{batch}/withdraw"): IN_CHARGE,
    ("POST", "/datasets/{dataset}/batches/{batch}/corrections"): IN_CHARGE | {"producer"},
    ("POST", "/datasets/{dataset}/anonymizations"): IN_CHARGE,
    ("GET", "/datasets/{dataset}/anonymizations"): IN_CHARGE | {"auditor"},
    ("POST", "/datasets/{dataset}/anonymizations/{anonymization}/approve"): IN_CHARGE,
    ("POST", "/datasets/{dataset}/anonymizations/{anonymization}/apply"): IN_CHARGE,
    ("POST", "/datasets/{dataset}/anonymizations/{anonymization}/rollback"): IN_CHARGE,
    ("POST", "/datasets/{dataset}/vault/read"): IN_CHARGE,
    ("POST", "/grants"): IN_CHARGE,
    ("GET", "/grants"): IN_CHARGE | {"auditor"},
    ("GET", "/grants/{grant}"): IN_CHARGE | {"auditor"},
    ("POST", "/grants/{grant}/revoke"): IN_CHARGE,
    ("DELETE", "/grants/{grant}"): IN_CHARGE,
    ("POST", "/erasures"): IN_CHARGE,
    ("GET", "/erasures"): IN_CHARGE | {"auditor"},
    ("GET", "/erasures/{erasure}"): IN_CHARGE | {"auditor"},
    ("POST", "/query"): IN_CHARGE | {"consumer"},
    ("GET", "/events"): IN_CHARGE | {"auditor"},
    ("GET", "/metrics"): IN_CHARGE | {"auditor"},
    ("GET", "/dagster"): ALL,
    ("GET", "/dagster/{path:path}"): ALL,
    ("POST", "/dagster/{path:path}"): ALL,
    ("GET", "/"): ALL,
    ("GET", "/portal/datasets/{dataset}"): ALL,
    ("GET", "/portal/datasets/{dataset}/batches"): ALL,
    ("GET", "/portal/datasets/{dataset}/delivered"): ALL,
    ("GET", "/portal/datasets/{dataset}/batches/{batch}"): ALL,
    ("GET", "/portal/datasets/{dataset}/batches/{batch}/part"): ALL,
    # None: open to everybody; a signed URL without its signature is refused by that.
    ("PUT", "/objects/landing/{dataset}/{name}"): None,
    ("GET", "/objects/exports/{path:path}"): None,
    ("GET", "/objects/granted/{grant}/{dataset}/{name}"): None,
    ("GET", "/objects/{path:path}"): None,
    ("PUT", "/objects/{path:path}"): None,
    ("POST", "/objects/{path:path}"): None,
    ("DELETE", "/objects/{path:path}"): None,
    ("PATCH", "/objects/{path:path}"): None,
    ("OPTIONS", "/objects/{path:path}"): None,
    ("TRACE", "/objects/{path:path}"): None,
    ("GET", "/login"): None,
    ("POST", "/login"): None,
    ("POST", "/logout"): None,
    ("GET", "/healthz"): None,
    ("GET", "/readyz"): None,
    ("GET", "/portal/static/{name}"): None,
    ("GET", "/docs"): None,
    ("GET", "/docs/start.js"): None,
    ("GET", "/docs/{name}"): None,
    ("GET", "/openapi.json"): None,
}
"""Who may make each call, told a second time: a change of the table has to be meant."""

BODIES: Mapping[str, object] = {
    "/datasets": {"name": DATASET, "schema": {"id": "int"}},
    "/contracts": {"dataset": DATASET},
    "/upload-url": {"dataset": DATASET, "filename": "a.csv"},
    "/replay": {"dataset": DATASET},
    "/query": {"sql": f"SELECT count(*) FROM {DATASET}"},
    "/grants": {
        "dataset": DATASET,
        "consumer": "marketing",
        "purpose": "a report",
        "expires": "2099-12-31",
    },
    "/grants/{grant}/revoke": {"why": "the report is written"},
    "/erasures": {"subject": "p3@example.org", "dataset": DATASET, "why": "a letter"},
    "/datasets/{dataset}/vault/read": {"token": "tok_0", "why": "a complaint"},
    "/datasets/{dataset}/append": {"object": f"landing/{DATASET}/none.csv"},
    "/dagster/{path:path}": {"query": "{ version }"},
}


def endpoints() -> list[tuple[str, str]]:
    """Return every call that the application answers, as its routes say."""
    with TemporaryDirectory() as home:
        routes = create_app(Settings(home=Path(home))).routes
    found = [call for call, _ in calls_of(routes)]
    return [call for call in found if call[0] != WEBSOCKET]  # test_dagster_ui.py has those


@dataclass(frozen=True, slots=True)
class Callers:
    """The API, called with tokens of every kind."""

    nobody: Api
    free: Mapping[str, Api]
    bound: Mapping[str, Api]
    elsewhere: Mapping[str, Api]
    ended: Mapping[str, Api]
    made: Mapping[str, str]


@pytest.fixture(scope="module")
def callers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callers]:
    with serving(tmp_path_factory.mktemp("matrix") / "home") as api:
        api.dataset(DATASET)
        api.dataset("hr")
        replay = api.post("/replay", {"dataset": DATASET}).json["replay_id"]
        api.given("short", "owner", days=1e-6)  # from here on tokens are in force
        until(lambda: api.get("/datasets").status == 401)
        asked = new_request("hash", DATASET, "ada", "a letter", datetime.now(UTC))
        Erasures(Settings(home=api.home).erasures).write(asked)
        ended = {
            "revoked": api.given("Rita", "owner"),
            "expired": api.given("Emil", "owner", days=1e-6),
            "unknown": api.of("lhp_" + "x" * 43),
        }
        end_token(api.home, "Rita")
        yield Callers(
            api,
            {role: api.given(f"free {role}", role) for role in ROLES},
            {role: api.given(f"bound {role}", role, DATASET, "other") for role in ROLES},
            {role: api.given(f"far {role}", role, "hr") for role in ROLES},
            ended,
            {"replay": replay, "erasure": asked.id},
        )


def made(api: Api, call: tuple[str, str], known: Mapping[str, str]) -> int:
    """Make a call about the dataset and return the status of its answer."""
    method, path = call
    named = path.replace("{dataset}", DATASET).replace("{batch}", "no-00000000")
    named = named.replace("{anonymization}", "20260101-00000000")
    named = named.replace("{grant}", f"{DATASET}-000000000000")
    named = named.replace("{erasure}", known["erasure"])
    name = {"/docs/{name}": "swagger-ui.css", "/portal/static/{name}": "portal.css"}.get(path)
    named = named.replace("{name}", known["replay"] if "replays" in path else name or "a.csv")
    body = json.dumps(BODIES.get(path, {})).encode() if method in ("POST", "PUT") else None
    kind = {"Content-Type": "application/json"}
    return api.call(method, named.replace("{path:path}", "graphql"), body, kind).status


def test_every_endpoint_has_an_expectation() -> None:
    assert set(endpoints()) == EXPECTED.keys()


@pytest.mark.parametrize("call", endpoints(), ids=" ".join)
def test_who_may_make_a_call(callers: Callers, call: tuple[str, str]) -> None:
    allowed = EXPECTED[call]
    if allowed is None:
        refused = 403 if call[1].startswith("/objects") or call[1] == "/logout" else 401
        wanted = {refused} if refused == 403 or call == ("POST", "/login") else {200}
        assert {made(callers.nobody, call, callers.made)} == wanted
        return
    for api in (callers.nobody, *callers.ended.values()):
        assert made(api, call, callers.made) == 401, api.token
    for role in ROLES:
        statuses = {
            "free": made(callers.free[role], call, callers.made),
            "bound": made(callers.bound[role], call, callers.made),
            "elsewhere": made(callers.elsewhere[role], call, callers.made),
        }
        if role not in allowed:
            assert set(statuses.values()) == {403}, (role, statuses)
            continue
        assert statuses["free"] not in (401, 403, 500), (role, statuses)
        assert statuses["bound"] not in (401, 403, 500), (role, statuses)
        about_all = call in OF_THEIR_OWN or "/dagster" in call[1] or call[1] == "/metrics"
        assert (statuses["elsewhere"] == 403) is not about_all, (role, statuses)


def test_metrics_name_only_the_datasets_of_the_token(callers: Callers) -> None:
    named = f'dataset="{DATASET}"'.encode()
    assert named in callers.bound["auditor"].get("/metrics").body
    assert named not in callers.elsewhere["auditor"].get("/metrics").body


@pytest.mark.parametrize("header", ["", "Basic YTpi", "Bearer", "Bearer  ", "lhp_x", "Bearer \xff"])
def test_what_is_no_token_is_refused(callers: Callers, header: str) -> None:
    answer = callers.nobody.get("/datasets", Authorization=header)
    answer.problem(401)
    assert answer.headers["www-authenticate"].startswith('Bearer realm="lakehouse"')


def test_a_refusal_says_why_and_what_next(callers: Callers) -> None:
    said = {name: api.get("/datasets") for name, api in callers.ended.items()}
    assert "was revoked" in said["revoked"].problem(401)
    assert "has expired" in said["expired"].problem(401)
    assert "is not one of ours" in said["unknown"].problem(401)
    assert 'error="invalid_token"' in said["revoked"].headers["www-authenticate"]
    unsaid = callers.nobody.get("/datasets")
    assert "log in at /login" in unsaid.problem(401)
    assert "error" not in unsaid.headers["www-authenticate"]
    role = callers.free["consumer"].post("/replay", {"dataset": DATASET}).problem(403)
    assert "has the role consumer" in role
    assert "owner, steward" in role
    far = callers.elsewhere["steward"].get(f"/datasets/{DATASET}").problem(403)
    assert far == callers.elsewhere["steward"].get("/datasets/none").problem(403).replace(
        "'none'", f"'{DATASET}'"
    )
