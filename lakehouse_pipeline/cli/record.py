"""`lakehouse record`: everything that is known of one record."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from lakehouse_pipeline.cli.output import JsonOption, console, print_json, print_table
from lakehouse_pipeline.lake.contract_store import ContractStore
from lakehouse_pipeline.orchestration.history import judgements_of
from lakehouse_pipeline.orchestration.instance import open_instance
from lakehouse_pipeline.pipeline.history import RecordHistory, record_history
from lakehouse_pipeline.pipeline.lake import open_lake
from lakehouse_pipeline.settings import Settings


def record(
    dataset: Annotated[str, typer.Argument(help="The dataset.")],
    batch: Annotated[str, typer.Argument(help="The batch.")],
    number: Annotated[int, typer.Argument(min=1, help="The record, from 1 after the header.")],
    as_json: JsonOption = False,
) -> None:
    """Show a record as it was delivered, every judgement, who changed what, and where it is now."""
    settings = Settings()
    contract = ContractStore(settings.contracts).shown(dataset)
    with open_instance(settings) as instance:
        judgements = judgements_of(instance, dataset, batch)
    with open_lake(settings.home, settings.memory_limit, settings.threads, settings.place) as lake:
        history = record_history(lake, contract, batch, number, judgements)
    if as_json:
        print_json(history)
    else:
        _print(history)


def _print(history: RecordHistory) -> None:
    title = f"{history.batch}, record {history.record}, as delivered"
    if history.text is None:
        print_table(("column", "value"), history.delivered.items(), title)
    else:
        console.print(f"{title}: {history.text}", markup=False)
    print_table(
        ("when", "what", "by", "why"),
        [(_local(step.at), step.what, step.by, step.why) for step in history.steps],
    )
    released = ", released" if history.released else ""
    console.print(f"now in: {', '.join(history.layers)}{released}")


def _local(moment: datetime) -> str:
    return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")
