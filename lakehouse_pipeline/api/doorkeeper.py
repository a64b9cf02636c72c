"""Who is let in: every request is held against the table of calls before anything else is done.

It knows the token (`entry.py`), asks what the call needs (`permissions.py`) and whether the role
has it (`access/roles.py`), counts the call (`rate.py`), and puts a refused one on record
(`denials.py`). Without tokens in force it lets everybody in, as `guard.py` left them.
"""

from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import quote

from starlette.requests import HTTPConnection
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lakehouse_pipeline.access.tokens import Token
from lakehouse_pipeline.api.caller import CALLER, within_reach
from lakehouse_pipeline.api.denials import ANYBODY, Denial, client_of
from lakehouse_pipeline.api.entry import Entry, require_same_origin, require_valid
from lakehouse_pipeline.api.permissions import Door, Names, door_of
from lakehouse_pipeline.api.problems import answer_to
from lakehouse_pipeline.api.rate import Rate
from lakehouse_pipeline.api.refusals import REASON, NotLoggedInError, NotPermittedError, reason_of
from lakehouse_pipeline.errors import LakehouseError

POLICY_VIOLATION = 1008
_DENIED = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)


@dataclass(slots=True)
class Visit:
    """A request on its way in: its route, and who shows which token."""

    door: Door | None
    dataset: str | None
    actor: str = ANYBODY


class Doorkeeper:
    """ASGI middleware: answers 401, 403 or 429, or passes the request on with its caller."""

    def __init__(self, app: ASGIApp, entry: Entry, rate: Rate, doors: list[Door]) -> None:
        self.app = app
        self.entry = entry
        self.rate = rate
        self.doors = doors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in, or refuse it."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        found = door_of(self.doors, scope)
        visit = Visit(found[0], found[1].get("dataset")) if found else Visit(None, None)

        async def recorded(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] in _DENIED:
                await _record(scope, visit)
            await send(message)

        try:
            token = await self._let_in(HTTPConnection(scope), visit)
        except LakehouseError as error:
            await _refuse(error, visit, scope, receive, recorded)
            return
        with_caller = CALLER.set(token)
        try:
            await self.app(scope, receive, recorded)
        finally:
            CALLER.reset(with_caller)

    async def _let_in(self, connection: HTTPConnection, visit: Visit) -> Token | None:
        """Return the token of a request, None where none is needed. Raises: who is not let in."""
        if visit.door is None or visit.door.rule.needs is None or not self.entry.in_force():
            return None
        shown = self.entry.shown(connection)
        if shown is not None:
            visit.actor = shown.token.name
        token = require_valid(shown)
        if shown is not None and shown.by_cookie:
            require_same_origin(connection)
        await self.rate.count(token)
        rule = visit.door.rule
        if rule.needs is not None and not token.may(rule.needs):
            raise NotPermittedError(token, rule.needs)
        if rule.names is Names.PATH:
            _within_reach(token, visit.dataset or "")
        return token


def _within_reach(token: Token, dataset: str) -> None:
    with_caller = CALLER.set(token)
    try:
        within_reach(dataset)
    finally:
        CALLER.reset(with_caller)


async def _refuse(
    error: LakehouseError, visit: Visit, scope: Scope, receive: Receive, send: Send
) -> None:
    scope[REASON] = reason_of(error)
    if scope["type"] == "websocket":
        await _record(scope, visit)
        await send({"type": "websocket.close", "code": POLICY_VIOLATION})
        return
    is_page = isinstance(error, NotLoggedInError) and _is_page(scope, visit)
    answer = _to_login(scope) if is_page else answer_to(error)
    await answer(scope, receive, send)


_PAGES = ("/dagster", "/portal/datasets")


def _is_page(scope: Scope, visit: Visit) -> bool:
    """Return whether a person in a browser opens a page, who can be asked to log in."""
    accepted = HTTPConnection(scope).headers.get("accept", "")
    path = visit.door.call[1] if visit.door else ""
    return (
        scope["method"] == "GET"
        and (path == "/" or path.startswith(_PAGES))
        and "text/html" in accepted
    )


def _to_login(scope: Scope) -> Response:
    return RedirectResponse(f"/login?next={quote(scope['path'])}", HTTPStatus.SEE_OTHER)


async def _record(scope: Scope, visit: Visit) -> None:
    call = " ".join(visit.door.call) if visit.door else ""
    reason = str(scope.get(REASON, "refused"))
    denial = Denial(visit.actor, client_of(scope), call, visit.dataset, reason)
    await scope["app"].state.denials.note(denial)
