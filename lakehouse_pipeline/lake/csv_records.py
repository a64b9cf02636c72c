"""The records of a file in order: numbered, judged, and every physical line accounted for.

Takes the blocks after the fast parser (`csv_fast`) and has `csv_scan` read what that one left
out. A record that is not finished at the end of a block is held until it is.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from lakehouse_pipeline.errors import RecordTooLongError
from lakehouse_pipeline.lake.csv_charset import Block, Charset
from lakehouse_pipeline.lake.csv_fast import Mask, Parsed, line_starts
from lakehouse_pipeline.lake.csv_grammar import Grammar
from lakehouse_pipeline.lake.csv_lines import swap_line_ends_in_text
from lakehouse_pipeline.lake.csv_rows import Rows, numbered
from lakehouse_pipeline.lake.csv_scan import Record, RecordLimitError, Scanner


class Window:
    """A stretch of whole physical lines that starts where a record starts."""

    def __init__(self, parsed: list[Parsed]) -> None:
        data = b"".join(one.block.data for one in parsed)
        same = all(one.block.source is one.block.data for one in parsed)
        source = data if same else b"".join(one.block.source for one in parsed)
        self.block = Block(data, source)
        self.table: pa.Table = pa.concat_tables([one.table for one in parsed])
        self.good: Mask = np.concatenate([_mask(one) for one in parsed])
        self.starts: list[int] = line_starts(data).tolist()
        self.rows_before = np.concatenate(([0], np.cumsum(self.good)))
        self.has_nul = b"\0" in data
        self._source_starts: list[int] = self.starts if same else []

    @property
    def lines(self) -> int:
        """The number of physical lines."""
        return len(self.good)

    def from_line(self, line: int) -> Parsed:
        """Return what the window holds from a line on."""
        start = self.starts[line]
        data = self.block.data[start:]
        same = self.block.source is self.block.data
        block = Block(data, data if same else self.source(line, self.lines))
        return Parsed(block, self.table.slice(int(self.rows_before[line])), self.good[line:])

    def source(self, line: int, after: int) -> bytes:
        """Return the lines `[line, after)` as they were delivered."""
        if not self._source_starts:
            self._source_starts = line_starts(self.block.source).tolist()
        return self.block.source[self._source_starts[line] : self._source_starts[after]]


class Defect(NamedTuple):
    """Why a record is broken, without any value of it."""

    rule: str
    message: str


class Records:
    """Turns parsed blocks into record batches; counts as it goes.

    `records` counts all records, `broken` those of them with a defect, `embedded_lines` the line
    ends inside records, `blank_lines` the lines that hold no record. `places` says for each
    column of the contract where in the file's records it stands.
    """

    def __init__(
        self, file: str, grammar: Grammar, charset: Charset, places: Sequence[int]
    ) -> None:
        self.records = self.broken = self.embedded_lines = self.blank_lines = 0
        self._file = file
        self._grammar = grammar
        self._charset = charset
        self._places = None if list(places) == sorted(places) else tuple(places)
        self._held: list[Parsed] = []

    @property
    def lines(self) -> int:
        """The physical lines that all of this accounts for."""
        return self.records + self.embedded_lines + self.blank_lines

    def add(self, parsed: Parsed) -> Iterator[pa.RecordBatch]:
        """Yield the records that the next block completes.

        Raises:
            RecordTooLongError: a record is longer than the limit.
        """
        if not self._held and parsed.good is None:
            first = self.records + 1
            self.records += parsed.table.num_rows
            yield from numbered(parsed.table, first)
            return
        self._held.append(parsed)
        # A long record is looked at again only when what is held has doubled.
        unfinished, *new = (len(one.block.data) for one in self._held)
        if not new or sum(new) >= unfinished:
            yield from self._read(final=False)

    def finish(self) -> Iterator[pa.RecordBatch]:
        """Yield the records that the end of the file completes. Raises: as `add`."""
        if self._held:
            yield from self._read(final=True)

    def _read(self, *, final: bool) -> Iterator[pa.RecordBatch]:
        window, self._held = Window(self._held), []
        rows, first = Rows(window.table), self.records + 1
        try:
            line = self._walk(window, rows, final=final)
        except RecordLimitError as error:
            limit = self._grammar.max_record_bytes
            raise RecordTooLongError(self._file, self.records + 1, limit) from error
        if line < window.lines:
            self._held = [window.from_line(line)]
        yield from rows.batches(first)

    def _walk(self, window: Window, rows: Rows, *, final: bool) -> int:
        """Read the window's records; return the line from which more data is needed."""
        scanner = Scanner(self._grammar, window.block.data, window.starts, final=final)
        line = 0
        for stop in [*np.flatnonzero(~window.good).tolist(), window.lines]:
            if stop < line:  # inside a record that began before it
                continue
            if stop > line:
                self._take_run(window, rows, line, stop)
            line = stop
            while line < window.lines and not window.good[line]:
                record = scanner.record(line)
                if record is None:
                    return line
                self._take(record, line, window, rows)
                line = record.after
        return line

    def _take_run(self, window: Window, rows: Rows, line: int, stop: int) -> None:
        rows.add_run(int(window.rows_before[line]), int(window.rows_before[stop]))
        self.records += stop - line

    def _take(self, record: Record, line: int, window: Window, rows: Rows) -> None:
        if record.fields == [b""] and self._is_blank(line, window):
            self.blank_lines += 1
            return
        self.records += 1
        self.embedded_lines += record.after - line - 1
        outcome = self._judge(record, line, window)
        if isinstance(outcome, Defect):
            self.broken += 1
            rows.add_broken(*outcome, self._original(window, line, record.after))
        else:
            rows.add_record(outcome)

    def _is_blank(self, line: int, window: Window) -> bool:
        start, end = window.starts[line], window.starts[line + 1]
        empty = self._grammar.content_end(window.block.data, start, end) == start
        return empty and self._grammar.columns > 1

    def _judge(self, record: Record, line: int, window: Window) -> list[str] | Defect:
        """Return the values of a whole record, or what is wrong with it."""
        fields = record.fields
        if fields is None:
            return Defect("record.quote", record.problem)
        if window.has_nul and b"\0" in window.source(line, record.after):
            return Defect("record.nul", "a NUL byte")
        try:
            values = b"\0".join(fields).decode().split("\0")
        except UnicodeDecodeError:
            return Defect("record.encoding", f"bytes that are not {self._charset.encoding}")
        if len(values) != self._grammar.columns:
            return Defect("record.fields", self._wrong_count(len(values), record.after - line))
        if not self._grammar.crlf:
            values = [swap_line_ends_in_text(value) for value in values]
        return values if self._places is None else [values[place] for place in self._places]

    def _wrong_count(self, fields: int, lines: int) -> str:
        columns = self._grammar.columns
        found = f"{fields} field{'s' if fields > 1 else ''}"
        promised = f"{columns} column{'s' if columns > 1 else ''}"
        over = f", over {lines} lines; is a quote not closed?" if lines > 1 else ""
        return f"{found} where the contract has {promised}{over}"

    def _original(self, window: Window, line: int, after: int) -> bytes:
        source = window.source(line, after)
        return self._charset.original(source[: self._grammar.content_end(source, 0, len(source))])


def _mask(parsed: Parsed) -> Mask:
    if parsed.good is not None:
        return parsed.good
    return np.ones(parsed.table.num_rows, np.bool_)
