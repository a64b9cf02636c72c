"""`lakehouse contract export`: the contract in a format that others read."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from lakehouse_pipeline.cli.output import JsonOption, console, print_json
from lakehouse_pipeline.contracts.load import load_bytes, read_file
from lakehouse_pipeline.contracts.model import Contract
from lakehouse_pipeline.errors import UnwritableFileError
from lakehouse_pipeline.lake.contract_store import ContractStore
from lakehouse_pipeline.settings import Settings


class Format(StrEnum):
    """What a contract can be written as."""

    ODCS = "odcs"
    PANDERA = "pandera"
    JSON_SCHEMA = "json-schema"
    SQL_DDL = "sql-ddl"
    HTML = "html"


class Dialect(StrEnum):
    """The SQL of `sql-ddl`."""

    DUCKDB = "duckdb"
    POSTGRES = "postgres"
    SPARK = "spark"
    TRINO = "trino"


def export(
    source: Annotated[
        str, typer.Argument(metavar="DATASET|FILE", help="A dataset, or a contract's file.")
    ],
    form: Annotated[Format, typer.Option("--format", "-f", help="What to write.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="A file; standard output without it.")
    ] = None,
    dialect: Annotated[Dialect, typer.Option(help="The SQL of sql-ddl.")] = Dialect.DUCKDB,
    as_json: JsonOption = False,
) -> None:
    """Write the contract of what is published: as code, a schema, SQL, or a page for people."""
    settings = Settings()
    path = _path(source, settings)
    content = read_file(path)
    contract = load_bytes(content, str(path))
    text = content.decode("utf-8") if form is Format.ODCS else _written(contract, form, dialect)
    if output is not None:
        try:
            output.write_text(text, "utf-8")
        except OSError as error:
            raise UnwritableFileError(output, error.strerror or str(error)) from error
    if as_json:
        facts = {"dataset": contract.dataset, "version": contract.version, "format": form.value}
        print_json(facts | ({"file": str(output)} if output else {"text": text}))
    elif output is not None:
        console.print(f"{contract.dataset} {contract.version} as {form.value} in {output}")
    else:
        typer.echo(text, nl=False)


def _path(source: str, settings: Settings) -> Path:
    """Return the file of a contract; of a dataset the active one, or the one that was."""
    given = Path(source)
    if given.suffix in (".yaml", ".yml") or given.is_file():
        return given
    store = ContractStore(settings.contracts)
    former = store.life_cycle(source).former
    return Path((former.contract if former else store.active(source)).path)


def _written(contract: Contract, form: Format, dialect: Dialect) -> str:
    match form:
        case Format.PANDERA:
            from lakehouse_pipeline.contracts.check_modules import load_check_modules
            from lakehouse_pipeline.contracts.export.pandera_script import pandera_script

            load_check_modules(Settings().check_modules)
            return pandera_script(contract)
        case Format.JSON_SCHEMA:
            from lakehouse_pipeline.contracts.export.json_schema import json_schema

            return json_schema(contract)
        case Format.SQL_DDL:
            from lakehouse_pipeline.contracts.export.sql_ddl import sql_ddl

            return sql_ddl(contract, dialect.value)
        case _:
            from lakehouse_pipeline.contracts.export.html import html

            return html(contract)
