"""`lakehouse batches`: the batches of a dataset, oldest first."""

from typing import Annotated

import typer

from lakehouse_pipeline.cli.output import JsonOption, print_json
from lakehouse_pipeline.cli.tables import print_batches
from lakehouse_pipeline.contracts.counted import counted
from lakehouse_pipeline.lake.contract_store import ContractStore
from lakehouse_pipeline.orchestration.batches import batch_states
from lakehouse_pipeline.orchestration.instance import open_instance
from lakehouse_pipeline.settings import Settings


def batches(
    dataset: Annotated[str, typer.Argument(help="The dataset.")], as_json: JsonOption = False
) -> None:
    """Show every batch of a dataset: state, counts, and why a batch was refused."""
    settings = Settings()
    ContractStore(settings.contracts).require(dataset)
    with open_instance(settings) as instance:
        states = batch_states(instance, dataset)
    if as_json:
        print_json(states)
    else:
        print_batches(states, f"{dataset}: {counted(len(states), 'batch')}")
