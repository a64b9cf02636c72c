"""The Dagster UI behind the login of `lakehouse up`: pages, GraphQL and live websockets."""

import asyncio
import http.client
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from lakehouse_pipeline.orchestration.instance import open_instance
from lakehouse_pipeline.orchestration.parts import Stack
from lakehouse_pipeline.orchestration.processes import running
from lakehouse_pipeline.settings import Settings
from lakehouse_pipeline_tests.api.client import (
    CSV,
    Answer,
    Api,
    end_token,
    listens,
    make_token,
    until,
)

pytestmark = pytest.mark.slow

RELOAD = """mutation { reloadRepositoryLocation(repositoryLocationName: "lakehouse") {
  __typename } }"""
LAUNCH = """mutation Launch($executionParams: ExecutionParams!) {
  launchPipelineExecution(executionParams: $executionParams) {
    __typename ... on LaunchRunSuccess { run { runId } } } }"""
DELETE = 'mutation { deletePipelineRun(runId: "none") { __typename } }'
GROUPS = "{ assetNodes { groupName } }"
RUN = """subscription($id: ID!) { pipelineRunLogs(runId: $id) { __typename } }"""


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Stack, Api]]:
    """Yield an installation with tokens, and its API called with the owner's."""
    home = tmp_path_factory.mktemp("guarded") / "home"
    secret = make_token(home, "Olga", "owner")
    with running(Settings(home=home, threads=1, memory_limit="500MB")) as stack:
        yield stack, Api(stack.api_url, home, home, 0, secret)
    assert not any(listens(urlsplit(url).port or 0) for url in (stack.url, stack.api_url))


@pytest.fixture(scope="module")
def api(up: tuple[Stack, Api]) -> Api:
    """Return the API, called with the owner's token."""
    return up[1]


def asked(api: Api, query: str, variables: object = None) -> Answer:
    return api.post("/dagster/graphql", {"query": query, "variables": variables})


def kind(answer: Answer, name: str) -> str:
    """Return the type of what came of an operation."""
    assert answer.status == 200, answer
    return str(answer.json["data"][name]["__typename"])


def test_the_ui_is_shown_below_the_api_and_its_webservers_on_loopback_only(
    up: tuple[Stack, Api],
) -> None:
    stack, api = up
    assert stack.shown_url == f"{stack.api_url}/dagster"
    names = [part.name for part in stack.parts]
    assert names == ["code server", "API", "daemon", "webserver", "read-only webserver"]
    page = api.get("/dagster", Accept="text/html")
    assert (page.status, b'"pathPrefix":"/dagster"' in page.body.replace(b" ", b"")) == (200, True)
    assert page.headers["cache-control"] == "no-store"
    assert "frame-ancestors 'self'" in page.headers["content-security-policy"]
    assert "script-src 'nonce-" in page.headers["content-security-policy"]
    assert page.headers["x-frame-options"] == "SAMEORIGIN"


def test_the_files_of_the_ui_are_asked_for_again_and_not_sent_again(api: Api) -> None:
    page = api.get("/dagster", Accept="text/html").body.decode()
    script = page.partition('src="')[2].partition('"')[0]
    assert script.startswith("/dagster/_next/static/")
    first = api.get(script)
    assert (first.status, first.headers["cache-control"]) == (200, "private, no-cache")
    again = api.get(script, If_None_Match=first.headers["etag"])
    assert (again.status, again.body) == (304, b"")


def test_without_a_token_nothing_of_it_is_served(api: Api) -> None:
    nobody = api.of("")
    assert nobody.get("/dagster", Accept="text/html").status == 303
    for path in ("/dagster/graphql", "/dagster/favicon.png", "/dagster/logs/x/y.out"):
        nobody.get(path).problem(401)
    asked(nobody, "{ version }").problem(401)


@pytest.mark.parametrize(
    ("role", "datasets", "operates"),
    [
        ("owner", (), True),
        ("steward", (), True),
        ("steward", ("sales",), False),
        ("owner", ("sales",), False),
        ("producer", (), False),
        ("consumer", (), False),
        ("auditor", (), False),
    ],
)
def test_who_operates_the_ui_and_who_only_reads_it(
    api: Api, role: str, datasets: tuple[str, ...], *, operates: bool
) -> None:
    caller = api.given(f"{role} of {len(datasets)}", role, *datasets)
    assert asked(caller, "{ version }").status == 200
    wanted = "WorkspaceLocationEntry" if operates else "UnauthorizedError"
    assert kind(asked(caller, RELOAD), "reloadRepositoryLocation") == wanted


