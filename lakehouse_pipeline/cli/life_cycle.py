"""What the commands share that give a step in the life of a contract: options, and what follows."""

from collections.abc import Sequence
from typing import Annotated

import typer

from lakehouse_pipeline.cli.output import console, errors, print_json
from lakehouse_pipeline.cli.tables import print_batches
from lakehouse_pipeline.contracts.counted import counted
from lakehouse_pipeline.contracts.life_cycle import LifeCycle, Line, Step, next_command
from lakehouse_pipeline.lake.contract_steps import Given, Steps
from lakehouse_pipeline.lake.contract_store import ContractStore
from lakehouse_pipeline.orchestration.batches import BatchState, batch_states
from lakehouse_pipeline.orchestration.home_lock import running_url
from lakehouse_pipeline.orchestration.instance import open_instance
from lakehouse_pipeline.orchestration.life_cycle import report_life_cycle
from lakehouse_pipeline.orchestration.reload import ReloadError, reload_location
from lakehouse_pipeline.orchestration.runs import Runs
from lakehouse_pipeline.settings import Settings

DatasetArgument = Annotated[str, typer.Argument(help="The dataset.")]
VersionArgument = Annotated[str, typer.Argument(help="The version, as 1.0.0.")]
ByOption = Annotated[str, typer.Option("--by", help="Who says so; stays on record.")]
WhyOption = Annotated[str, typer.Option("--why", help="For what reason; stays on record.")]

_SILENT = (
    "This is on record, but the UI at {url} does not answer, so it may show it late. If it stays "
    "away, stop it and start it again: lakehouse up"
)


def steps(settings: Settings, by: str, why: str) -> Steps:
    """Return the steps that `by` may give. Raises: NamelessStepError: a text is empty."""
    return Steps(ContractStore(settings.contracts), by, why)


def follow(settings: Settings, dataset: str, given: Given, by: str, *, as_json: bool) -> None:
    """Tell the step, let batches go on that waited for it, and print what came of them.

    Raises: typer.Exit: a batch that waited is not published.
    """
    store = ContractStore(settings.contracts)
    states: list[BatchState] = []
    with open_instance(settings) as instance:
        report_life_cycle(instance, settings, [dataset])
        reload_ui(settings)
        with console.status(f"batches of {dataset} that waited"):
            released = Runs(instance, settings, by).release(store, dataset)
        if released:
            states = batch_states(instance, dataset, released)
    if as_json:
        print_json({"steps": given.lines, "breaking": given.breaking, "batches": states})
    else:
        _print(dataset, given, store.life_cycle(dataset))
        if states:
            print_batches(states, f"{dataset}: {counted(len(states), 'batch')} waited in raw")
    if any(state.state != "published" for state in states):
        raise typer.Exit(1)


def reload_ui(settings: Settings) -> None:
    """Make a running UI read the contracts again; what keeps it from that is only told.

    What was decided is on record by then, and has to be followed whatever became of the UI.
    """
    url = running_url(settings)
    if url is None:
        return
    try:
        reload_location(url)
    except ReloadError as error:
        errors.print(str(error), style="yellow", markup=False)
    except OSError:
        errors.print(_SILENT.format(url=url), style="yellow", markup=False)


def _print(dataset: str, given: Given, life: LifeCycle) -> None:
    for line in given.lines:
        console.print(f"{_said(dataset, line)} by {line.by}: {line.why}", markup=False)
    for sentence in given.tables:
        console.print(sentence, markup=False)
    if given.lines[-1].step is Step.APPROVED and given.lines[-1].version:
        print_next(next_command(life, given.lines[-1].version), given.breaking)


def print_next(command: str, breaking: Sequence[str]) -> None:
    """Say what a version waits for: the command, and the promises it would break."""
    for broken in breaking:
        console.print(f"not active yet, it breaks a promise: {broken}", markup=False)
    said = "If that is meant" if breaking else "It is not active yet"
    console.print(f"{said}: {command}", markup=False)


def _said(dataset: str, line: Line) -> str:
    if line.version is not None:
        return f"{dataset} {line.version} is {line.step}"
    if line.step is Step.ACTIVATED:
        return f"{dataset} takes files again, activated"
    return f"{dataset} takes no new files; what is published stays. It is deprecated"
