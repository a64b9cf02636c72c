"""SQL over published data for those who must reach nothing else: the command, an HTTP endpoint.

A query is judged (`lake/judged_query`), then runs on a connection of its own that can open only the
published files of the datasets it names, has a memory limit, and is interrupted after its time.
"""

from collections.abc import Collection, Iterable
from dataclasses import replace
from pathlib import Path

import duckdb

from lakehouse_pipeline.errors import QueryError
from lakehouse_pipeline.lake.contract_store import ContractStore
from lakehouse_pipeline.lake.engine import engine
from lakehouse_pipeline.lake.first_rows import DEFAULT_LIMITS, Answer, Limits, first_rows
from lakehouse_pipeline.lake.judged_query import judged_datasets
from lakehouse_pipeline.lake.published_relation import published_relation
from lakehouse_pipeline.lake.query import locked
from lakehouse_pipeline.lake.tables import Tables
from lakehouse_pipeline.lake.time_limit import time_limit
from lakehouse_pipeline.names import Layer, identifier

_SPILL = "10GB"


def published_query(
    home: Path,
    sql: str,
    limits: Limits = DEFAULT_LIMITS,
    datasets: Collection[str] | None = None,
    lake: Path | None = None,
) -> Answer:
    """Return the first rows of `sql`, one SELECT over `DATASET` or `DATASET.published`.

    Each table has the columns that the contract promises now, then `_released`, `_record` and
    `_batch_id`. `datasets` are those the caller may read, None for all; `lake` is where the tables
    are, None for the home's own.

    Raises:
        QueryError: it is not one SELECT over them, it does not run, or its result is too large.
        QueryTimeError: it took longer than its limit and was stopped.
        ContractError: a dataset in it has no contract that is sound.
    """
    contracts, tables = ContractStore(home / "contracts"), Tables(lake or home / "lake")
    known = set(contracts.datasets())
    named = judged_datasets(sql, known if datasets is None else known & set(datasets))
    with engine(home / "tmp", limits.memory, limits.threads) as connection:
        try:
            _open(connection, contracts, tables, named)
        except (duckdb.IOException, duckdb.CatalogException) as error:
            raise QueryError(f"{', '.join(named)} cannot be read: {error}") from error
        with time_limit(connection, limits.seconds):
            return replace(first_rows(connection, sql, limits.rows), datasets=named)


def _open(
    connection: duckdb.DuckDBPyConnection,
    contracts: ContractStore,
    tables: Tables,
    datasets: Iterable[str],
) -> None:
    """Make a view per dataset, under both of its names, and lock the connection."""
    files: list[str] = []
    for dataset in datasets:
        found = tables.files(dataset, Layer.PUBLISHED)
        relation = published_relation(contracts.shown(dataset), found)
        name = identifier(dataset)
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {name}")
        connection.execute(f"CREATE VIEW {name}.published AS {relation.sql}")
        connection.execute(f"CREATE VIEW main.{name} AS FROM {name}.published")
        files += relation.files
    for setting in (
        f"max_temp_directory_size='{_SPILL}'",
        "python_enable_replacements=false",
        "autoinstall_known_extensions=false",
        "autoload_known_extensions=false",
    ):
        connection.execute(f"SET {setting}")
    locked(connection, files)
