"""`lakehouse ingest`: files into a dataset, in this process, without the daemon."""

from pathlib import Path
from typing import Annotated

import typer

from lakehouse_pipeline.cli.output import JsonOption, actor, console, print_json
from lakehouse_pipeline.cli.tables import print_batches
from lakehouse_pipeline.contracts.counted import counted
from lakehouse_pipeline.lake.contract_store import ContractStore
from lakehouse_pipeline.names import Layer
from lakehouse_pipeline.orchestration.batches import batch_states
from lakehouse_pipeline.orchestration.instance import open_instance
from lakehouse_pipeline.orchestration.runs import Runs
from lakehouse_pipeline.settings import Settings


def ingest(
    files: Annotated[list[Path], typer.Argument(help="CSV files, plain, .gz or .zst.")],
    dataset: Annotated[str, typer.Option("--dataset", "-d", help="The dataset they belong to.")],
    as_json: JsonOption = False,
) -> None:
    """Take CSV files into a dataset and show what became of each; exit 1 when one is refused.

    A batch that waits in raw for the approval of its contract is no fault of the data: exit 0.
    """
    settings = Settings()
    store = ContractStore(settings.contracts)
    contract = store.current(dataset).contract
    store.require_open(dataset)
    with open_instance(settings) as instance:
        runs = Runs(instance, settings, actor())
        taken = runs.take(dataset, files)
        if taken.new:
            with console.status(f"{counted(len(taken.new), 'batch')} of {dataset}"):
                runs.materialize(contract, taken.new, tuple(Layer))
        states = batch_states(instance, dataset, (*taken.new, *taken.known))
    if as_json:
        print_json({"batches": states, "known": taken.known})
    else:
        print_batches(states)
        for batch in taken.known:
            console.print(f"{batch}: this content was taken before; it was not read again")
    if any(state.state != "published" and not state.waits for state in states):
        raise typer.Exit(1)
