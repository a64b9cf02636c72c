"""`/dagster`: the Dagster UI behind the login of the API.

Two webservers listen on loopback: one that can be operated, for who may, and a read-only one for
everybody else (`orchestration/processes.py`). This passes requests and websockets on to the right
one, without the caller's token or cookie. What may be sent to the first is in `graphql_calls.py`.
"""

from collections.abc import AsyncIterator, Mapping
from typing import Annotated, Any
from urllib.parse import quote

import httpx2
from fastapi import APIRouter, Depends, Request, Response, WebSocket
from fastapi.responses import RedirectResponse, StreamingResponse

from lakehouse_pipeline.access.roles import Permission
from lakehouse_pipeline.api.caller import CALLER
from lakehouse_pipeline.api.graphql_calls import NoGraphQLError, in_the_name_of
from lakehouse_pipeline.api.problems import UiUnavailableError, UnknownObjectError
from lakehouse_pipeline.api.ui_socket import pass_socket
from lakehouse_pipeline.orchestration.home_lock import PREFIX, HomeLock, holder_of
from lakehouse_pipeline.settings import Settings

router = APIRouter(prefix=PREFIX, include_in_schema=False)
SENT_ON = frozenset({"accept", "accept-encoding", "accept-language", "content-type"})
CONDITIONS = frozenset({"if-none-match", "if-modified-since", "range", "if-range"})
GIVEN_BACK = frozenset(
    {
        "cache-control",
        "content-disposition",
        "content-encoding",
        "content-length",
        "content-range",
        "content-security-policy",
        "content-type",
        "etag",
        "feature-policy",
        "last-modified",
    }
)
TIMEOUT = httpx2.Timeout(10, read=300)


def ui_client() -> httpx2.AsyncClient:
    """Return the client that the requests are passed on with; it uses no proxy of the system."""
    return httpx2.AsyncClient(timeout=TIMEOUT, trust_env=False, follow_redirects=False)


def _ui(connection: Request) -> HomeLock:
    """Return the UI that runs on this home. Raises: UiUnavailableError: none was started."""
    settings: Settings = connection.app.state.office.settings
    holder = holder_of(settings)
    if holder is None:
        raise UiUnavailableError("does not run")
    return holder


UiOf = Annotated[HomeLock, Depends(_ui)]


@router.get("")
@router.get("/{path:path}")
async def read(request: Request, ui: UiOf, path: str = "") -> Response:
    """Pass a page, a file or a log on. Without tokens the UI is at its own address."""
    if CALLER.get() is None:
        return RedirectResponse(f"{ui.url}/{quote(path)}")
    if path.strip("/") == "graphql" and "query" in request.query_params:
        raise NoGraphQLError("send it by POST")
    return await _passed_on(request, _address(ui, path), b"")


@router.post("/{path:path}")
async def write(request: Request, ui: UiOf, path: str) -> Response:
    """Pass a GraphQL request on, in the name of who sends it."""
    token = CALLER.get()
    if token is None or path.strip("/") != "graphql":
        raise NoGraphQLError(f"expected POST {PREFIX}/graphql")
    if "application/json" not in request.headers.get("content-type", ""):
        raise NoGraphQLError("expected application/json")
    body = in_the_name_of(token.name, await request.body())
    return await _passed_on(request, _address(ui, "graphql"), body)


@router.websocket("/{path:path}")
async def subscribe(socket: WebSocket, path: str) -> None:
    """Pass a websocket on, for live logs, until one side or the token ends."""
    settings: Settings = socket.app.state.office.settings
    ui = holder_of(settings)
    if ui is None or CALLER.get() is None or path.strip("/") != "graphql":
        await socket.close()
        return
    await pass_socket(socket, _address(ui, "graphql").replace("http://", "ws://", 1))


def _address(ui: HomeLock, path: str) -> str:
    """Return where a path is served to the caller: writable for who operates, else read-only."""
    token = CALLER.get()
    operates = token is not None and token.may(Permission.OPERATE_UI)
    if not ui.view_port:
        raise UiUnavailableError("does not stand behind the login yet", "It takes some seconds.")
    # The webserver must read the very path that was judged here: it is encoded again as it was
    # decoded, and has no segments that a client takes out on the way.
    if {".", ".."}.intersection(path.split("/")):
        raise UnknownObjectError("page")
    return f"{ui.url if operates else ui.view_url}/{quote(path)}"


async def _passed_on(request: Request, address: str, body: bytes) -> Response:
    client: httpx2.AsyncClient = request.app.state.ui_client
    url = httpx2.URL(address, query=request.scope["query_string"])
    wanted = SENT_ON | CONDITIONS
    headers = {name: value for name, value in request.headers.items() if name in wanted}
    sent = client.build_request(request.method, url, headers=headers, content=body)
    try:
        answer = await client.send(sent, stream=True)
    except httpx2.TransportError:
        raise UiUnavailableError("does not answer") from None
    return _given_back(answer)


def _given_back(answer: httpx2.Response) -> Response:
    """Return an answer of the webserver, its bytes as they come."""
    headers: Mapping[str, Any] = {
        name: value for name, value in answer.headers.items() if name in GIVEN_BACK
    }
    where = answer.headers.get("location", "")
    if where.startswith("/"):
        headers = {**headers, "location": where}
    return StreamingResponse(_bytes(answer), answer.status_code, headers)


async def _bytes(answer: httpx2.Response) -> AsyncIterator[bytes]:
    try:
        async for piece in answer.aiter_raw():
            yield piece
    finally:
        await answer.aclose()
