"""A time limit that really stops DuckDB, in the middle of a query too."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from lakehouse_pipeline.errors import LakehouseError, QueryError

_AGAIN_SECONDS = 0.05


class QueryTimeError(LakehouseError):
    """A query was stopped because it took too long."""

    def __init__(self, seconds: float) -> None:
        super().__init__(
            f"the query did not end within {seconds:g} seconds and was stopped. "
            "Ask for fewer records, or allow it more time (the command: --timeout)."
        )


@contextmanager
def time_limit(connection: duckdb.DuckDBPyConnection, seconds: float) -> Iterator[None]:
    """Interrupt what `connection` does in the block once `seconds` have passed.

    Raises: QueryTimeError: the block was interrupted.
    """
    ended, expired = threading.Event(), threading.Event()

    def watch() -> None:
        if ended.wait(seconds):
            return
        expired.set()
        while not ended.wait(_AGAIN_SECONDS):  # one that comes before a query starts is forgotten
            connection.interrupt()

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    except (duckdb.Error, QueryError) as error:
        if expired.is_set():
            raise QueryTimeError(seconds) from error
        raise
    finally:
        ended.set()
        watcher.join()
