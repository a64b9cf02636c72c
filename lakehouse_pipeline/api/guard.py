"""By which names the API may be called, and that no web page of elsewhere calls it.

A page in a browser can send requests to 127.0.0.1 or into a company's network, but not with a
foreign `Host` (DNS rebinding) or without its `Origin`. The headers of `headers.py` are added here,
too. Who may do what is in `doorkeeper.py`.
"""

import ipaddress
from collections.abc import Iterable
from http import HTTPStatus
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lakehouse_pipeline.api.denials import ANYBODY, Denial, client_of
from lakehouse_pipeline.api.headers import secure
from lakehouse_pipeline.api.problems import problem
from lakehouse_pipeline.orchestration.home_lock import PREFIX

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
PAGES = frozenset({PREFIX, "/login", "/docs", "/"})
"""What people may come to by a link on another site, beside the pages below the UI."""


class Guard:
    """ASGI middleware: refuses foreign hosts and origins, adds the security headers.

    `names`: by which the API may be called beside loopback. `is_far`: it listens beyond loopback;
    then also by any address, which no DNS server can point elsewhere.
    """

    def __init__(self, app: ASGIApp, names: Iterable[str] = (), *, is_far: bool = False) -> None:
        self.app = app
        self.names = LOOPBACK.union(name.lower() for name in names)
        self.is_far = is_far

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 403."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return

        async def careful(message: Message) -> None:
            if message["type"] == "http.response.start":
                secure(MutableHeaders(scope=message), scope["path"])
            await send(message)

        refused = self._refusal(scope, Headers(scope=scope))
        if not refused:
            await self.app(scope, receive, careful)
            return
        denial = Denial(ANYBODY, client_of(scope), "", None, "Host or Origin")
        await scope["app"].state.denials.note(denial)
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await problem(HTTPStatus.FORBIDDEN, refused)(scope, receive, careful)

    def _refusal(self, scope: Scope, headers: Headers) -> str:
        """Return why a request is refused, empty when it is not."""
        name = _name(headers.get("host", ""))
        if name not in self.names and not (self.is_far and _is_address(name)):
            return (
                "the Host is not this machine's loopback address, nor one of the names in "
                "LAKEHOUSE_API_NAMES."
            )
        return "" if _is_visit(scope, headers) else _foreign(headers)


def _is_visit(scope: Scope, headers: Headers) -> bool:
    """Return whether a person follows a link to a page; the browser keeps its cookie back then."""
    is_page = scope["path"] in PAGES or scope["path"].startswith((f"{PREFIX}/", "/portal/"))
    return (
        is_page
        and scope.get("method") == "GET"
        and headers.get("origin") is None
        and headers.get("sec-fetch-mode") == "navigate"
        and headers.get("sec-fetch-dest") == "document"
    )


def _foreign(headers: Headers) -> str:
    """Return why a request of a web page is refused, empty when it is from one of ours."""
    host = headers.get("host", "")
    origin = headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != host:
        return "the request comes from a web page of another origin."
    if headers.get("sec-fetch-site") == "cross-site":
        return "the request comes from a web page of another site."
    return ""


def _name(host: str) -> str | None:
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None


def _is_address(name: str | None) -> bool:
    try:
        ipaddress.ip_address(name or "")
    except ValueError:
        return False
    return True
