"""DuckDB as a stateless SQL engine: one in-memory connection per run, memory bounded, UTC.

No state is kept in DuckDB, no extension is loaded; Parquet in, Parquet out. What it spills goes
to a folder of the run, which is removed with the connection.
"""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from lakehouse_pipeline.names import INNER_KEY, OUTER_KEY, literal

HASH_BLOCK_BYTES = 64
"""Block size of SHA-256, to which an HMAC key is padded (RFC 2104)."""


@contextmanager
def engine(
    temporary: Path, memory_limit: str = "1GB", threads: int = 0
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Yield an empty connection that may hold `memory_limit` and spills below `temporary`."""
    temporary.mkdir(parents=True, exist_ok=True)
    spill = Path(tempfile.mkdtemp(prefix="spill-", dir=temporary))
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


def use_hash_key(connection: duckdb.DuckDBPyConnection, key: bytes) -> None:
    """Set the padded HMAC keys as variables of the connection, for `layers/anonymized.py`."""
    padded = key.ljust(HASH_BLOCK_BYTES, b"\0")
    for name, pad in ((INNER_KEY, 0x36), (OUTER_KEY, 0x5C)):
        block = bytes(byte ^ pad for byte in padded)
        connection.execute(f"SET VARIABLE {name} = $1::BLOB", [block])


def parquet_relation(files: list[str]) -> str:
    """Return SQL of a relation over Delta data files, `_batch_id` from their paths.

    The files may differ in columns (a contract grew): missing ones are null.
    """
    listed = ", ".join(literal(file) for file in files)
    return (
        f"read_parquet([{listed}], hive_partitioning=true, union_by_name=true, "
        "hive_types={'_batch_id': VARCHAR})"
    )
