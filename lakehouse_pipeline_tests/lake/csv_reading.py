"""Reads a file in several ways at once and demands the same of all: for the tests of the reader.

What a test sees is what every way gave: fast and careful, in large and in tiny blocks.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pytest

from lakehouse_pipeline.contracts.model import Csv
from lakehouse_pipeline.lake.csv_fast import FastParser
from lakehouse_pipeline.lake.csv_file import CsvFile, FileFacts, physical_lines_of, sha256_of

Row = tuple[str, ...]
_SMALL = 2000


@dataclass(frozen=True)
class Broken:
    """A broken record as the tests write it down."""

    rule: str
    bytes: bytes
    message: str = ""

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Broken):
            return NotImplemented
        same = (self.rule, self.bytes) == (other.rule, other.bytes)
        return same and (not self.message or not other.message or self.message == other.message)

    __hash__ = None  # type: ignore[assignment]  # equality ignores an empty message


@dataclass(frozen=True)
class Outcome:
    """Everything a reading gave."""

    records: list[Row | Broken]
    facts: FileFacts

    @property
    def messages(self) -> list[str]:
        """The messages of the broken records."""
        return [record.message for record in self.records if isinstance(record, Broken)]


def read_once(file: CsvFile, *, careful: bool = False) -> Outcome:
    """Read a file one way and check what holds of every file."""
    with pytest.MonkeyPatch.context() as patch:
        if careful:
            patch.setattr(FastParser, "parse", FastParser.unparsed)
        batches = list(file.batches())
    for batch in batches:
        assert batch.schema == file.schema
        assert batch.num_rows
        batch.validate(full=True)
    table = pa.Table.from_batches(batches, file.schema)
    records = [_record(row) for row in table.to_pylist()]
    facts = file.facts
    assert table["_record"].to_pylist() == list(range(1, len(records) + 1))
    assert facts.records == len(records)
    assert facts.broken == sum(isinstance(record, Broken) for record in records)
    lines = facts.header_lines + facts.blank_lines + facts.records + facts.embedded_lines
    assert facts.physical_lines == lines
    return Outcome(records, facts)


def _record(row: dict[str, object]) -> Row | Broken:
    del row["_record"]
    defect = row.pop("_defect")
    values = tuple(row.values())
    if defect is None:
        assert None not in values
        return values  # type: ignore[return-value]  # text, as the schema says
    assert isinstance(defect, dict)
    assert set(values) == {None}
    return Broken(defect["rule"], defect["bytes"], defect["message"])


def read(
    folder: Path,
    content: bytes,
    columns: Sequence[str] = ("a", "b"),
    dialect: Csv | None = None,
    *,
    name: str = "file.csv",
    lines: int | None = None,
) -> Outcome:
    """Write `content` to a file and read it in every way; all must give the same.

    `lines` are the physical lines expected; by default those that end in LF, and the last.
    """
    dialect = dialect or Csv()
    path = folder / name
    path.write_bytes(content)
    outcomes = [
        read_once(CsvFile(path, columns, dialect, block_bytes=size), careful=careful)
        for size in ((8 << 20, 1, 7, 64) if len(content) < _SMALL else (8 << 20, 5000))
        for careful in (False, True)
    ]
    first, *others = outcomes
    for other in others:
        assert other == first
    if lines is None:
        lines = content.count(b"\n") + (not content.endswith(b"\n"))
    assert first.facts.physical_lines == lines == physical_lines_of(path, dialect)
    assert first.facts.sha256 == sha256_of(path)
    assert first.facts.size_bytes == len(content)
    return first
