"""The vault without the values that only erased records had."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from lakehouse_pipeline.contracts.subjects import subject_columns
from lakehouse_pipeline.contracts.types import ColumnType
from lakehouse_pipeline.lake.erased_subjects import Suppressed
from lakehouse_pipeline.lake.vault import Kept
from lakehouse_pipeline.layers.subject_forms import NUMBER
from lakehouse_pipeline.names import BATCH_ID, RECORD, Layer, literal
from lakehouse_pipeline.pipeline.subject_texts import named_in
from lakehouse_pipeline.pipeline.token_holders import HOLDING, Holders

LOOKED_AT = "kept_values"


@dataclass(frozen=True, slots=True)
class Forgetting:
    """What one erasure takes out of the vault; the `holders` must be locked.

    `records` are those that leave their dataset, by batch; `suppressed` is the erasure's subject.
    """

    holders: Holders
    records: Mapping[str, Sequence[int]]
    suppressed: Suppressed | None

    def run(self, announce: Callable[[], None]) -> None:
        """Forget them; `announce` is called before, unless there is nothing to forget.

        Call before the records leave validated. Done again it does what is left.
        """
        leaving = sorted({*self._of_records(), *self._of_subject()})
        if not leaving:
            return
        with self.holders.unheld([leaving], leaving=self._mine()) as nobodys:
            if nobodys:
                announce()
                self.holders.lake.replacer.vault.forget(nobodys)

    def _of_records(self) -> Iterator[Kept]:
        """Yield what the vault holds of the records that leave."""
        lake, batches = self.holders.lake, dict.fromkeys(HOLDING, sorted(self.records))
        for layer, name, sql in self.holders.columns(self.holders.dataset, batches):
            rows = lake.connection.execute(f"{sql} AND {self._mine()}").fetchall()
            texts = [text for (text,) in rows]
            if layer is Layer.VALIDATED:
                known = lake.replacer.vault.known(name, texts)
                yield from (Kept(name, *row) for row in known.items())
            else:
                yield from lake.replacer.vault.of_tokens(name, texts)

    def _of_subject(self) -> Iterator[Kept]:
        """Yield the subject's value, of which maybe no record is left."""
        if self.suppressed is None:
            return
        marked = subject_columns(self.holders.versions[self.holders.dataset])
        kinds = dict.fromkeys([NUMBER, *(kind for one in marked.values() for kind in one)])
        for name in self.holders.vaults:
            for some in self.holders.lake.replacer.vault.chunks(name):
                yield from (some[row] for row in self._named(some, tuple(kinds), self.suppressed))

    def _named(
        self, some: Sequence[Kept], kinds: tuple[ColumnType, ...], suppressed: Suppressed
    ) -> list[int]:
        """Return the places of those that name the subject."""
        connection = self.holders.lake.connection
        values = [one.value for one in some]
        table = pa.table({BATCH_ID: values, RECORD: range(len(some)), "value": values})
        connection.register(LOOKED_AT, table)
        try:
            hits = named_in(connection, LOOKED_AT, {"value": kinds}, suppressed)
            return [row for _, row, _ in hits]
        finally:
            connection.unregister(LOOKED_AT)

    def _mine(self) -> str:
        """Return SQL of whether a record is one that leaves."""
        pairs = [f"({literal(b)}, {n})" for b, found in self.records.items() for n in found]
        return f"(({BATCH_ID}, {RECORD}) IN ({', '.join(pairs)}))" if pairs else "false"
