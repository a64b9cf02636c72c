"""The vault: which token stands for which value, so that a person with a reason can look it up.

One SQLite file, mode 0600 in a folder of mode 0700, outside `lake/`. It holds plain values: who
reads it undoes `tokenize`. It is never read by a query of published data.
"""

import os
import secrets
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Lock
from typing import NamedTuple
from urllib.parse import quote

import pyarrow as pa
import pyarrow.compute as pc

VAULT_FILE = "tokens.sqlite"
TOKEN_BYTES = 16
PREFIX = "tok_"
CHUNK = 500
"""Values of one SQLite statement."""

MANY = 100_000
"""Values that are looked at together where all of a vault are."""

BUSY_SECONDS = 60.0


class Kept(NamedTuple):
    """A value in a vault, and the token that stands for it."""

    vault: str
    value: str
    token: str


class Vault:
    """The tokens of a home; nothing is opened before the first value is looked up."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / VAULT_FILE
        self._lock = Lock()

    def tokens(self, vault: str, texts: pa.Array) -> pa.Array:
        """Return a token per text of `vault`, null for null; order kept.

        A text that has none gets one, random and durable before this returns. A token is `tok_`
        and 32 hexadecimal digits of 128 random bits; the same text has the same one for ever.
        """
        texts = texts.cast(pa.string())
        distinct = [text for text in pc.unique(texts).to_pylist() if text is not None]
        with self._lock, self._open() as connection:
            connection.executemany(
                "INSERT OR IGNORE INTO tokens VALUES (?, ?, ?)",
                ((vault, text, f"{PREFIX}{secrets.token_hex(TOKEN_BYTES)}") for text in distinct),
            )
            connection.commit()
            known = dict(_found(connection, vault, distinct))
        tokens = [None if text is None else known[text] for text in texts.to_pylist()]
        return pa.array(tokens, pa.string())

    def known(self, vault: str, texts: Sequence[str]) -> dict[str, str]:
        """Return the tokens of those of `texts` that have one; nothing is made or written."""
        if not self.path.exists():
            return {}
        address = f"file:{quote(str(self.path))}?mode=ro"
        with closing(sqlite3.connect(address, timeout=BUSY_SECONDS, uri=True)) as connection:
            return dict(_found(connection, vault, texts))

    def value(self, token: str) -> tuple[str, str] | None:
        """Return the vault and the value of a token, None when no vault knows it."""
        if not self.path.exists():
            return None
        with self._open() as connection:
            sql = "SELECT vault, value FROM tokens WHERE token = ?"
            row: tuple[str, str] | None = connection.execute(sql, (token,)).fetchone()
        return row

    def of_tokens(self, vault: str, tokens: Sequence[str]) -> list[Kept]:
        """Return what a vault keeps of those of `tokens` that it knows."""
        return list(self._kept("token", vault, tokens)) if self.path.exists() else []

    def everywhere(self, values: Sequence[str]) -> list[Kept]:
        """Return what any vault keeps of these values."""
        if not self.path.exists():
            return []
        with self._open() as connection:
            names = connection.execute("SELECT DISTINCT vault FROM tokens").fetchall()
        return [one for (name,) in names for one in self._kept("value", name, values)]

    def chunks(self, vault: str) -> Iterator[list[Kept]]:
        """Yield all that a vault keeps, many at a time, ordered by value."""
        after, more = "", self.path.exists()
        sql = "SELECT vault, value, token FROM tokens WHERE vault = ? AND value > ?"
        while more:
            with self._open() as connection:
                found = connection.execute(
                    f"{sql} ORDER BY value LIMIT {MANY}", (vault, after)
                ).fetchall()
            if more := bool(found):
                after = found[-1][1]
                yield [Kept(*row) for row in found]

    def forget(self, kept: Iterable[Sequence[Kept]]) -> None:
        """Remove values from their vaults.

        Their bytes are overwritten in the file; the tokens can no longer be undone.
        """
        with self._lock, self._open() as connection:
            for some in kept:
                connection.executemany(
                    "DELETE FROM tokens WHERE vault = ? AND value = ?",
                    ((one.vault, one.value) for one in some),
                )
            connection.commit()
            connection.execute("VACUUM")

    def _kept(self, key: str, vault: str, wanted: Sequence[str]) -> Iterator[Kept]:
        with self._open() as connection:
            for start in range(0, len(wanted), CHUNK):
                chunk = wanted[start : start + CHUNK]
                sql = (
                    "SELECT vault, value, token FROM tokens "
                    f"WHERE vault = ? AND {key} IN ({', '.join('?' * len(chunk))})"
                )
                yield from (Kept(*row) for row in connection.execute(sql, (vault, *chunk)))

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
        connection = sqlite3.connect(self.path, timeout=BUSY_SECONDS)
        try:
            connection.execute("PRAGMA secure_delete = ON")
            connection.execute(
                "CREATE TABLE IF NOT EXISTS tokens (vault TEXT NOT NULL, value TEXT NOT NULL, "
                "token TEXT NOT NULL UNIQUE, PRIMARY KEY (vault, value)) WITHOUT ROWID"
            )
            yield connection
        finally:
            connection.close()


def _found(
    connection: sqlite3.Connection, vault: str, texts: Sequence[str]
) -> Iterator[tuple[str, str]]:
    for start in range(0, len(texts), CHUNK):
        chunk = texts[start : start + CHUNK]
        marks = ", ".join("?" * len(chunk))
        sql = f"SELECT value, token FROM tokens WHERE vault = ? AND value IN ({marks})"
        yield from connection.execute(sql, (vault, *chunk))
