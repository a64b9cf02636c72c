"""Rows of a query as one file: CSV, Parquet or Arrow IPC, written whole or not at all.

A CSV keeps every value: decimals with all their digits, timestamps with time zone in UTC, a null as
nothing and an empty text as `""`. Texts stand as they are, also those that begin with `=`: what a
spreadsheet would run as a formula is told in docs/consumers.md.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path

import duckdb
import pyarrow as pa

from lakehouse_pipeline.lake.engine import STREAM_ROWS
from lakehouse_pipeline.names import literal


class FileFormat(StrEnum):
    """The formats of a file; the value is the ending of its name too."""

    CSV = "csv"
    PARQUET = "parquet"
    ARROW = "arrow"


_OPTIONS = {
    FileFormat.CSV: "FORMAT csv, HEADER, DELIMITER ',', QUOTE '\"', ESCAPE '\"', NULLSTR ''",
    FileFormat.PARQUET: "FORMAT parquet, COMPRESSION zstd",
}


@contextmanager
def whole_file(target: Path) -> Iterator[Path]:
    """Yield a path beside `target` to write; it takes the target's place when the block is done.

    Both the file and its folder are on the disk then. A block that raises leaves no trace.
    """
    with tempfile.TemporaryDirectory(prefix=".writing-", dir=target.parent) as folder:
        written = Path(folder) / "file"
        yield written
        _flush(written)
        written.replace(target)
    _flush(target.parent)


def write_result(
    connection: duckdb.DuckDBPyConnection, sql: str, target: Path, file_format: FileFormat
) -> None:
    """Write the rows of `sql`, in its order, to the new file `target`."""
    if file_format is not FileFormat.ARROW:
        options = _OPTIONS[file_format]
        connection.execute(f"COPY ({sql}) TO {literal(str(target))} ({options})")
        return
    rows = connection.sql(sql).to_arrow_reader(STREAM_ROWS)
    with pa.OSFile(str(target), "wb") as sink, pa.ipc.new_file(sink, rows.schema) as writer:
        for batch in rows:
            writer.write_batch(batch)


def write_rows(
    connection: duckdb.DuckDBPyConnection, rows: pa.Table, target: Path, file_format: FileFormat
) -> None:
    """Write rows that are in memory, as `write_result` does; `target` appears whole."""
    connection.register("result", rows)
    with whole_file(target) as written:
        if file_format is FileFormat.ARROW:
            with pa.OSFile(str(written), "wb") as sink, pa.ipc.new_file(sink, rows.schema) as file:
                file.write_table(rows)
        else:
            write_result(connection, "FROM result", written, file_format)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
