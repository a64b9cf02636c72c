"""`lakehouse export`: published data of a dataset as one file."""

import shutil
from pathlib import Path
from typing import Annotated

import typer

from lakehouse_pipeline.cli.output import JsonOption, console, print_json
from lakehouse_pipeline.contracts.counted import counted
from lakehouse_pipeline.errors import QueryError
from lakehouse_pipeline.lake.result_file import FileFormat, whole_file
from lakehouse_pipeline.pipeline.export import ExportRequest
from lakehouse_pipeline.pipeline.export import export as export_published
from lakehouse_pipeline.settings import Settings


def export(
    dataset: Annotated[str, typer.Argument(help="The dataset.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="A file; kept below exports/ without it.")
    ] = None,
    file_format: Annotated[
        FileFormat | None, typer.Option("--format", help="Else by the ending of FILE, or csv.")
    ] = None,
    batch: Annotated[list[str] | None, typer.Option(help="A batch; all without.")] = None,
    first: Annotated[
        str | None, typer.Option("--from", help="The first batch by name, or how it begins.")
    ] = None,
    last: Annotated[
        str | None, typer.Option("--to", help="The last batch by name, or how it begins.")
    ] = None,
    columns: Annotated[str | None, typer.Option(help="Columns, as in: id,amount")] = None,
    where: Annotated[str | None, typer.Option(help="A condition, as in: amount > 10")] = None,
    version: Annotated[int | None, typer.Option(min=0, help="Version of the table.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Write published data as CSV, Parquet or Arrow IPC, sorted by batch and record.

    The same export of the same table version is made once and reused.
    """
    settings = Settings()
    _check(output)
    request = ExportRequest(
        dataset,
        file_format or _by_name(output),
        batch or None,
        first,
        last,
        None if columns is None else [name.strip() for name in columns.split(",")],
        where,
        version,
    )
    made = export_published(
        settings.home, request, settings.memory_limit, settings.threads, settings.lake
    )
    if output is not None:
        with whole_file(output) as copy:
            shutil.copyfile(made.path, copy)
    file = output or made.path
    if as_json:
        print_json({"file": str(file), "version": made.version, "reused": made.reused})
    else:
        size = file.stat().st_size
        of = "nothing is published yet" if made.version is None else f"version {made.version}"
        console.print(f"{dataset}, {of}: {counted(size, 'byte')} in {file}", markup=False)


def _check(output: Path | None) -> None:
    if output is not None and output.is_dir():
        raise QueryError(f"{output} is a folder; name a file")
    if output is not None and not output.parent.is_dir():
        raise QueryError(f"there is no folder {output.parent} to write {output.name} into")


def _by_name(output: Path | None) -> FileFormat:
    ending = "" if output is None else output.suffix.lower().removeprefix(".")
    return FileFormat(ending) if ending in list(FileFormat) else FileFormat.CSV
