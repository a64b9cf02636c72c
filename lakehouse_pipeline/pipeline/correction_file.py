"""The CSV file that a supplier sends back, as texts: the report, however a spreadsheet saved it.

Delimiter, byte order mark and line ends may be others than the report was written with, and its
columns batch, reasons and text may be gone. What the records mean is in `corrections.py`.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pyarrow as pa

from lakehouse_pipeline.contracts.model import Contract, Csv
from lakehouse_pipeline.errors import EncodingError, HeaderError, LakehouseError, nearest
from lakehouse_pipeline.lake.csv_file import CsvFile
from lakehouse_pipeline.lake.quarantine import report_columns
from lakehouse_pipeline.names import DEFECT, RECORD

SHOWN = 10
"""How many problems of a file are shown."""

DELIMITERS = (",", ";", "\t")
"""What spreadsheets write between values, whatever they were given; which one depends on where."""

NUMBER, BATCH, PHYSICAL, LINE, BROKEN = "_number", "_batch", "_physical", "_line", "_broken"
"""Of a given record: the texts of its number, batch and physical line; its place, its defect."""

AS_UTF8 = "save it again as 'CSV UTF-8'"


class CorrectionError(LakehouseError):
    """A file of corrections does not fit the batch; has the first problems of it."""

    exit_code = 1

    def __init__(self, file: str, problems: Sequence[str]) -> None:
        more = len(problems) - SHOWN
        listed = [*problems[:SHOWN], *([f"and {more} more"] if more > 0 else [])]
        super().__init__(
            f"{file}: nothing was changed: {'; '.join(listed)}. Expected the file that "
            "'lakehouse quarantine export' wrote, with its record numbers, and values corrected."
        )


def read_report(contract: Contract, file: Path) -> pa.Table:
    """Return the file's records: the contract's columns, number, batch, physical text, all text.

    Beside them `_line`, its place from 1, and `_broken`, why it could not be split. A column that
    the file no longer has is empty text.

    Raises:
        CorrectionError: its header is not that of the report, or it is not UTF-8.
        FileRefusedError: the file is not CSV as the report is written.
    """
    batch, number, reasons, text = report_columns(contract)
    header = _header(file)
    dialect = _saved_as(report_dialect(contract), header, number)
    found = _names(header, dialect)
    own = [name for name in (batch, reasons, text) if name in found]
    csv = CsvFile(file, [number, *own, *contract.column_names], dialect)
    with _told_as_of_a_report(file.name, contract, found):
        table = pa.Table.from_batches(csv.batches(), csv.schema)
    empty = pa.array([""] * table.num_rows, pa.string())
    added = {
        NUMBER: table[number],
        BATCH: table[batch] if batch in own else empty,
        PHYSICAL: table[text] if text in own else empty,
        LINE: table[RECORD],
        BROKEN: table[DEFECT],
    }
    given = {name: table[name] for name in contract.column_names}
    return pa.table(given | added)


def report_dialect(contract: Contract) -> Csv:
    """Return how the report is written: as the contract's files are, in UTF-8, with a header."""
    return replace(contract.csv, encoding="utf-8", header=True, null_values=(), line_end="lf")


@contextmanager
def _told_as_of_a_report(file: str, contract: Contract, found: Sequence[str]) -> Iterator[None]:
    """Say what is wrong with a report; of a delivery it would be the contract's business."""
    try:
        yield
    except HeaderError as error:
        raise CorrectionError(file, _header_problems(contract, found)) from error
    except EncodingError as error:
        raise CorrectionError(file, [f"it is not UTF-8; {AS_UTF8}"]) from error


def _header_problems(contract: Contract, found: Sequence[str]) -> list[str]:
    own = report_columns(contract)
    expected = [own[1], *contract.column_names]
    unknown = [name for name in dict.fromkeys(found) if name not in (*expected, *own)]
    problems = [
        f"its header has no column '{name}'{nearest(name, unknown)}"
        for name in expected
        if name not in found
    ]
    problems += [f"its header has a column '{name}' that no report has" for name in unknown]
    problems += [
        f"its header has the column '{name}' {found.count(name)} times"
        for name in dict.fromkeys(found)
        if found.count(name) > 1
    ]
    return problems or ["its header is not that of a report"]


def _header(file: Path) -> str:
    with file.open(encoding="utf-8-sig", errors="replace") as lines:
        return "".join(islice(lines, 1)).strip()


def _saved_as(dialect: Csv, header: str, number: str) -> Csv:
    """Return the dialect with the delimiter that makes the record number a column of its own."""
    for delimiter in (dialect.delimiter, *DELIMITERS):
        if number in _names(header, replace(dialect, delimiter=delimiter)):
            return replace(dialect, delimiter=delimiter)
    return dialect


def _names(header: str, dialect: Csv) -> list[str]:
    quote = dialect.quote or '"'
    return [name.strip().strip(quote) for name in header.split(dialect.delimiter)]
