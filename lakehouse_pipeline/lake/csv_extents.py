"""Where records stand in a landing file: the first physical line of each, and how many it takes.

The file is read as for raw (`csv_file`), so a record's number is the one that raw gives it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from lakehouse_pipeline.contracts.model import Csv
from lakehouse_pipeline.lake.csv_charset import Charset
from lakehouse_pipeline.lake.csv_fast import Parsed
from lakehouse_pipeline.lake.csv_file import CsvFile, FileFacts
from lakehouse_pipeline.lake.csv_grammar import Grammar
from lakehouse_pipeline.lake.csv_records import Records, Window
from lakehouse_pipeline.lake.csv_rows import Rows
from lakehouse_pipeline.lake.csv_scan import Record


@dataclass(frozen=True, slots=True)
class Extent:
    """A record's physical lines, the first counted from 0 in the file, and whether it is broken."""

    line: int
    lines: int
    broken: bool = False


def extents_of(
    path: Path, columns: Sequence[str], dialect: Csv, numbers: Sequence[int]
) -> tuple[dict[int, Extent], FileFacts]:
    """Return where the records of these numbers stand in a file, and the file's facts.

    Raises: FileRefusedError, ReconcileError, OSError: as `CsvFile.batches`.
    """
    file = _LocatedFile(path, columns, dialect, numbers)
    for _ in file.batches():
        pass
    before = file.facts.header_lines + file.facts.blank_lines - file.located.blank_lines
    moved = {n: Extent(e.line + before, e.lines, e.broken) for n, e in file.located.found.items()}
    return moved, file.facts


class _LocatedFile(CsvFile):
    """A file whose records of some numbers are located as it is read."""

    located: "_Located"

    def __init__(
        self, path: Path, columns: Sequence[str], dialect: Csv, numbers: Sequence[int]
    ) -> None:
        super().__init__(path, columns, dialect)
        self._numbers = frozenset(numbers)

    def _records(self, charset: Charset, places: Sequence[int]) -> Records:
        self.located = _Located(self.path.name, self._grammar, charset, places)
        self.located.wanted = self._numbers
        return self.located


class _Located(Records):
    """The records of a file in order; `found` says on which lines behind the header some stand."""

    wanted: frozenset[int] = frozenset()

    def __init__(
        self, file: str, grammar: Grammar, charset: Charset, places: Sequence[int]
    ) -> None:
        super().__init__(file, grammar, charset, places)
        self.found: dict[int, Extent] = {}

    def add(self, parsed: Parsed) -> Iterator[pa.RecordBatch]:
        if not self._held and parsed.good is None:
            self._note_run(parsed.table.num_rows)
        yield from super().add(parsed)

    def _take_run(self, window: Window, rows: Rows, line: int, stop: int) -> None:
        self._note_run(stop - line)
        super()._take_run(window, rows, line, stop)

    def _take(self, record: Record, line: int, window: Window, rows: Rows) -> None:
        at, records, broken = self.lines, self.records, self.broken
        super()._take(record, line, window, rows)
        if self.records > records and self.records in self.wanted:
            extent = Extent(at, record.after - line, self.broken > broken)
            self.found[self.records] = extent

    def _note_run(self, count: int) -> None:
        """Note the wanted among the next records, each of which is one line."""
        first, at = self.records + 1, self.lines
        for number in self.wanted:
            if first <= number < first + count:
                self.found[number] = Extent(at + number - first, 1)
