"""`lakehouse query`: one SELECT over the layers of all datasets, read-only."""

from typing import Annotated

import duckdb
import typer

from lakehouse_pipeline.cli.output import JsonOption, print_json, print_table
from lakehouse_pipeline.errors import QueryError
from lakehouse_pipeline.lake.engine import engine
from lakehouse_pipeline.lake.query import open_layers, select
from lakehouse_pipeline.lake.tables import Tables
from lakehouse_pipeline.settings import Settings


def query(
    sql: Annotated[str, typer.Argument(help="A SELECT; tables are DATASET.LAYER.")],
    as_json: JsonOption = False,
) -> None:
    """Run one SELECT over the layers of all datasets, as in: SELECT count(*) FROM flights.raw."""
    settings = Settings()
    with engine(settings.home / "tmp", settings.memory_limit, settings.threads) as connection:
        open_layers(connection, Tables(settings.lake))
        try:
            result = select(connection, settings.lake, sql)
            columns = [column[0] for column in result.description or []]
            rows = result.fetchall()
        except duckdb.Error as error:
            raise QueryError(str(error)) from error
    if as_json:
        print_json([dict(zip(columns, row, strict=True)) for row in rows])
    else:
        print_table(columns, rows)
