"""The file of the tokens, `keys/tokens.json`, mode 0600: what is kept of each, never its secret.

A change is on the disk under its own name first and then takes the place of the file, so a reader
sees the old tokens or the new ones. Revoked and expired ones stay, for who reads old events.
"""

import json
import os
import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path

from filelock import FileLock
from pydantic import TypeAdapter, ValidationError

from lakehouse_pipeline.access.tokens import Standing, Token
from lakehouse_pipeline.errors import TokenExistsError, TokenFileError, UnknownTokenError
from lakehouse_pipeline.lake.contract_files import flush_folder

FILE = "tokens.json"
MODE = 0o600
_TOKENS = TypeAdapter(tuple[Token, ...])
_Seen = tuple[int, int, int]


class TokenFile:
    """The tokens of one installation; reading again costs a `stat` unless they have changed."""

    def __init__(self, keys: Path) -> None:
        self.path = keys / FILE
        self._seen: _Seen | None = None
        self._tokens: tuple[Token, ...] = ()

    def tokens(self) -> tuple[Token, ...]:
        """Return all tokens, the oldest first. Raises: TokenFileError: the file is broken."""
        try:
            stat = self.path.stat()
        except FileNotFoundError:
            self._seen, self._tokens = None, ()
            return ()
        seen = (stat.st_ino, stat.st_mtime_ns, stat.st_size)
        if seen != self._seen:
            self._tokens = self._read()
            self._seen = seen
        return self._tokens

    def add(self, token: Token, now: float) -> None:
        """Add a token. Raises: TokenExistsError: a valid one has its name."""
        with self._locked():
            known = self.tokens()
            if _valid(known, token.name, now):
                raise TokenExistsError(token.name)
            self._write((*known, token))

    def revoke(self, name: str, by: str, now: float) -> Token:
        """End the valid token of this name and return it. Raises: UnknownTokenError."""
        with self._locked():
            known = self.tokens()
            token = _valid(known, name, now)
            if token is None:
                valid = (one.name for one in known if one.standing(now) is Standing.VALID)
                raise UnknownTokenError(name, valid)
            ended = replace(token, revoked_at=now, revoked_by=by)
            self._write([ended if one == token else one for one in known])
            return ended

    def _locked(self) -> FileLock:
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        return FileLock(self.path.with_suffix(".lock"), mode=MODE)

    def _read(self) -> tuple[Token, ...]:
        try:
            return _TOKENS.validate_json(self.path.read_bytes())
        except ValidationError:
            raise TokenFileError(self.path) from None

    def _write(self, tokens: Sequence[Token]) -> None:
        draft = self.path.with_name(f".{FILE}.{secrets.token_hex(4)}")
        text = json.dumps([asdict(token) for token in tokens], indent=1)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, MODE)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(self.path)
        finally:
            with suppress(FileNotFoundError):
                draft.unlink()
        flush_folder(self.path.parent)


def _valid(tokens: Sequence[Token], name: str, now: float) -> Token | None:
    """Return the valid token of this name, however it is written."""
    for token in tokens:
        same = token.name.casefold() == name.casefold()
        if same and token.standing(now) is Standing.VALID:
            return token
    return None
