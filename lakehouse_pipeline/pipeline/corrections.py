"""A supplier's corrected records: the file they send back, held against what is in quarantine.

The file is the one `lakehouse quarantine export` wrote, with values corrected. It is read whole or
not at all: one thing wrong with it, and nothing changes.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import pyarrow as pa

from lakehouse_pipeline.contracts.model import Contract, Csv
from lakehouse_pipeline.errors import LakehouseError
from lakehouse_pipeline.lake.csv_file import CsvFile
from lakehouse_pipeline.lake.quarantine import report_columns
from lakehouse_pipeline.names import BATCH_ID, DEFECT, RECORD, Layer, identifier, literal
from lakehouse_pipeline.pipeline.lake import Lake
from lakehouse_pipeline.pipeline.relations import relation

SHOWN = 10
"""How many problems of a file are shown."""

DELIMITERS = (",", ";", "\t")
"""What spreadsheets write between values, whatever they were given; which one depends on where."""

NUMBER = "_number"
"""The text of a given record's number."""

AS_NUMBER = (
    f"CASE WHEN regexp_full_match(trim({NUMBER}), '[0-9]+') THEN TRY_CAST({NUMBER} AS BIGINT) END"
)
"""The number, null where the text is none: a cast alone makes 2 of `1.5`, and 10 of `1e1`."""


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


@dataclass(frozen=True, slots=True)
class Corrected:
    """The corrections of a file: `records` has the contract's columns as text, and `_record`.

    `unchanged` counts the records that came back as they were, which are left out.
    """

    records: pa.Table
    unchanged: int


def read_corrections(lake: Lake, contract: Contract, batch: str, file: Path) -> Corrected:
    """Return the records of `file` that differ from what is in quarantine.

    Raises:
        CorrectionError: a record is not in quarantine, stands there twice, or cannot be read.
        FileRefusedError: the file is not CSV as the report is written.
    """
    given = _read(contract, file)
    lake.connection.register("given_records", given)
    try:
        problems = _problems(lake, contract, batch)
        if problems:
            raise CorrectionError(file.name, problems)
        return _changed(lake, contract, batch)
    finally:
        lake.connection.unregister("given_records")


def _read(contract: Contract, file: Path) -> pa.Table:
    """Return the file's records as text with `_line`; columns of the report but its own are cut."""
    _, number, _, _ = report_columns(contract)
    header = _header(file)
    dialect = _saved_as(report_dialect(contract), header, number)
    names = [number, *_optional(contract, dialect, header), *contract.column_names]
    csv = CsvFile(file, names, dialect)
    table = pa.Table.from_batches(csv.batches(), csv.schema)
    columns = [number, *contract.column_names, RECORD, DEFECT]
    given = [NUMBER, *contract.column_names, "_line", "_broken"]
    return table.select(columns).rename_columns(given)


def report_dialect(contract: Contract) -> Csv:
    """Return how the report is written: as the contract's files are, in UTF-8, with a header."""
    return replace(contract.csv, encoding="utf-8", header=True, null_values=(), line_end="lf")


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


def _optional(contract: Contract, dialect: Csv, header: str) -> list[str]:
    """Return the report's own columns that the file still has; people delete some."""
    batch, _, reasons, text = report_columns(contract)
    found = _names(header, dialect)
    return [name for name in (batch, reasons, text) if name in found]


def _problems(lake: Lake, contract: Contract, batch: str) -> list[str]:
    """Return what is wrong with the given records, in the order of the file."""
    held = relation(lake, contract, Layer.QUARANTINED, [batch])
    number = f"({AS_NUMBER})"
    rows = lake.connection.execute(
        f"SELECT _line, CASE WHEN _broken IS NOT NULL THEN 'cannot be read: ' || _broken.message "
        f"WHEN {number} IS NULL THEN 'its record number is not a number' "
        f"WHEN count(*) OVER (PARTITION BY {number}) > 1 THEN "
        f"'record ' || {number} || ' stands there twice' "
        f"WHEN {number} NOT IN (SELECT {RECORD} FROM {held}) THEN "
        f"'record ' || {number} || ' is not in quarantine in batch ' || {literal(batch)} END "
        "AS problem FROM given_records QUALIFY problem IS NOT NULL ORDER BY _line"
    ).fetchall()
    return [f"line {line + 1}: {problem}" for line, problem in rows]


def _changed(lake: Lake, contract: Contract, batch: str) -> Corrected:
    held = relation(lake, contract, Layer.QUARANTINED, [batch])
    names = [identifier(name) for name in contract.column_names]
    given = ", ".join(f"g.{name} AS {name}" for name in names)
    same = " AND ".join(f"g.{name} = coalesce(q.{name}, '')" for name in names)
    joined = (
        f"FROM given_records AS g JOIN {held} AS q "
        f"ON q.{RECORD} = ({AS_NUMBER}) AND q.{BATCH_ID} = {literal(batch)}"
    )
    changed = lake.connection.sql(
        f"SELECT {given}, q.{RECORD} AS {RECORD} {joined} WHERE NOT ({same}) ORDER BY q.{RECORD}"
    ).to_arrow_table()
    (count,) = lake.connection.execute(f"SELECT count(*) {joined}").fetchall()[0]
    return Corrected(changed, count - changed.num_rows)
