"""Which values of the vault a record still has, in whatever dataset takes its tokens from there.

A token's plain value stands in the vault (`lake/vault.py`). Where the last record that has it goes,
it is to go too; what another record has stays: that token is somebody else's as well.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass

import duckdb
import pyarrow as pa

from lakehouse_pipeline.contracts.model import Anonymize, Contract
from lakehouse_pipeline.contracts.techniques import technique_of, vault_of
from lakehouse_pipeline.lake.engine import parquet_relation
from lakehouse_pipeline.lake.vault import MANY, Kept
from lakehouse_pipeline.layers.techniques import text_of
from lakehouse_pipeline.names import Layer, identifier, literal
from lakehouse_pipeline.pipeline.lake import Lake

HOLDING = (Layer.VALIDATED, Layer.ANONYMIZED, Layer.PUBLISHED)
"""The layers whose records have a token, or the value that one was made of."""

UNHELD, CHUNK = "unheld_values", "chunk_of_values"

Way = tuple[str, str, Anonymize]
"""A vault, a column whose tokens it has, and how they are made."""

Batches = Mapping[Layer, Sequence[str]]
"""Batches of each layer that are looked at."""


class Unheld:
    """Values that no record has; good for as long as `Holders.unheld` is."""

    def __init__(self, session: duckdb.DuckDBPyConnection) -> None:
        self._session = session

    def __len__(self) -> int:
        ((number,),) = self._session.execute(f"SELECT count(*) FROM {UNHELD}").fetchall()
        return int(number)

    def __iter__(self) -> Iterator[list[Kept]]:
        """Yield them, many at a time."""
        left = self._session.execute(f"SELECT vault, value, token FROM {UNHELD}")
        while some := left.fetchmany(MANY):
            yield [Kept(*row) for row in some]


@dataclass(frozen=True, slots=True)
class Holders:
    """The datasets that share vaults with `dataset`, it among them, with their versions."""

    lake: Lake
    dataset: str
    versions: Mapping[str, Sequence[Contract]]

    @property
    def vaults(self) -> list[str]:
        """The vaults that `dataset` takes tokens from."""
        return sorted(_tokenized(self.versions[self.dataset]))

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the locks of all these datasets, in the order of their names.

        Else a run beside this could publish a token whose value is just being forgotten.
        """
        with ExitStack() as locks:
            for dataset in self.versions:
                locks.enter_context(self.lake.tables.lock(dataset))
            yield

    @contextmanager
    def unheld(
        self,
        kept: Iterable[Sequence[Kept]],
        *,
        staying: Batches | None = None,
        leaving: str = "false",
    ) -> Iterator[Unheld]:
        """Yield those of `kept` that no record has.

        Of `dataset`, the records of the batches `staying` (None: all) count, without those that are
        `leaving`, a condition in SQL.
        """
        with closing(self.lake.connection.cursor()) as session:
            session.execute("SET TimeZone='UTC'")
            session.execute(f"CREATE TEMP TABLE {UNHELD} (vault TEXT, value TEXT, token TEXT)")
            for some in filter(None, kept):
                columns = zip(*some, strict=True)
                session.register(CHUNK, pa.table(dict(zip(Kept._fields, columns, strict=True))))
                session.execute(f"INSERT INTO {UNHELD} SELECT vault, value, token FROM {CHUNK}")
                session.unregister(CHUNK)
            for dataset in self.versions:
                mine = dataset == self.dataset
                stays = f"NOT {leaving}" if mine else "true"
                for layer, vault, sql in self.columns(dataset, staying if mine else None):
                    key = "value" if layer is Layer.VALIDATED else "token"
                    session.execute(
                        f"DELETE FROM {UNHELD} WHERE vault = {literal(vault)} "
                        f"AND {key} IN ({sql} AND {stays})"
                    )
            yield Unheld(session)

    def columns(
        self, dataset: str, batches: Batches | None = None
    ) -> Iterator[tuple[Layer, str, str]]:
        """Yield layer, vault and SQL of the values (validated) or tokens that a column holds."""
        ways = [way for way in _ways(self.versions[dataset]) if way[0] in self.vaults]
        for layer in HOLDING if ways else ():
            wanted = None if batches is None else batches[layer]
            if files := self.lake.tables.files(dataset, layer, wanted):
                source = parquet_relation(files)
                present = self.lake.connection.sql(f"SELECT * FROM {source} LIMIT 0").columns
                for vault, column, way in ways:
                    if column in present:
                        yield layer, vault, _texts(layer, way, column, source)


def holders_of(lake: Lake, versions: Sequence[Contract]) -> Holders:
    """Return the holders of what a dataset, whose contract has these versions, has tokens of."""
    dataset, mine = versions[0].dataset, _tokenized(versions)
    found: dict[str, Sequence[Contract]] = {dataset: versions}
    for other in lake.contracts.datasets() if mine else ():
        known = [v.contract for v in lake.contracts.life_cycle(other).versions.values()]
        if other != dataset and mine & _tokenized(known):
            found[other] = known
    return Holders(lake, dataset, dict(sorted(found.items())))


def takes_tokens(versions: Sequence[Contract]) -> bool:
    """Return whether any version of a contract keeps values in the vault."""
    return bool(_ways(versions))


def _tokenized(versions: Sequence[Contract]) -> set[str]:
    """Return the vaults that any version of a contract takes tokens from."""
    return {vault for vault, _, _ in _ways(versions)}


def _ways(versions: Sequence[Contract]) -> list[Way]:
    found = []
    for contract in versions:
        for column in contract.columns:
            if column.anonymize is not None and technique_of(column) == "tokenize":
                way = (vault_of(contract.dataset, column), column.name, column.anonymize)
                found += [way] if way not in found else []
    return found


def _texts(layer: Layer, way: Anonymize, column: str, source: str) -> str:
    value = identifier(column)
    text = text_of(way, value) if layer is Layer.VALIDATED else f"CAST({value} AS VARCHAR)"
    return f"SELECT DISTINCT {text} FROM {source} WHERE {text} IS NOT NULL"
