"""`lakehouse contract show`: a version as it was registered, and all that happened to it."""

from pathlib import Path
from typing import Annotated

import typer

from lakehouse_pipeline.cli.life_cycle import DatasetArgument
from lakehouse_pipeline.cli.output import JsonOption, console, print_json, print_table
from lakehouse_pipeline.errors import UnregisteredVersionError
from lakehouse_pipeline.lake.contract_store import ContractStore
from lakehouse_pipeline.settings import Settings

COLUMNS = ("at", "step", "by", "why")


def show(
    dataset: DatasetArgument,
    version: Annotated[
        str | None, typer.Argument(help="The version; the active one without it.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Show a version's file, its state, and who gave which step, when and why."""
    store = ContractStore(Settings().contracts)
    life = store.life_cycle(dataset)
    name = store.shown(dataset).version if version is None else version
    if name not in life.versions:
        raise UnregisteredVersionError(dataset, name, life.versions)
    found = life.versions[name]
    text = Path(found.contract.path).read_text("utf-8")
    history = [
        line
        for line in store.ledger(dataset)
        if line.version is None or (line.version, line.sha256) == (name, found.contract.sha256)
    ]
    if as_json:
        facts = {"dataset": dataset, "version": name, "state": found.state}
        print_json({**facts, "history": history, "contract": text})
        return
    console.print(f"{dataset} {name} is {found.state}; {found.contract.path}", markup=False)
    print_table(COLUMNS, ([getattr(line, column) for column in COLUMNS] for line in history))
    typer.echo(text)
