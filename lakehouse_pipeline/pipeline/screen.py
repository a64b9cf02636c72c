"""What stands between a landing file and raw: records of erased subjects do not pass.

A record whose number was erased from the batch before, or whose subject is on the list, is left
out. The others keep the numbers they were delivered with, also when the file was rewritten.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from lakehouse_pipeline.contracts.model import Contract
from lakehouse_pipeline.contracts.subjects import SubjectColumns, subject_columns
from lakehouse_pipeline.lake.csv_bytes import sha256_of
from lakehouse_pipeline.lake.erased_records import NOTHING, ErasedRecord
from lakehouse_pipeline.lake.erased_subjects import Suppressed
from lakehouse_pipeline.names import BATCH_ID, DEFECT, RECORD
from lakehouse_pipeline.pipeline.lake import Lake
from lakehouse_pipeline.pipeline.subject_texts import named_in, named_in_broken

ARRIVING = "arriving_records"


@dataclass(frozen=True, slots=True)
class Watch:
    """Who is watched for in arriving records, in which columns, and where that is computed."""

    columns: SubjectColumns
    suppressed: Suppressed
    connection: duckdb.DuckDBPyConnection


class Screen:
    """The screen of one reading; hold the dataset's lock from its making to `write_down`.

    `found` are the records newly found to be about an erased subject, by batch and number;
    `dropped` counts all that did not pass.
    """

    def __init__(self, lake: Lake, contract: Contract, watch: Watch | None) -> None:
        self.found: dict[str, dict[int, ErasedRecord]] = defaultdict(dict)
        self.dropped: dict[str, int] = defaultdict(int)
        self._lake = lake
        self._contract = contract
        self._watch = watch
        self._erased = lake.erased.of(contract.dataset)
        self._missing: dict[Path, tuple[int, ...]] = {}

    def passed(self, batch: str, path: Path, rows: pa.RecordBatch) -> pa.RecordBatch:
        """Return the rows (raw's columns without `_batch_id`) that pass, as they were delivered."""
        if batch in self._erased:
            rows = _renumbered(rows, self._missing_in(batch, path))
        gone = set(self._erased.get(batch, NOTHING).records)
        if self._watch:
            named = self._named(self._watch, batch, rows)
            self.found[batch] |= {n: r for n, r in named.items() if n not in gone}
            gone |= set(named)
        if not gone:
            return rows
        numbers = rows.column(RECORD).to_numpy()
        kept = ~np.isin(numbers, np.fromiter(gone, np.int64, len(gone)))
        self.dropped[batch] += int(np.count_nonzero(~kept))
        return rows if kept.all() else rows.filter(pa.array(kept))

    def write_down(self, batches: Sequence[str]) -> None:
        """Make it known which records of these batches did not pass; before raw is written."""
        for batch in batches:
            if self.found[batch]:
                self._lake.erased.add(self._contract.dataset, batch, self.found[batch])

    def _missing_in(self, batch: str, path: Path) -> tuple[int, ...]:
        if path not in self._missing:
            self._missing[path] = self._erased[batch].missing_in(sha256_of(path))
        return self._missing[path]

    def _named(self, watch: Watch, batch: str, rows: pa.RecordBatch) -> Mapping[int, ErasedRecord]:
        names = pa.array([batch] * rows.num_rows, pa.string())
        table = pa.Table.from_batches([rows]).append_column(BATCH_ID, names)
        whole, broken = _split(table)
        connection, dialect = watch.connection, self._contract.csv
        connection.register(ARRIVING, whole)
        hits = list(named_in(connection, ARRIVING, watch.columns, watch.suppressed))
        hits += named_in_broken(connection, broken, watch.columns, dialect, watch.suppressed)
        connection.unregister(ARRIVING)
        named = {number: erasure for _, number, erasure in hits}
        lines = lines_of(table, named, dialect.line_end)
        return {n: ErasedRecord(lines[n], erasure) for n, erasure in named.items()}


@contextmanager
def screening(lake: Lake, contract: Contract) -> Iterator[Screen]:
    """Yield the screen for files of a dataset; without erased subjects it costs nothing."""
    suppressed = lake.subjects.of(contract.dataset)
    columns = columns_in_any_version(lake, contract) if suppressed else {}
    if not suppressed or not columns:
        yield Screen(lake, contract, None)
        return
    with lake.aside() as connection:
        yield Screen(lake, contract, Watch(columns, suppressed, connection))


def columns_in_any_version(lake: Lake, contract: Contract) -> SubjectColumns:
    """Return the columns that name the subject in the contract or in another of its versions."""
    if contract.dataset not in lake.contracts.datasets():
        return subject_columns([contract])
    versions = lake.contracts.life_cycle(contract.dataset).versions.values()
    return subject_columns([contract, *(version.contract for version in versions)])


def lines_of(rows: pa.Table, numbers: Mapping[int, object], line_end: str) -> dict[int, int]:
    """Return the physical lines that records of raw (as `rows` holds them) stand on, by number."""
    end = "\r" if line_end == "cr" else "\n"
    wanted = pa.array(numbers, pa.int64())
    mine = rows.filter(pa.compute.is_in(rows.column(RECORD), wanted)).to_pylist()
    return {row[RECORD]: 1 + _line_ends(row, end) for row in mine}


def _line_ends(row: Mapping[str, object], end: str) -> int:
    defect = row.get(DEFECT)
    texts = [value for value in row.values() if isinstance(value, str)]
    broken = bytes(defect["bytes"]) if isinstance(defect, dict) else b""
    return sum(text.count(end) for text in texts) + broken.count(end.encode())


def _renumbered(rows: pa.RecordBatch, missing: Sequence[int]) -> pa.RecordBatch:
    """Return rows of a file that lacks the records `missing`, with the numbers of the delivery."""
    if not missing:
        return rows
    numbers = rows.column(RECORD).to_numpy()
    shifts = np.asarray(missing) - np.arange(len(missing))
    delivered = numbers + np.searchsorted(shifts, numbers, side="right")
    at = rows.schema.get_field_index(RECORD)
    return rows.set_column(at, rows.schema.field(at), pa.array(delivered, pa.int64()))


def _split(table: pa.Table) -> tuple[pa.Table, list[tuple[str, int, bytes]]]:
    """Return the whole records, and batch, number and bytes of each broken one."""
    is_whole = table.column(DEFECT).is_null()
    broken = table.filter(pa.compute.invert(is_whole)).select([BATCH_ID, RECORD, DEFECT])
    rows = [(r[BATCH_ID], r[RECORD], r[DEFECT]["bytes"]) for r in broken.to_pylist()]
    return table.filter(is_whole).drop_columns([DEFECT]), rows
