"""Logins in a browser: a cookie that says which token was shown, for some hours.

The cookie is a JWT (RFC 7519, HS256) `{aud, sub, jti, exp}` signed with the secret of `signing.py`;
its audience keeps it and a signed URL from standing in for each other. It holds no token, and is
worth nothing once that token has ended: whoever takes it looks the token up, each time.
"""

import secrets
import time
from pathlib import Path

import jwt

from lakehouse_pipeline.access.tokens import Token
from lakehouse_pipeline.lake.signing import ALGORITHM, signing_secret

AUDIENCE = "lakehouse-session"
SECONDS_PER_HOUR = 3600


class Sessions:
    """Makes and reads the cookies of one installation; an ended one is remembered until it ends."""

    def __init__(self, keys: Path, hours: float) -> None:
        self._secret = signing_secret(keys)
        self.seconds = int(hours * SECONDS_PER_HOUR)
        self._ended: dict[str, int] = {}

    def start(self, token: Token) -> str:
        """Return a new cookie for who has shown this token."""
        claims = {
            "aud": AUDIENCE,
            "sub": token.id,
            "jti": secrets.token_hex(8),
            "exp": int(time.time()) + self.seconds,
        }
        return jwt.encode(claims, self._secret, algorithm=ALGORITHM)

    def token_id(self, cookie: str) -> str | None:
        """Return the id of the token that was shown; None: it is not ours, or has ended."""
        claims = self._claims(cookie)
        if claims is None or str(claims["jti"]) in self._ended:
            return None
        return str(claims["sub"])

    def end(self, cookie: str) -> None:
        """End the session of a cookie, also for who has a copy of it."""
        claims, now = self._claims(cookie), time.time()
        self._ended = {name: until for name, until in self._ended.items() if until > now}
        if claims is not None:
            self._ended[str(claims["jti"])] = int(str(claims["exp"]))

    def _claims(self, cookie: str) -> dict[str, object] | None:
        options = {"require": ["aud", "sub", "jti", "exp"]}
        try:
            return jwt.decode(
                cookie,
                self._secret,
                algorithms=[ALGORITHM],
                audience=AUDIENCE,
                options=options,  # type: ignore[arg-type]  # a plain dict is what it takes
            )
        except jwt.InvalidTokenError:
            return None
