"""`lakehouse query`: one SELECT over published data, or over all layers; read-only, with limits."""

from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import pyarrow as pa
import typer

from lakehouse_pipeline.cli.output import JsonOption, console, errors, print_json, print_table
from lakehouse_pipeline.contracts.counted import counted
from lakehouse_pipeline.errors import QueryError
from lakehouse_pipeline.lake.engine import engine
from lakehouse_pipeline.lake.first_rows import DEFAULT_LIMITS, Answer, Limits
from lakehouse_pipeline.lake.result_file import FileFormat, write_rows
from lakehouse_pipeline.pipeline.layers_query import layers_query
from lakehouse_pipeline.pipeline.published_query import published_query
from lakehouse_pipeline.settings import Settings


class Format(StrEnum):
    """How the rows are given."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    PARQUET = "parquet"
    ARROW = "arrow"


_INT64 = 1 << 63


def query(
    sql: Annotated[str, typer.Argument(help="A SELECT over DATASET, its published data.")],
    all_layers: Annotated[
        bool, typer.Option("--all-layers", help="Over DATASET.LAYER, for engineers and stewards.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, help="Rows at most.")] = DEFAULT_LIMITS.rows,
    timeout: Annotated[
        float, typer.Option(min=0.1, help="Seconds at most.")
    ] = DEFAULT_LIMITS.seconds,
    file_format: Annotated[Format, typer.Option("--format", help="How rows are given.")] = (
        Format.TABLE
    ),
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="A file; standard output without it.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Run one SELECT over published data, as in: SELECT count(*) FROM flights.

    What did not fit into the limit of rows is told on standard error; a query that takes longer
    than its time is stopped, with exit status 2.
    """
    settings = Settings()
    file_format = Format.JSON if as_json and not output else file_format
    _check(file_format, output)
    ask = layers_query if all_layers else published_query
    limits = Limits(limit, timeout, settings.memory_limit, settings.threads)
    answer = ask(settings.home, sql, limits, lake=settings.lake)
    _give(answer, file_format, output, settings)
    if output and as_json:
        print_json({"rows": answer.rows.num_rows, "cut": answer.cut, "file": str(output)})
    elif output:
        console.print(f"{counted(answer.rows.num_rows, 'row')} in {output}", markup=False)
    if answer.cut:
        first = f"only the first {counted(limit, 'row')}"
        said = f"{first}; the query has more. Raise the limit with: --limit"
        errors.print(said, markup=False, style="yellow")


def _check(file_format: Format, output: Path | None) -> None:
    if output is None and file_format in (Format.PARQUET, Format.ARROW):
        raise QueryError(f"{file_format} goes to a file; name it with: -o FILE")
    if output is not None and file_format in (Format.TABLE, Format.JSON):
        raise QueryError(
            f"{file_format} goes to standard output; for a file add: --format csv, parquet or arrow"
        )
    if output is not None and output.is_dir():
        raise QueryError(f"{output} is a folder; name a file")
    if output is not None and not output.parent.is_dir():
        raise QueryError(f"there is no folder {output.parent} to write {output.name} into")


def _give(answer: Answer, file_format: Format, output: Path | None, settings: Settings) -> None:
    if output is not None:
        with engine(settings.home / "tmp", settings.memory_limit) as connection:
            write_rows(connection, answer.rows, output, FileFormat(file_format.value))
    elif file_format is Format.CSV:
        typer.echo(_csv(answer.rows, settings), nl=False)
    elif file_format is Format.JSON:
        print_json(_with_integers(answer.rows).to_pylist())
    else:
        columns = [column.to_pylist() for column in answer.rows.columns]
        print_table(answer.rows.column_names, zip(*columns, strict=True))


def _with_integers(rows: pa.Table) -> pa.Table:
    """Return rows whose decimals without places (a sum of integers) JSON shows as numbers."""
    for at, column in enumerate(rows.schema):
        if pa.types.is_decimal(column.type) and column.type.scale == 0:
            values = [None if v is None else int(v) for v in rows.column(at).to_pylist()]
            if all(v is None or abs(v) < _INT64 for v in values):
                rows = rows.set_column(at, column.name, pa.array(values, pa.int64()))
    return rows


def _csv(rows: pa.Table, settings: Settings) -> bytes:
    temporary = settings.home / "tmp"
    with (
        engine(temporary, settings.memory_limit) as connection,
        TemporaryDirectory(dir=temporary) as folder,
    ):
        target = Path(folder) / "rows.csv"
        write_rows(connection, rows, target, FileFormat.CSV)
        return target.read_bytes()
