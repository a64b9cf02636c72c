"""DuckDB as a stateless SQL engine: one in-memory connection per run, memory bounded, UTC.

No state is kept in DuckDB, no extension is loaded; Parquet in, Parquet out. What it spills goes
to a folder of the run, which is removed with the connection; what a killed process left there,
`sweep_spills` removes.
"""

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import psutil
import pyarrow as pa

from lakehouse_pipeline.names import literal

STREAM_ROWS = 122_880
"""Rows of a batch in a stream: one row group."""


@contextmanager
def engine(
    temporary: Path, memory_limit: str = "1GB", threads: int = 0
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Yield an empty connection that may hold `memory_limit` and spills below `temporary`."""
    temporary.mkdir(parents=True, exist_ok=True)
    spill = own_folder(temporary)
    connection = duckdb.connect()
    try:
        connection.execute(f"SET memory_limit={literal(memory_limit)}")
        connection.execute(f"SET temp_directory={literal(str(spill))}")
        connection.execute("SET TimeZone='UTC'")
        connection.execute("SET enable_progress_bar=false")
        if threads:
            connection.execute(f"SET threads={threads}")
        yield connection
    finally:
        connection.close()
        shutil.rmtree(spill, ignore_errors=True)


def own_folder(temporary: Path) -> Path:
    """Return a new folder of this process below `temporary`, for `sweep_spills` to find."""
    return Path(tempfile.mkdtemp(prefix=f"spill-{os.getpid()}-", dir=temporary))


def sweep_spills(temporary: Path) -> None:
    """Remove what processes that are no more left below `temporary`, be it spilled or an answer."""
    for folder in temporary.glob("spill-*"):
        owner = re.match(r"spill-(\d+)-", folder.name)
        if owner is None or not psutil.pid_exists(int(owner[1])):
            shutil.rmtree(folder, ignore_errors=True)


def rows_of(connection: duckdb.DuckDBPyConnection, sql: str) -> pa.RecordBatchReader:
    """Return the rows of `sql` as a stream, on a session of its own; order kept."""
    session = connection.cursor()
    session.execute("SET TimeZone='UTC'")
    return session.sql(sql).to_arrow_reader(STREAM_ROWS)


def parquet_relation(files: list[str]) -> str:
    """Return SQL of a relation over Delta data files, `_batch_id` from their paths.

    The files may differ in columns (a contract grew): missing ones are null.
    """
    listed = ", ".join(literal(file) for file in files)
    return (
        f"read_parquet([{listed}], hive_partitioning=true, union_by_name=true, "
        "hive_types={'_batch_id': VARCHAR})"
    )
