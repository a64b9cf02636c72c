"""Who is calling: the token of a request, from its header or from a login in the browser."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection

from lakehouse_pipeline.access.tokens import Standing, Token, find
from lakehouse_pipeline.api.refusals import CrossSiteError, NotLoggedInError
from lakehouse_pipeline.lake.sessions import Sessions
from lakehouse_pipeline.lake.token_file import TokenFile
from lakehouse_pipeline.orchestration.tokens import is_loopback
from lakehouse_pipeline.settings import Settings

COOKIE = "lakehouse_session"
_SAFE = frozenset({"GET", "HEAD"})
_SAID = {
    Standing.EXPIRED: "this token has expired.",
    Standing.REVOKED: "this token was revoked.",
}


@dataclass(frozen=True, slots=True)
class Shown:
    """A token that a request showed, valid or not, and whether by a cookie."""

    token: Token
    by_cookie: bool = False


class Entry:
    """Knows the tokens and the logins of one installation."""

    def __init__(self, settings: Settings) -> None:
        self.file = TokenFile(settings.keys)
        self.sessions = Sessions(settings.keys, settings.session_hours)
        self._in_force = settings.api_tokens or not is_loopback(settings.api_host)

    def in_force(self) -> bool:
        """Return whether a token is asked for; once it is, it stays so until the process ends."""
        self._in_force = self._in_force or bool(self.file.tokens())
        return self._in_force

    def shown(self, connection: HTTPConnection) -> Shown | None:
        """Return the token that a request shows, None when it shows none that ever was.

        Raises: NotLoggedInError: its header is not one of a token, or the token was never made.
        """
        header = connection.headers.get("authorization")
        if header is not None:
            scheme, _, secret = header.partition(" ")
            found = find(self.file.tokens(), secret.strip()) if scheme.lower() == "bearer" else None
            if found is None:
                raise NotLoggedInError("unknown token", "this token is not one of ours.")
            return Shown(found)
        named = self.sessions.token_id(connection.cookies.get(COOKIE, ""))
        token = next((one for one in self.file.tokens() if one.id == named), None)
        return Shown(token, by_cookie=True) if token else None

    def is_revoked(self, token_id: str) -> bool:
        """Return whether the token with this id was revoked, or is not there any more."""
        now, known = time.time(), self.file.tokens()
        ids = {one.id for one in known if one.standing(now) is not Standing.REVOKED}
        return token_id not in ids


def require_valid(shown: Shown | None) -> Token:
    """Return the token. Raises: NotLoggedInError: there is none, or it has ended."""
    if shown is None:
        raise NotLoggedInError("no token", "this call needs a token.")
    standing = shown.token.standing(time.time())
    if standing is not Standing.VALID:
        raise NotLoggedInError(f"{standing} token", _SAID[standing])
    return shown.token


def require_same_origin(connection: HTTPConnection) -> None:
    """Raise: CrossSiteError: the request changes things, and comes from a page of elsewhere.

    For logins in a browser, which sends their cookie along whatever page makes the request.
    """
    if connection.scope.get("method") in _SAFE:
        return
    origin = connection.headers.get("origin")
    if origin is None or urlsplit(origin).netloc != connection.headers.get("host"):
        raise CrossSiteError


def named(tokens: Iterable[Token], secret: str) -> Token:
    """Return the valid token with this secret. Raises: NotLoggedInError."""
    found = find(tokens, secret)
    if found is None:
        raise NotLoggedInError("unknown token", "this token is not one of ours.")
    return require_valid(Shown(found))
