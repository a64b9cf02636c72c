"""Where a subject's records are: in which batches of a dataset, and under which numbers.

Raw and the corrections are asked first; the other layers only for batches that raw no longer holds.
What the published layers hold of a hashed column is found by its pseudonym; a column that was
masked or dropped names nobody any more.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lakehouse_pipeline.contracts.model import Csv
from lakehouse_pipeline.contracts.subjects import SubjectColumns
from lakehouse_pipeline.contracts.types import ColumnType
from lakehouse_pipeline.lake.engine import parquet_relation
from lakehouse_pipeline.lake.erased_records import ErasedRecord
from lakehouse_pipeline.lake.erased_subjects import Suppressed
from lakehouse_pipeline.layers.subject_forms import pseudonym_form, stored_forms, text_forms
from lakehouse_pipeline.names import BATCH_ID, DEFECT, RECORD, TEXT, Input, Layer, Stored
from lakehouse_pipeline.pipeline.lake import Lake
from lakehouse_pipeline.pipeline.screen import lines_of
from lakehouse_pipeline.pipeline.subject_texts import FormsOf, Hit, named_in, named_in_broken

Found = dict[str, dict[int, ErasedRecord]]
"""By batch and number."""


@dataclass(frozen=True, slots=True)
class Search:
    """What is looked for in a dataset. Hold its lock."""

    lake: Lake
    dataset: str
    columns: SubjectColumns
    dialect: Csv
    suppressed: Suppressed

    def run(self) -> Found:
        """Return the records that are about the subject."""
        tables, hits = self.lake.tables, set(self._in_texts())
        in_raw = tables.batches(self.dataset, Layer.RAW)
        for layer in (Layer.QUARANTINED, Layer.VALIDATED, Layer.ANONYMIZED, Layer.PUBLISHED):
            without_raw = sorted(tables.batches(self.dataset, layer) - in_raw)
            files = tables.files(self.dataset, layer, without_raw) if without_raw else []
            hits |= set(self._in_layer(layer, files) if files else ())
        return _with_lines(self.lake, self.dataset, self.dialect, hits)

    def _in_texts(self) -> Iterator[Hit]:
        """Yield what raw and the corrections hold, in any turn."""
        stored: tuple[Stored, ...] = (Layer.RAW, Input.CORRECTIONS)
        for table in stored:
            if files := self.lake.tables.files(self.dataset, table):
                yield from self._named(parquet_relation(files))
        if files := self.lake.tables.files(self.dataset, Layer.RAW):
            sql = f"SELECT {BATCH_ID}, {RECORD}, {DEFECT}.bytes FROM {parquet_relation(files)}"
            yield from self._broken(f"{sql} WHERE {DEFECT} IS NOT NULL")

    def _in_layer(self, layer: Layer, files: list[str]) -> Iterator[Hit]:
        """Yield what batches hold that raw no longer does."""
        source = parquet_relation(files)
        if layer is Layer.QUARANTINED:
            yield from self._named(source)
            sql = f"SELECT {BATCH_ID}, {RECORD}, encode({TEXT}) FROM {source}"
            yield from self._broken(f"{sql} WHERE {TEXT} IS NOT NULL")
        else:
            yield from self._named(source, _later_forms)

    def _named(self, source: str, forms: FormsOf = text_forms) -> Iterator[Hit]:
        return named_in(self.lake.connection, source, self.columns, self.suppressed, forms)

    def _broken(self, sql: str) -> Iterator[Hit]:
        cursor = self.lake.connection.cursor()
        cursor.execute(sql)
        while rows := cursor.fetchmany(10_000):
            yield from named_in_broken(
                self.lake.connection, rows, self.columns, self.dialect, self.suppressed
            )


def _later_forms(column: str, kinds: Sequence[ColumnType]) -> list[str]:
    return [*stored_forms(column, kinds), pseudonym_form(f"CAST({column} AS VARCHAR)")]


def _with_lines(lake: Lake, dataset: str, dialect: Csv, hits: set[Hit]) -> Found:
    """Return the records with the physical lines that they stood on, where raw still knows."""
    found: Found = {}
    for batch, number, erasure in sorted(hits):
        found.setdefault(batch, {})[number] = ErasedRecord(1, erasure)
    for batch, records in found.items():
        files = lake.tables.files(dataset, Layer.RAW, [batch])
        if not files:
            continue
        listed = ", ".join(map(str, records))
        sql = f"SELECT * FROM {parquet_relation(files)} WHERE {RECORD} IN ({listed})"
        rows = lake.connection.sql(sql).to_arrow_table()
        lines = lines_of(rows, records, dialect.line_end)
        for number, count in lines.items():
            records[number] = ErasedRecord(count, records[number].erasure)
    return found
