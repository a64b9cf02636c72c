"""What a run works with, opened and closed in one place."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from lakehouse_pipeline.lake.engine import engine
from lakehouse_pipeline.lake.hashing import Hasher
from lakehouse_pipeline.lake.keys import hash_key
from lakehouse_pipeline.lake.landing import Landing
from lakehouse_pipeline.lake.tables import Tables


@dataclass(frozen=True, slots=True)
class Lake:
    """The tables, the landing folders, one DuckDB connection, and who knows the hash key."""

    tables: Tables
    landing: Landing
    connection: duckdb.DuckDBPyConnection
    hasher: Hasher


@contextmanager
def open_lake(home: Path, memory_limit: str = "1GB", threads: int = 0) -> Iterator[Lake]:
    """Yield the lake of a home: `lake/`, `landing/`, `keys/`, and `tmp/` for what spills."""
    with engine(home / "tmp", memory_limit, threads) as connection:
        hasher = Hasher(hash_key(home / "keys"))
        yield Lake(Tables(home / "lake"), Landing(home / "landing"), connection, hasher)
