"""Rows of the raw layer as Arrow: whole records as text, broken ones with their defect.

Which record is broken, and why, is decided in `csv_records`.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa

RECORD = "_record"
DEFECT = "_defect"
DEFECT_TYPE = pa.struct([("rule", pa.string()), ("message", pa.string()), ("bytes", pa.binary())])
_MAX_ROWS = 1 << 17


def raw_schema(columns: Sequence[str]) -> pa.Schema:
    """Return the columns as text, then `_record` (int64, from 1) and `_defect`."""
    texts = [(name, pa.string()) for name in columns]
    return pa.schema([*texts, (RECORD, pa.int64()), (DEFECT, DEFECT_TYPE)])


class Rows:
    """The rows of one window, gathered in file order from two sources.

    `table` holds what the fast parser read; single records are added one by one. A broken
    record has null in all columns and a defect; a whole one has no null and no defect.
    """

    def __init__(self, table: pa.Table) -> None:
        self._table = table
        self._values: list[Sequence[str | None]] = []
        self._defects: dict[int, dict[str, object]] = {}
        self._runs: list[tuple[int, int, int]] = []
        self._nothing: list[None] = [None] * table.num_columns

    def add_run(self, first: int, after: int) -> None:
        """Add the rows `[first, after)` of the table."""
        self._runs.append((len(self._values), first, after))

    def add_record(self, values: Sequence[str]) -> None:
        """Add one whole record."""
        self._values.append(values)

    def add_broken(self, rule: str, message: str, original: bytes) -> None:
        """Add one broken record with the bytes it stood in."""
        defect: dict[str, object] = {"rule": rule, "message": message, "bytes": original}
        self._defects[len(self._values)] = defect
        self._values.append(self._nothing)

    def batches(self, first_record: int) -> Iterator[pa.RecordBatch]:
        """Yield the rows in the order they were added, numbered from `first_record`."""
        if self._values:
            yield from numbered(self._ordered(), first_record)
        elif self._runs:
            runs = [self._table.slice(first, after - first) for _, first, after in self._runs]
            yield from numbered(pa.concat_tables(runs), first_record)

    def _ordered(self) -> pa.Table:
        added = self._added()
        if not self._runs:
            return added
        both = pa.concat_tables([_whole(self._table), added]).combine_chunks()
        order, done, rows = [], 0, self._table.num_rows
        for before, first, after in self._runs:
            order += [np.arange(rows + done, rows + before), np.arange(first, after)]
            done = before
        order.append(np.arange(rows + done, both.num_rows))
        return both.take(pa.array(np.concatenate(order)))

    def _added(self) -> pa.Table:
        columns = [pa.array(column, pa.string()) for column in zip(*self._values, strict=True)]
        defects = [self._defects.get(row) for row in range(len(self._values))]
        names = [*self._table.column_names, DEFECT]
        return pa.table([*columns, pa.array(defects, DEFECT_TYPE)], names=names)


def numbered(table: pa.Table, first_record: int) -> Iterator[pa.RecordBatch]:
    """Yield the rows of `table`, which may lack `_defect`, with `_record` from `first_record`."""
    if DEFECT not in table.column_names:
        table = _whole(table)
    numbers = pa.array(np.arange(first_record, first_record + table.num_rows))
    table = table.add_column(table.num_columns - 1, RECORD, numbers)
    yield from table.to_batches(max_chunksize=_MAX_ROWS)


def _whole(table: pa.Table) -> pa.Table:
    return table.append_column(DEFECT, pa.nulls(table.num_rows, DEFECT_TYPE))