def test_nobody_deletes_a_run_or_reports_an_event_through_the_ui(api: Api) -> None:
    assert "can change what is on record" in asked(api, DELETE).problem(403)
    body = {"metadata": {"lakehouse/event": "DataConsumed", "actor": "Ann"}}
    api.post("/dagster/report_asset_observation/sales/raw", body).problem(400)
    sent = "query=mutation{reloadWorkspace{__typename}}"
    for path in ("graphql", "graphql/", "/graphql"):
        api.get(f"/dagster/{path}?{sent}").problem(400)
    for trick in (
        "graphql%3Fx",
        "graphql%23",
        "./graphql",
        "x/../graphql",
        "graphql%2F%3F",
        "%2567",
    ):
        answer = api.get(f"/dagster/{trick}?{sent}")
        assert b"__typename" not in answer.body, trick
    form = {"Content-Type": "text/plain"}
    api.call("POST", "/dagster/graphql?query={version}", b"", form).problem(400)


def test_a_run_started_in_the_ui_carries_the_name_of_the_token(api: Api) -> None:
    dataset = api.dataset("launched")
    landed = api.put(api.upload_url(dataset), CSV)
    batch = landed.json["batch_id"]

    def states() -> list[str]:
        return [b["state"] for b in api.get(f"/datasets/{dataset}/batches").json["items"]]

    until(lambda: states() == ["published"], 90)
    params = {
        "selector": {
            "repositoryLocationName": "lakehouse",
            "repositoryName": "__repository__",
            "pipelineName": f"{dataset}_batches",
        },
        "mode": "default",
        "executionMetadata": {
            "tags": [
                {"key": "dagster/partition", "value": batch},
                {"key": "user", "value": "Somebody Else"},
            ]
        },
    }
    steward = api.given("Stella", "steward")
    done = asked(steward, LAUNCH, {"executionParams": params})
    assert kind(done, "launchPipelineExecution") == "LaunchRunSuccess", done
    run_id = done.json["data"]["launchPipelineExecution"]["run"]["runId"]
    with open_instance(Settings(home=api.home)) as instance:
        run = instance.get_run_by_id(run_id)
        assert run is not None
        assert run.tags["user"] == "Stella"

        def is_over() -> bool:
            found = instance.get_run_by_id(run_id)
            return found is not None and found.is_finished

        until(is_over, 90)
    assert asyncio.run(first_message(steward, run_id))["type"] == "data"


def test_a_new_dataset_is_in_the_read_only_ui_too(api: Api) -> None:
    api.dataset("shown")
    consumer = api.given("Cora", "consumer")
    until(lambda: {"groupName": "shown"} in asked(consumer, GROUPS).json["data"]["assetNodes"], 20)


def socket_url(api: Api) -> str:
    return api.url.replace("http://", "ws://") + "/dagster/graphql"


def opened(api: Api, **headers: str) -> connect:
    bearer = {"Authorization": f"Bearer {api.token}"} if api.token else {}
    protocols = [Subprotocol("graphql-ws")]
    return connect(socket_url(api), subprotocols=protocols, additional_headers=bearer | headers)


async def first_message(api: Api, run_id: str) -> Any:  # noqa: ANN401 JSON has no narrower type
    """Return what the live log of a run begins with, as the UI asks for it."""
    async with opened(api) as socket:
        assert socket.subprotocol == "graphql-ws"
        await socket.send(json.dumps({"type": "connection_init"}))
        assert json.loads(await socket.recv()) == {"type": "connection_ack"}
        payload = {"query": RUN, "variables": {"id": run_id}}
        await socket.send(json.dumps({"id": "1", "type": "start", "payload": payload}))
        return json.loads(await asyncio.wait_for(socket.recv(), 30))


def test_a_websocket_needs_a_token_or_a_login_of_this_origin(api: Api) -> None:
    async def refused(api: Api, **headers: str) -> int:
        with pytest.raises(InvalidStatus) as refusal:
            async with opened(api, **headers):
                pass
        return refusal.value.response.status_code

    kept = logged_in(api, "Wanda")
    nobody = api.of("")
    assert asyncio.run(refused(nobody)) == 403
    assert asyncio.run(refused(nobody, Cookie=kept)) == 403
    assert asyncio.run(refused(nobody, Cookie=kept, Origin="http://evil.example")) == 403

    async def let_in() -> None:
        async with opened(nobody, Cookie=kept, Origin=api.url) as socket:
            await socket.send(json.dumps({"type": "connection_init"}))
            assert json.loads(await socket.recv()) == {"type": "connection_ack"}

    asyncio.run(let_in())


