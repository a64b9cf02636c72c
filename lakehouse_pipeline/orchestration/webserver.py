"""Dagster's webserver, closed to the web pages of elsewhere; its command line is that of Dagster.

Dagster's own takes a mutation from whatever page asks a browser for it: as the address of an image,
as a form, as JSON that calls itself text. On loopback without tokens nothing stands before it, so
what `access/origins.py` tells of is refused here. Behind the API's login this is a second lock.
"""

from collections.abc import Collection, Mapping

from dagster_webserver import cli
from dagster_webserver.app import create_app_from_workspace_process_context
from starlette.applications import Starlette
from starlette.datastructures import Headers, QueryParams
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from lakehouse_pipeline.access.origins import host_refusal, is_visit, page_refusal
from lakehouse_pipeline.orchestration.reexecution import explain_reexecutions
from lakehouse_pipeline.settings import Settings

GRAPHQL = "/graphql"
ASKED_AS = ("application/json", "application/graphql")
"""The types of a question: no page sends them elsewhere without asking first, and is told no."""

_NAME = "create_app_from_workspace_process_context"
"""Under this name Dagster's command finds what makes its application."""


class OwnPages:
    """ASGI middleware: answers 403 to the pages of elsewhere, passes everything else on."""

    def __init__(self, app: ASGIApp, names: Collection[str] = ()) -> None:
        self.app = app
        self.names = names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        refused = "" if scope["type"] == "lifespan" else _refusal(scope, self.names)
        if not refused:
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await PlainTextResponse(f"{refused}\n", 403)(scope, receive, send)


def _refusal(scope: Scope, names: Collection[str]) -> str:
    headers, method = Headers(scope=scope), scope.get("method", "")
    if host := host_refusal(headers, names):
        return host
    if scope["path"].endswith(GRAPHQL) and (asked := _question_refusal(scope, method, headers)):
        return asked
    return "" if is_visit(method, headers) else page_refusal(headers)


def _question_refusal(scope: Scope, method: str, headers: Mapping[str, str]) -> str:
    """Return why a question to GraphQL is refused that any page could have sent unasked."""
    shows_form = "text/html" in headers.get("accept", "")  # Dagster asks nothing then
    if method == "GET" and "query" in QueryParams(scope["query_string"]) and not shows_form:
        return "a question in the address is not taken; send it by POST as application/json."
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if method == "POST" and kind not in ASKED_AS:
        return f"expected a Content-Type of {' or '.join(ASKED_AS)}."
    return ""


def closed_app(*given: object, **named: object) -> Starlette:
    """Return the webserver's application, with what refuses the pages of elsewhere before it."""
    app = create_app_from_workspace_process_context(*given, **named)  # type: ignore[arg-type]  # Dagster calls it
    app.add_middleware(OwnPages, names=frozenset(map(str.lower, Settings().api_names)))
    return app


def main() -> None:
    """Run Dagster's command with the closed application."""
    explain_reexecutions()
    setattr(cli, _NAME, closed_app)
    cli.main()  # type: ignore[no-untyped-call]  # Dagster's has no types


if __name__ == "__main__":
    main()
