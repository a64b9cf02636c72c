"""The vault without the values that only erased records had.

A token's plain value stands in the vault (`lake/vault.py`), so an erased record would leave its
telephone number there. What another record has too stays, in whatever dataset takes its tokens from
the same vault: that token is somebody else's as well.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from lakehouse_pipeline.contracts.model import Anonymize, Contract
from lakehouse_pipeline.contracts.subjects import subject_columns
from lakehouse_pipeline.contracts.techniques import technique_of, vault_of
from lakehouse_pipeline.contracts.types import ColumnType
from lakehouse_pipeline.lake.engine import parquet_relation
from lakehouse_pipeline.lake.erased_subjects import Suppressed
from lakehouse_pipeline.lake.vault import Kept
from lakehouse_pipeline.layers.subject_forms import NUMBER
from lakehouse_pipeline.layers.techniques import text_of
from lakehouse_pipeline.names import BATCH_ID, RECORD, Layer, identifier, literal
from lakehouse_pipeline.pipeline.lake import Lake
from lakehouse_pipeline.pipeline.subject_texts import named_in

LEAVING, LOOKED_AT = "leaving_tokens", "kept_values"

Way = tuple[str, str, Anonymize]
"""A vault, a column whose tokens it has, and how they are made."""


@dataclass(frozen=True, slots=True)
class Forgetting:
    """What one erasure takes out of the vault; hold the locks of all `datasets`.

    `records` are those that leave `dataset`, by batch; `suppressed` is the erasure's subject.
    `versions` are those of each dataset that takes tokens from a vault of `dataset`, of it too.
    """

    lake: Lake
    dataset: str
    versions: Mapping[str, Sequence[Contract]]
    records: Mapping[str, Sequence[int]]
    suppressed: Suppressed | None

    def run(self, announce: Callable[[], None]) -> None:
        """Forget them; `announce` is called before, unless there is nothing to forget.

        Call before the records leave validated. Done again it does what is left.
        """
        leaving = {*self._of_records(), *self._of_subject()}
        if not leaving:
            return
        leaving -= set(self._held(sorted(leaving)))
        if leaving:
            announce()
            self.lake.replacer.vault.forget(sorted(leaving))

    def _of_records(self) -> Iterator[Kept]:
        """Yield what the vault holds of the records that leave."""
        vault = self.lake.replacer.vault
        for layer, name, sql in self._columns(self.dataset, sorted(self.records)):
            rows = self.lake.connection.execute(f"{sql} AND {self._mine()}").fetchall()
            texts = [text for (text,) in rows]
            if layer is Layer.VALIDATED:
                yield from (Kept(name, *row) for row in vault.known(name, texts).items())
            else:
                yield from vault.of_tokens(name, texts)

    def _of_subject(self) -> Iterator[Kept]:
        """Yield the subject's value, of which maybe no record is left."""
        if self.suppressed is None:
            return
        marked = subject_columns(self.versions[self.dataset])
        kinds = dict.fromkeys([NUMBER, *(kind for one in marked.values() for kind in one)])
        for name in sorted(_tokenized(self.versions[self.dataset])):
            for some in self.lake.replacer.vault.chunks(name):
                yield from (some[row] for row in self._named(some, tuple(kinds), self.suppressed))

    def _named(
        self, some: Sequence[Kept], kinds: tuple[ColumnType, ...], suppressed: Suppressed
    ) -> list[int]:
        """Return the places of those that name the subject."""
        connection = self.lake.connection
        values = [one.value for one in some]
        table = pa.table({BATCH_ID: values, RECORD: range(len(some)), "value": values})
        connection.register(LOOKED_AT, table)
        try:
            hits = named_in(connection, LOOKED_AT, {"value": kinds}, suppressed)
            return [row for _, row, _ in hits]
        finally:
            connection.unregister(LOOKED_AT)

    def _held(self, leaving: Sequence[Kept]) -> Iterator[Kept]:
        """Yield those of `leaving` that a record has which stays."""
        connection = self.lake.connection
        columns = zip(*((one.vault, one.value, one.token) for one in leaving), strict=True)
        table = pa.table(dict(zip(("vault", "value", "token"), columns, strict=True)))
        connection.register(LEAVING, table)
        try:
            for dataset in self.versions:
                stays = f"NOT {self._mine()}" if dataset == self.dataset else "true"
                for layer, name, sql in self._columns(dataset):
                    key = "value" if layer is Layer.VALIDATED else "token"
                    found = connection.execute(
                        f"SELECT vault, value, token FROM {LEAVING} WHERE vault = {literal(name)} "
                        f"AND {key} IN ({sql} AND {stays})"
                    ).fetchall()
                    yield from (Kept(*row) for row in found)
        finally:
            connection.unregister(LEAVING)

    def _mine(self) -> str:
        """Return SQL of whether a record is one that leaves."""
        pairs = [f"({literal(b)}, {n})" for b, found in self.records.items() for n in found]
        return f"(({BATCH_ID}, {RECORD}) IN ({', '.join(pairs)}))" if pairs else "false"

    def _columns(
        self, dataset: str, batches: Sequence[str] | None = None
    ) -> Iterator[tuple[Layer, str, str]]:
        """Yield layer, vault and SQL of the values (validated) or tokens that a column holds."""
        mine = _tokenized(self.versions[self.dataset])
        ways = [way for way in _ways(self.versions[dataset]) if way[0] in mine]
        for layer in (Layer.VALIDATED, Layer.ANONYMIZED, Layer.PUBLISHED) if ways else ():
            if files := self.lake.tables.files(dataset, layer, batches):
                source = parquet_relation(files)
                present = self.lake.connection.sql(f"SELECT * FROM {source} LIMIT 0").columns
                for name, column, way in ways:
                    if column in present:
                        yield layer, name, _texts(layer, way, column, source)


def vaults_shared(lake: Lake, versions: Sequence[Contract]) -> dict[str, Sequence[Contract]]:
    """Return, by name, the datasets that take tokens from a vault of this one, it among them."""
    dataset, mine = versions[0].dataset, _tokenized(versions)
    found: dict[str, Sequence[Contract]] = {dataset: versions}
    for other in lake.contracts.datasets() if mine else ():
        known = [v.contract for v in lake.contracts.life_cycle(other).versions.values()]
        if other != dataset and mine & _tokenized(known):
            found[other] = known
    return dict(sorted(found.items()))


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
