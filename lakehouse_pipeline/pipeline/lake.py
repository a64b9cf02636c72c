"""What a run works with, opened and closed in one place."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
from duckdb.func import PythonUDFType

from lakehouse_pipeline.lake.bucket_folder import below, objects_of
from lakehouse_pipeline.lake.contract_store import ContractStore
from lakehouse_pipeline.lake.engine import engine
from lakehouse_pipeline.lake.erased_records import ErasedRecords
from lakehouse_pipeline.lake.erased_subjects import ErasedSubjects
from lakehouse_pipeline.lake.keys import hash_key
from lakehouse_pipeline.lake.landing import Landing
from lakehouse_pipeline.lake.object_cache import ObjectCache
from lakehouse_pipeline.lake.replacing import Replacer
from lakehouse_pipeline.lake.tables import Tables
from lakehouse_pipeline.lake.vault import Vault
from lakehouse_pipeline.layers.masks import masked_signs


@dataclass(frozen=True, slots=True)
class Lake:
    """The tables, the landing folders, the contracts, one DuckDB connection, key and vault.

    `temporary`, `memory_limit` and `threads` are what the connection was opened with. `erased` are
    the records that were erased, `subjects` those who must not come back.
    """

    tables: Tables
    landing: Landing
    contracts: ContractStore
    connection: duckdb.DuckDBPyConnection
    replacer: Replacer
    temporary: Path
    memory_limit: str
    threads: int
    erased: ErasedRecords
    subjects: ErasedSubjects

    @property
    def home(self) -> Path:
        """The home: what is not in a bucket is below it."""
        return self.temporary.parent

    def aside(self) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
        """Return a further engine, empty and with the same limits, for what must be locked in."""
        return engine(self.temporary, self.memory_limit, self.threads)


@contextmanager
def open_lake(
    home: Path,
    memory_limit: str = "1GB",
    threads: int = 0,
    place: Path | None = None,
    replacer: Replacer | None = None,
) -> Iterator[Lake]:
    """Yield the lake of a home: its tables, landing folders, contracts, keys, vault and erasures.

    `place` holds `lake/` and `landing/` where they are not in the home: `Settings.place`.
    `replacer` stands for the one of the home's key and vault; without it the key is made at need.
    """
    temporary, place = home / "tmp", place or home
    erased = ErasedRecords(home / "erasures")
    if objects_of(place) is not None:
        ObjectCache(place).sweep()
    with engine(temporary, memory_limit, threads) as connection:
        _define_mask(connection)
        yield Lake(
            Tables(below(place, "lake")),
            Landing(below(place, "landing"), erased),
            ContractStore(home / "contracts"),
            connection,
            replacer or Replacer(hash_key(home / "keys"), Vault(home / "vault")),
            temporary,
            memory_limit,
            threads,
            erased,
            ErasedSubjects(home / "erasures", home / "keys"),
        )


def _define_mask(connection: duckdb.DuckDBPyConnection) -> None:
    connection.create_function(
        masked_signs.__name__,
        masked_signs,
        ["VARCHAR", "INTEGER", "INTEGER", "INTEGER"],
        "VARCHAR",
        type=PythonUDFType.ARROW,
    )
