"""The first token of a running `lakehouse up`: the UI moves behind the login, without a restart."""

import http.client
import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from lakehouse_pipeline_tests.api.client import Api, until
from lakehouse_pipeline_tests.e2e.ups import Up

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

RELOAD = """mutation { reloadRepositoryLocation(repositoryLocationName: "lakehouse") {
  __typename } }"""


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Up]:
    started = Up(tmp_path / "home")
    yield started
    started.end()


def status(url: str) -> int:
    """Return what a GET of this address is answered with, 0 when nobody listens."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=30)
    try:
        connection.request("GET", parts.path or "/")
        return connection.getresponse().status
    except OSError:
        return 0
    finally:
        connection.close()


def test_the_first_token_puts_the_ui_behind_the_login_without_a_restart(
    up: Up, tmp_path: Path
) -> None:
    open_ui = up.said("UI: ")
    address = up.said("Portal: ")
    nobody = Api(address, tmp_path / "home", tmp_path, up.process.pid)
    assert status(open_ui) == 200
    made = up.command("token", "create", "--name", "Olga", "--role", "owner")
    assert f"moves behind the login, in seconds: {address}/dagster" in made.stderr
    owner = nobody.of(made.stdout.splitlines()[-1])
    assert up.said("UI: ") == f"{address}/dagster (log in there with a token)"
    nobody.get("/dagster/graphql").problem(401)
    asked = {"query": RELOAD}
    assert reloaded(owner, asked) == "WorkspaceLocationEntry"
    auditor = up.command("token", "create", "--name", "Ada", "--role", "auditor")
    assert auditor.stderr == ""
    assert reloaded(nobody.of(auditor.stdout.splitlines()[-1]), asked) == "UnauthorizedError"
    assert status(open_ui) != 200  # at its old address it is no more
    owner.dataset("after")
    until(lambda: "after" in groups(owner))  # the API finds the webserver that it tells
    holder = json.loads((tmp_path / "home" / "dagster" / "up.json").read_text())
    assert holder["view_port"]


def reloaded(api: Api, asked: object) -> str:
    answer = api.post("/dagster/graphql", asked)
    return str(answer.json["data"]["reloadRepositoryLocation"]["__typename"])


def groups(api: Api) -> set[str]:
    answer = api.post("/dagster/graphql", {"query": "{ assetNodes { groupName } }"})
    return {node["groupName"] for node in answer.json["data"]["assetNodes"]}
