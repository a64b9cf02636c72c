"""The first rows of a query in memory, with a limit of rows and one of bytes."""

from collections.abc import Iterable
from dataclasses import dataclass

import duckdb
import pyarrow as pa

from lakehouse_pipeline.errors import QueryError

MAX_BYTES = 256 * 1024 * 1024
"""Bytes of any result; it is held in memory."""

_STREAM_ROWS = 2_048


@dataclass(frozen=True, slots=True)
class Limits:
    """What one query may take: rows of its result, seconds, memory of DuckDB, threads (0: all)."""

    rows: int = 10_000
    seconds: float = 60.0
    memory: str = "1GB"
    threads: int = 0


DEFAULT_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Answer:
    """The rows of a query in its order. `cut` is true when it had more than the limit.

    Column names are distinct: of two with one name the second gets `_1` at its end. `datasets` are
    those whose published data the query read, where that was judged.
    """

    rows: pa.Table
    cut: bool
    datasets: tuple[str, ...] = ()


def first_rows(connection: duckdb.DuckDBPyConnection, sql: str, limit: int) -> Answer:
    """Run `sql`, a SELECT, as far as its first `limit` rows need it.

    Raises: QueryError: it does not run, or the rows take more than `MAX_BYTES`.
    """
    try:
        return _first_rows(connection, sql, limit)
    except duckdb.InterruptException:
        raise
    except (duckdb.Error, pa.ArrowException, OSError) as error:
        raise QueryError(_said(error)) from error


def _first_rows(connection: duckdb.DuckDBPyConnection, sql: str, limit: int) -> Answer:
    reader = connection.sql(sql).to_arrow_reader(_STREAM_ROWS)
    batches: list[pa.RecordBatch] = []
    rows = size = 0
    for batch in reader:
        batches.append(batch)
        rows, size = rows + batch.num_rows, size + batch.nbytes
        if size > MAX_BYTES:
            raise QueryError(
                f"its result is larger than {MAX_BYTES // 1024**2} MB. Select fewer columns or "
                "rows, or write a whole dataset with: lakehouse export"
            )
        if rows > limit:
            break
    table = pa.Table.from_batches(batches, reader.schema)
    reader.close()
    return Answer(table.rename_columns(_distinct(table.column_names)).slice(0, limit), rows > limit)


def _distinct(names: Iterable[str]) -> list[str]:
    found: dict[str, None] = {}
    for name in names:
        unique, number = name, 0
        while unique in found:
            number += 1
            unique = f"{name}_{number}"
        found[unique] = None
    return list(found)


def _said(error: Exception) -> str:
    """Return DuckDB's message without its advice on settings, which are locked."""
    return str(error).strip().split("\n\n", maxsplit=1)[0]
