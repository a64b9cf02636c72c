"""A token: a secret that only its holder knows, and what is kept of it.

The secret is 256 random bits, so its SHA-256 is enough to keep: nobody can try them all, and what
is kept is of no use to who reads it. `Token` is that record; it never holds the secret.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from lakehouse_pipeline.access.roles import GRANTED, Permission, Role
from lakehouse_pipeline.errors import TokenNameError

PREFIX = "lhp_"
"""How every token begins, so that people and scanners know one when they see it."""

SECRET_BYTES = 32
ID_DIGITS = 16
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_.@ -]{0,61}[A-Za-z0-9])?")


class Standing(StrEnum):
    """Whether a token can be used."""

    VALID = "valid"
    EXPIRED = "expired"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class Token:
    """What is kept of a token; times are seconds since 1970 UTC.

    `name` is the actor of every event its holder causes. `datasets` are those it is bound to; an
    empty one is bound to none and reaches all, also those that are still to come.
    """

    name: str
    role: Role
    datasets: tuple[str, ...]
    digest: str
    created_at: float
    created_by: str
    expires_at: float
    revoked_at: float | None = None
    revoked_by: str | None = None

    @property
    def id(self) -> str:
        """What names this token and no other one, and tells nothing of its secret."""
        return self.digest[:ID_DIGITS]

    def standing(self, now: float) -> Standing:
        """Return whether it can be used at `now`."""
        if self.revoked_at is not None:
            return Standing.REVOKED
        return Standing.EXPIRED if now >= self.expires_at else Standing.VALID

    def may(self, permission: Permission) -> bool:
        """Return whether its role has the permission; a bound token never operates the UI."""
        if permission is Permission.OPERATE_UI and self.datasets:
            return False
        return self.role in GRANTED[permission]

    def reaches(self, dataset: str) -> bool:
        """Return whether it is for this dataset."""
        return not self.datasets or dataset in self.datasets


def new_secret() -> str:
    """Return a new token as its holder gets it, once."""
    return PREFIX + secrets.token_urlsafe(SECRET_BYTES)


def digest_of(secret: str) -> str:
    """Return what is kept of a secret: its SHA-256 in hexadecimal digits."""
    return hashlib.sha256(secret.encode()).hexdigest()


def require_name(name: str) -> None:
    """Raise: TokenNameError: no token can have this name."""
    if not _NAME.fullmatch(name):
        raise TokenNameError(name)


def find(tokens: Iterable[Token], secret: str) -> Token | None:
    """Return the token with this secret; the time it takes says nothing about the others."""
    digest = digest_of(secret)
    found = None
    for token in tokens:
        if hmac.compare_digest(token.digest, digest):
            found = token
    return found
