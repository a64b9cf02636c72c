"""`lakehouse replay`: make the layers of batches again."""

from typing import Annotated

import typer

from lakehouse_pipeline.cli.output import JsonOption, actor, console, print_json
from lakehouse_pipeline.cli.tables import print_batches
from lakehouse_pipeline.lake.contract_store import ContractStore
from lakehouse_pipeline.names import Layer
from lakehouse_pipeline.orchestration.batches import batch_states
from lakehouse_pipeline.orchestration.instance import open_instance
from lakehouse_pipeline.orchestration.runs import Runs
from lakehouse_pipeline.settings import Settings


def replay(
    dataset: Annotated[str, typer.Argument(help="The dataset.")],
    batch: Annotated[list[str] | None, typer.Option(help="A batch; all without it.")] = None,
    from_layer: Annotated[
        Layer | None, typer.Option("--from", help="The first layer to make again.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Judge batches again under the contract as it is now, and publish what passes.

    Starts from what raw holds; --from raw reads the landing files again. The layers as they were
    stay readable by time travel.
    """
    settings = Settings()
    contract = ContractStore(settings.contracts).active(dataset)
    with open_instance(settings) as instance:
        with console.status(f"replaying {dataset}"):
            done = Runs(instance, settings, actor()).replay(contract, batch or [], from_layer)
        states = batch_states(instance, dataset, done)
    if as_json:
        print_json(states)
    else:
        print_batches(states)
    if any(state.state != "published" for state in states):
        raise typer.Exit(1)
