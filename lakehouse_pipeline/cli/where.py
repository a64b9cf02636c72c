"""`lakehouse where`: the address of a published table, and how other engines read it."""

from textwrap import indent
from typing import Annotated

import typer

from lakehouse_pipeline.cli.output import JsonOption, console, print_json
from lakehouse_pipeline.lake.contract_store import ContractStore
from lakehouse_pipeline.lake.snippets import snippets
from lakehouse_pipeline.lake.tables import Tables
from lakehouse_pipeline.names import Layer
from lakehouse_pipeline.settings import Settings


def where(
    dataset: Annotated[str, typer.Argument(help="The dataset.")],
    engine: Annotated[str | None, typer.Option(help="Only the code for this engine.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Show the Delta table of a dataset's published data, and how to read it elsewhere.

    Engines: polars, pandas, duckdb-python, duckdb, spark, trino.
    """
    settings = Settings()
    ContractStore(settings.contracts).require(dataset)
    tables = Tables(settings.lake)
    address = tables.address(dataset, Layer.PUBLISHED)
    table = tables.open(dataset, Layer.PUBLISHED)
    version = None if table is None else table.version()
    found = [s for s in snippets(dataset, address) if engine in (None, s.engine)]
    if not found:
        known = ", ".join(s.engine for s in snippets(dataset, address))
        raise typer.BadParameter(f"'{engine}' is not known. Known: {known}")
    if as_json:
        print_json({"address": address, "version": version, "snippets": found})
    elif engine:
        typer.echo(found[0].code)
    else:
        state = "nothing is published yet" if version is None else f"version {version}"
        console.print(f"{address} (Delta Lake, {state})", markup=False)
        for snippet in found:
            console.print(f"\n{snippet.engine} ({snippet.needs})", style="bold", markup=False)
            typer.echo(indent(snippet.code, "    "))
