"""Reading the lake with SQL: every layer of every dataset as a view, and nothing else."""

from collections.abc import Sequence
from pathlib import Path

import duckdb

from lakehouse_pipeline.errors import QueryError
from lakehouse_pipeline.lake.engine import parquet_relation
from lakehouse_pipeline.lake.tables import Tables
from lakehouse_pipeline.names import Layer, identifier, literal


def open_layers(connection: duckdb.DuckDBPyConnection, tables: Tables) -> None:
    """Make a schema per dataset and in it a view per layer that holds records."""
    for dataset in tables.datasets():
        connection.execute(f"CREATE SCHEMA {identifier(dataset)}")
        for layer in Layer:
            files = tables.files(dataset, layer)
            if files:
                view = f"{identifier(dataset)}.{identifier(layer)}"
                connection.execute(f"CREATE VIEW {view} AS FROM {parquet_relation(files)}")


def locked(connection: duckdb.DuckDBPyConnection, files: Sequence[str]) -> None:
    """Let the connection from now on read nothing but these files."""
    listed = ", ".join(literal(file) for file in files)
    connection.execute(f"SET allowed_paths=[{listed}]")
    connection.execute("SET enable_external_access=false")
    connection.execute("SET lock_configuration=true")


def only_reads(connection: duckdb.DuckDBPyConnection, folder: Path, sql: str) -> None:
    """Judge `sql` to be one SELECT, and let the connection from now on read only below `folder`.

    Raises: QueryError: the text is not exactly one statement that reads.
    """
    try:
        kinds = [statement.type for statement in connection.extract_statements(sql)]
    except duckdb.Error as error:
        raise QueryError(str(error)) from error
    if kinds != [duckdb.StatementType.SELECT]:
        raise QueryError("expected exactly one SELECT statement; nothing else may run here")
    connection.execute(f"SET allowed_directories=[{literal(str(folder))}]")
    connection.execute("SET enable_external_access=false")
    connection.execute("SET lock_configuration=true")
