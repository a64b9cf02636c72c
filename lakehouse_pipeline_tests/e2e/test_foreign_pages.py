"""What a web page of another site can send to the UI of a running `lakehouse up` without tokens."""

import asyncio
import http.client
import json
from collections.abc import Iterator, Mapping
from urllib.parse import quote, urlsplit

import dagster as dg
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Origin, Subprotocol

from lakehouse_pipeline.orchestration.graphql import ask
from lakehouse_pipeline.orchestration.instance import open_instance
from lakehouse_pipeline.orchestration.parts import Stack
from lakehouse_pipeline.orchestration.processes import running
from lakehouse_pipeline.settings import Settings

pytestmark = pytest.mark.slow

DEFINITIONS = "lakehouse_pipeline_tests.e2e.tiny_definitions"
KEY = "made by a web page"
MUTATION = "mutation { setNuxSeen }"
BODY = json.dumps({"query": MUTATION})
FOREIGN = {"Origin": "https://elsewhere.example", "Sec-Fetch-Site": "cross-site"}
OLD = {"Origin": "https://elsewhere.example"}
TEXT = {"Content-Type": "text/plain"}
TRICK = {"Content-Type": "text/plain; charset=application/json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
JSON = {"Content-Type": "application/json"}
IN_ADDRESS = f"/graphql?query={quote(MUTATION)}"
MATERIALIZE = f"/report_asset_materialization/{quote(KEY)}?description=forged"

Call = tuple[str, str, str, Mapping[str, str]]

ATTACKS: Mapping[str, Call] = {
    "an image": ("GET", IN_ADDRESS, "", {"Sec-Fetch-Site": "cross-site", "Accept": "image/*"}),
    "an image in an old browser": ("GET", IN_ADDRESS, "", {"Accept": "image/*"}),
    "an image whose address is spelled otherwise": (
        "GET",
        IN_ADDRESS.replace("query", "qu%65ry"),
        "",
        {"Accept": "image/*"},
    ),
    "a form": ("POST", IN_ADDRESS, "", FOREIGN | FORM),
    "a form in a frame without an origin": ("POST", IN_ADDRESS, "", FORM | {"Origin": "null"}),
    "a script's text": ("POST", "/graphql", BODY, FOREIGN | TEXT),
    "a script's text that names JSON": ("POST", "/graphql", BODY, FOREIGN | TRICK),
    "that in an old browser": ("POST", "/graphql", BODY, OLD | TRICK),
    "that without an origin": ("POST", "/graphql", BODY, TRICK),
    "an asset that is reported": ("POST", MATERIALIZE, "", FOREIGN | FORM),
    "that without a type": ("POST", MATERIALIZE, "", FOREIGN),
    "that with JSON in text": (
        "POST",
        f"/report_asset_materialization/{quote(KEY)}",
        "{}",
        OLD | TRICK,
    ),
    "a name that points here": ("POST", "/graphql", BODY, JSON | {"Host": "elsewhere.example"}),
    "a page that is read by such a name": ("GET", "/", "", {"Host": "elsewhere.example:80"}),
}


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Stack, Settings]]:
    settings = Settings(home=tmp_path_factory.mktemp("pages") / "home")
    with running(settings, definitions=DEFINITIONS) as stack:
        yield stack, settings


def send(url: str, call: Call) -> tuple[int, bytes]:
    method, path, body, headers = call
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
    try:
        connection.request(method, path, body.encode(), dict(headers))
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_page_of_another_site_changes_and_reads_nothing(
    up: tuple[Stack, Settings], attack: str
) -> None:
    stack, settings = up
    status, body = send(stack.url, ATTACKS[attack])
    with open_instance(settings) as instance:
        known = instance.get_latest_materialization_event(dg.AssetKey(KEY))
    assert known is None
    assert (status, b"data" in body) == (403, False), (status, body[:200])


def test_a_page_of_another_site_opens_no_websocket(up: tuple[Stack, Settings]) -> None:
    address = up[0].url.replace("http", "ws") + "/graphql"
    kind = [Subprotocol("graphql-ws")]

    async def opened(origin: str | None) -> str:
        named = Origin(origin) if origin else None
        async with connect(address, origin=named, subprotocols=kind, proxy=None) as socket:
            await socket.send(json.dumps({"type": "connection_init"}))
            return str(json.loads(await socket.recv())["type"])

    with pytest.raises(InvalidStatus, match="403"):
        asyncio.run(opened("https://elsewhere.example"))
    assert asyncio.run(opened(up[0].url)) == "connection_ack"
    assert asyncio.run(opened(None)) == "connection_ack"


def test_its_own_pages_programs_and_links_work_as_before(up: tuple[Stack, Settings]) -> None:
    url = up[0].url
    own = JSON | {"Origin": url, "Sec-Fetch-Site": "same-origin"}
    assert send(url, ("POST", "/graphql", BODY, own))[0] == 200
    assert send(url, ("POST", "/graphql", BODY, JSON))[0] == 200
    assert "version" in ask(url, "{ version }")
    port = urlsplit(url).port
    assert send(url, ("GET", "/runs", "", {"Host": f"localhost:{port}"}))[0] == 200
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert send(url, ("GET", "/assets", "", link | {"Sec-Fetch-Dest": "document"}))[0] == 200
    frame = link | {"Sec-Fetch-Dest": "iframe"}
    assert send(url, ("GET", "/assets", "", frame))[0] == 403
