"""Texts replaced on their way from DuckDB to the file: under a key, or by tokens of the vault.

Each purpose has a key of its own, made from the home's key, so that what is published for one
purpose (a hash) tells nothing about another (a seed of noise). `hash` takes the home's key itself.
"""

import hmac
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from hashlib import sha256
from typing import Protocol

import pyarrow as pa

from lakehouse_pipeline.lake.hashing import Hasher
from lakehouse_pipeline.lake.keys import key_id
from lakehouse_pipeline.lake.vault import Vault

_AHEAD = 2


class Replaced(Protocol):
    """Which column of a stream is replaced, and how."""

    @property
    def position(self) -> int:
        """Where the column stands."""

    @property
    def purpose(self) -> str:
        """`token`, or what the key is for."""

    @property
    def vault(self) -> str:
        """The vault of its tokens."""


def purpose_key(key: bytes, purpose: str) -> bytes:
    """Return the key for a purpose: HMAC-SHA256 of its name; for `hash` the key itself."""
    if purpose == "hash":
        return key
    return hmac.new(key, f"lakehouse {purpose} 1".encode(), sha256).digest()


class Replacer:
    """Replaces texts under the key of a home and by the tokens of its vault."""

    def __init__(self, key: bytes, vault: Vault) -> None:
        self.key_id = key_id(key)
        self.vault = vault
        self._key = key
        self._hashers: dict[str, Hasher] = {}

    def columns(
        self, rows: Iterator[pa.RecordBatch], columns: Sequence[Replaced]
    ) -> Iterator[pa.RecordBatch]:
        """Yield `rows` with these columns' texts replaced, order kept; works ahead a little."""
        for column in columns:
            if column.purpose != "token" and column.purpose not in self._hashers:
                key = purpose_key(self._key, column.purpose)
                self._hashers[column.purpose] = Hasher(key)
        with ThreadPoolExecutor(_AHEAD) as pool:
            ahead: deque[Future[pa.RecordBatch]] = deque()
            for batch in rows:
                ahead.append(pool.submit(self._replaced, batch, columns))
                if len(ahead) > _AHEAD:
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()

    def _replaced(self, batch: pa.RecordBatch, columns: Sequence[Replaced]) -> pa.RecordBatch:
        for column in columns:
            at = column.position
            texts = batch.column(at)
            if column.purpose == "token":
                replaced = self.vault.tokens(column.vault, texts)
            else:
                replaced = self._hashers[column.purpose].hashed(texts)
            batch = batch.set_column(at, batch.schema.field(at), replaced)
        return batch
