"""Who may reach the API on loopback: programs of this machine, and no web page.

A page in a browser can send requests to 127.0.0.1, but not with a foreign `Host` (DNS rebinding) or
without its `Origin`. The headers that make browsers careful with the answers are added here, too.
"""

from http import HTTPStatus
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lakehouse_pipeline.api.problems import problem

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}


class Guard:
    """ASGI middleware: refuses foreign hosts and origins, adds the security headers."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 403."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def careful(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        if refused := _refusal(Headers(scope=scope)):
            await problem(HTTPStatus.FORBIDDEN, refused)(scope, receive, careful)
        else:
            await self.app(scope, receive, careful)


def _refusal(headers: Headers) -> str:
    """Return why a request is refused, empty when it is not."""
    host = headers.get("host", "")
    if _name(host) not in LOOPBACK:
        return "the Host is not this machine's loopback address."
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
