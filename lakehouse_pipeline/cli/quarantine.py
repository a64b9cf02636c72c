"""`lakehouse quarantine`: the records set aside, with every reason, and their way back."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from lakehouse_pipeline.cli import quarantine_back
from lakehouse_pipeline.cli.output import JsonOption, console, print_json, print_table
from lakehouse_pipeline.contracts.counted import counted
from lakehouse_pipeline.errors import UnwritableFileError
from lakehouse_pipeline.lake.contract_store import ContractStore
from lakehouse_pipeline.lake.engine import engine
from lakehouse_pipeline.lake.quarantine import (
    Report,
    quarantined_counts,
    quarantined_records,
    write_report,
)
from lakehouse_pipeline.lake.tables import Tables
from lakehouse_pipeline.layers.sentences import Language, sentences
from lakehouse_pipeline.orchestration.batches import require_batches
from lakehouse_pipeline.orchestration.instance import open_instance
from lakehouse_pipeline.settings import Settings

app = typer.Typer(help="The records set aside, and their way back.", no_args_is_help=True)
app.command()(quarantine_back.correct)
app.command()(quarantine_back.release)
app.command()(quarantine_back.hold)

DatasetArgument = Annotated[str, typer.Argument(help="The dataset.")]
BatchOption = Annotated[list[str] | None, typer.Option("--batch", help="A batch; all without.")]


@app.command()
def show(
    dataset: DatasetArgument,
    batch: BatchOption = None,
    limit: Annotated[int, typer.Option(min=1, help="How many records to show.")] = 20,
    as_json: JsonOption = False,
) -> None:
    """Show how many records broke each rule, and the first records with their reasons."""
    settings = Settings()
    contract = ContractStore(settings.contracts).shown(dataset)
    _require(settings, dataset, batch)
    with engine(settings.home / "tmp", settings.memory_limit) as connection:
        tables = Tables(settings.lake)
        counts = quarantined_counts(connection, tables, dataset, batch)
        records = quarantined_records(connection, tables, contract, batch, limit)
    if as_json:
        print_json({"rules": counts, "records": records})
        return
    print_table(("rule", "count"), counts.items(), f"{dataset}: records per broken rule")
    rows = [
        (r["batch"], r["record"], reason["rule"], reason["value"], reason["message"])
        for r in records
        for reason in r["reasons"]
    ]
    if rows:
        print_table(("batch", "record", "rule", "value", "expected"), rows)


@app.command()
def export(
    dataset: DatasetArgument,
    batch: BatchOption = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="A CSV file; standard output without it.")
    ] = None,
    lang: Annotated[Language, typer.Option(help="The language of the reasons: en or de.")] = "en",
    as_json: JsonOption = False,
) -> None:
    """Write the quarantined records as CSV for who delivered them: why, then their own values.

    Corrected, the file comes back with: lakehouse quarantine correct DATASET BATCH FILE
    """
    settings = Settings()
    contract = ContractStore(settings.contracts).shown(dataset)
    _require(settings, dataset, batch)
    if output:
        _writable(output)
    tables, temporary = Tables(settings.lake), settings.home / "tmp"
    wanted = Report(contract, batch, sentences(contract, lang))
    with engine(temporary, settings.memory_limit) as connection:
        if output:
            count = write_report(connection, tables, wanted, output)
        elif as_json:
            print_json(quarantined_records(connection, tables, contract, batch, limit=None))
        else:
            with TemporaryDirectory(dir=temporary) as folder:
                report = Path(folder) / "report.csv"
                write_report(connection, tables, wanted, report)
                typer.echo(report.read_bytes(), nl=False)
    if output and as_json:
        print_json({"records": count, "file": str(output)})
    elif output:
        console.print(f"{counted(count, 'record')} in {output}")


def _require(settings: Settings, dataset: str, batches: list[str] | None) -> None:
    """Raise: UnknownBatchError: a batch that was named is none of the dataset."""
    if batches:
        with open_instance(settings) as instance:
            require_batches(instance, dataset, batches)


def _writable(output: Path) -> None:
    try:
        output.open("ab").close()
    except OSError as error:
        raise UnwritableFileError(output, (error.strerror or str(error)).lower()) from error
