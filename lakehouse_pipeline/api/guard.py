"""By which names the API may be called, and that no web page of elsewhere calls it.

How such pages are known is in `access/origins.py`. The headers of `headers.py` are added here, too.
Who may do what is in `doorkeeper.py`.
"""

from collections.abc import Iterable
from http import HTTPStatus

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lakehouse_pipeline.access.origins import host_refusal, is_visit, page_refusal
from lakehouse_pipeline.api.denials import ANYBODY, Denial, client_of
from lakehouse_pipeline.api.headers import secure
from lakehouse_pipeline.api.problems import problem
from lakehouse_pipeline.orchestration.home_lock import PREFIX

PAGES = frozenset({PREFIX, "/login", "/docs", "/"})
"""What people may come to by a link on another site, beside the pages below the UI."""


class Guard:
    """ASGI middleware: refuses foreign hosts and origins, adds the security headers.

    `names`: by which the API may be called beside loopback. `is_far`: it listens beyond loopback;
    then also by any address, which no DNS server can point elsewhere.
    """

    def __init__(self, app: ASGIApp, names: Iterable[str] = (), *, is_far: bool = False) -> None:
        self.app = app
        self.names = frozenset(name.lower() for name in names)
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
        if refused := host_refusal(headers, self.names, is_far=self.is_far):
            return refused
        path = scope["path"]
        is_page = path in PAGES or path.startswith((f"{PREFIX}/", "/portal/"))
        if is_page and is_visit(scope.get("method", ""), headers):
            return ""
        return page_refusal(headers)