def test_an_open_websocket_ends_with_its_token(api: Api) -> None:
    caller = api.given("Walt", "auditor")

    async def ends() -> int | None:
        async with opened(caller) as socket:
            await socket.send(json.dumps({"type": "connection_init"}))
            await socket.recv()
            await asyncio.to_thread(end_token, api.home, "Walt")
            with pytest.raises(ConnectionClosed) as closed:
                await asyncio.wait_for(socket.recv(), 20)
        return closed.value.rcvd.code if closed.value.rcvd else None

    assert asyncio.run(ends()) == 1008


def test_a_browser_that_leaves_the_ui_leaves_no_error_in_the_log(tmp_path: Path) -> None:
    home = tmp_path / "home"
    secret = make_token(home, "Olga", "owner")

    async def leaves(api: Api) -> None:
        async with opened(api) as socket:
            await socket.send(json.dumps({"type": "connection_init"}))
            await socket.recv()
            socket.transport.abort()

    with running(Settings(home=home, threads=1, memory_limit="500MB")) as stack:
        asyncio.run(leaves(Api(stack.api_url, home, home, 0, secret)))
    assert "Traceback" not in (home / "dagster" / "output" / "api.log").read_text()


def logged_in(api: Api, name: str) -> str:
    """Return the cookie of a login."""
    body = f"token={make_token(api.home, name, 'steward')}".encode()
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Origin": api.url}
    answer = api.of("").call("POST", "/login", body, headers)
    return answer.headers["set-cookie"].partition(";")[0]


def test_a_login_operates_the_ui_from_its_own_pages_only(api: Api) -> None:
    kept, nobody = logged_in(api, "Lena"), api.of("")
    body = {"query": RELOAD}
    nobody.post("/dagster/graphql", body, Cookie=kept).problem(403)
    done = nobody.post("/dagster/graphql", body, Cookie=kept, Origin=api.url)
    assert kind(done, "reloadRepositoryLocation") == "WorkspaceLocationEntry"


def test_no_token_no_cookie_and_no_signature_reaches_a_log_or_the_records(api: Api) -> None:
    cookie = logged_in(api, "Lola")
    dataset = api.dataset("logged")
    url = api.upload_url(dataset)
    signature = url.partition("token=")[2]
    secrets = [api.token, cookie.partition("=")[2], signature, "lhp_" + "y" * 43]
    api.put(url, CSV)
    api.put(url.replace("may.csv", "june.csv"), CSV).problem(403)
    for secret in (api.token, secrets[-1]):
        caller = api.of(secret)
        for path in ("/datasets", f"/datasets?token={secret}", f"/{secret}", f"/datasets/{secret}"):
            caller.get(path)
        asked(caller, "{ version }")
        asked(caller, "{ no_such_field }", {"x": secret})
        caller.get(f"/dagster/graphql?token={secret}")
        caller.get(f"/dagster/{secret}")
        caller.post("/replay", {"dataset": secret})
        caller.call("POST", "/contracts", secret.encode())
    raw = http.client.HTTPConnection(urlsplit(api.url).netloc, timeout=20)
    raw.putrequest("GET", "/datasets")
    raw.putheader("Authorization", f"Bearer {api.token}\tx")
    raw.endheaders()
    raw.getresponse().read()
    raw.close()
    assert asked(api, "{ version }").status == 200
    written = [file for file in (api.home / "dagster").rglob("*") if file.is_file()]
    assert any(file.name == "api.log" for file in written)
    for file in written:
        content = file.read_bytes()
        assert not any(secret.encode() in content for secret in secrets), file


def test_without_tokens_the_ui_is_at_its_own_address(tmp_path: Path) -> None:
    with running(Settings(home=tmp_path / "home", threads=1)) as stack:
        assert stack.shown_url == stack.url
        assert "read-only webserver" not in [part.name for part in stack.parts]
        api = Api(stack.api_url, tmp_path / "home", tmp_path, 0)
        answer = api.get("/dagster/runs")
        assert (answer.status, answer.headers["location"]) == (307, f"{stack.url}/runs")
        secret = make_token(api.home, "Olga", "owner")
        said = api.of(secret).get("/dagster").problem(503)
        assert "does not stand behind the login yet" in said
