"""What a caller is told who is not let in; each error brings the headers of its answer."""

import math
from collections.abc import Mapping

from lakehouse_pipeline.access.roles import GRANTED, Permission
from lakehouse_pipeline.access.tokens import Token
from lakehouse_pipeline.errors import LakehouseError

CHALLENGE = 'Bearer realm="lakehouse"'


REASON = "lakehouse.refused"
"""Where the scope of a request says why it was refused."""


class RefusedError(LakehouseError):
    """A call that is not served because of who makes it, or how often.

    `reason` is a word for the record; `headers` belong to the answer.
    """

    reason = "refused"
    headers: Mapping[str, str] = {}


class NotLoggedInError(RefusedError):
    """A call came without a token, or with one that is not valid (RFC 6750)."""

    def __init__(self, reason: str, said: str) -> None:
        super().__init__(
            f"{said} Send a token: 'Authorization: Bearer lhp_…', or log in at /login."
        )
        self.reason = reason
        invalid = "" if reason == "no token" else ', error="invalid_token"'
        self.headers = {"WWW-Authenticate": f"{CHALLENGE}{invalid}"}


class NotPermittedError(RefusedError):
    """The role of a token does not have the permission that a call needs."""

    reason = "role"

    def __init__(self, token: Token, permission: Permission) -> None:
        roles = ", ".join(sorted(GRANTED[permission]))
        super().__init__(
            f"the token of {token.name} has the role {token.role}; this call needs the permission "
            f"'{permission}', which these roles have: {roles}."
        )


class CrossSiteError(RefusedError):
    """A login in a browser is taken from the API's own pages only."""

    reason = "origin"

    def __init__(self) -> None:
        super().__init__(
            "a login in the browser changes things from pages of this address only; the request "
            "names no Origin or another one. Programs send a token instead."
        )


class TooManyCallsError(RefusedError):
    """A token was used more often in a minute than it may be."""

    reason = "rate"

    def __init__(self, token: Token, per_minute: int, seconds: float) -> None:
        wait = max(1, math.ceil(seconds))
        super().__init__(
            f"the token of {token.name} was used more than {per_minute} times in a minute. "
            f"Try again in {wait} s."
        )
        self.headers = {"Retry-After": str(wait)}


def reason_of(error: Exception) -> str:
    """Return the word for the record of why a call was refused: `unknown token`, `OutOfReach`."""
    if isinstance(error, RefusedError):
        return error.reason
    return type(error).__name__.removesuffix("Error")
