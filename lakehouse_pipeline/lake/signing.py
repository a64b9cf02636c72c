"""Signed URLs of the local directory: a token says who may do what with one object, until when.

The token is a JWT (RFC 7519, HS256) `{m, p, exp, max, by, t}`: method, object, expiry in seconds
since 1970 UTC, for an upload the most bytes it may have, who asked for it, and the id of the access
token that one asked with ("" without). Whoever holds it may do that and nothing
else, so it belongs in no log. The secret is made at first use and never leaves `keys/`.
"""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt

from lakehouse_pipeline.errors import LakehouseError
from lakehouse_pipeline.lake.secret_file import secret_file

SECRET_FILE = "signing.key"  # noqa: S105 - the name of the file, not the secret
ALGORITHM = "HS256"
_CHANGED = "is not one of ours, or was changed"


class SignedUrlError(LakehouseError):
    """A signed URL does not allow what was asked for; never says more than that."""

    def __init__(self, problem: str) -> None:
        super().__init__(f"this signed URL {problem}. Ask for a new one.")


@dataclass(frozen=True, slots=True)
class Permit:
    """What a token allows: `method` on `path`, for an upload of at most `max_bytes`.

    `actor` asked for it, with the access token `token_id` ("" without one).
    """

    method: str
    path: str
    max_bytes: int = 0
    actor: str = ""
    token_id: str = ""


class Signer:
    """Makes and checks tokens with the secret of one installation."""

    def __init__(self, keys: Path) -> None:
        self._secret = signing_secret(keys)

    def token(self, permit: Permit, seconds: float) -> tuple[str, int]:
        """Return a token that allows `permit` for so long, and when it expires (seconds UTC)."""
        expires = int(time.time() + seconds)
        claims = {
            "m": permit.method,
            "p": permit.path,
            "exp": expires,
            "max": permit.max_bytes,
            "by": permit.actor,
            "t": permit.token_id,
        }
        return self._written(claims), expires

    def permit(self, token: str, method: str, path: str) -> Permit:
        """Return what `token` allows, when that is this.

        Raises: SignedUrlError: it was tampered with, has expired, or is for something else.
        """
        required = ["m", "p", "exp", "max", "by", "t"]
        try:
            claims = jwt.decode(
                token, self._secret, algorithms=[ALGORITHM], options={"require": required}
            )
        except jwt.ExpiredSignatureError:
            raise SignedUrlError("has expired") from None
        except jwt.InvalidTokenError:
            raise SignedUrlError(_CHANGED) from None
        if token != self._written(claims):  # base64 can be written in several ways
            raise SignedUrlError(_CHANGED)
        if claims["m"] != method:
            raise SignedUrlError(f"is not for {method}")
        if claims["p"] != path:
            raise SignedUrlError("is for another object")
        return Permit(method, path, int(claims["max"]), str(claims["by"]), str(claims["t"]))

    def _written(self, claims: dict[str, Any]) -> str:
        return jwt.encode(claims, self._secret, algorithm=ALGORITHM)


def signing_secret(keys: Path) -> bytes:
    """Return the secret that an installation signs with."""
    return secret_file(keys / SECRET_FILE)
