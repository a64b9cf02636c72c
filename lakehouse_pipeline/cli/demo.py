"""`lakehouse demo`: real files become governed tables while you watch."""

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from lakehouse_pipeline.cli.output import JsonOption, console, print_json
from lakehouse_pipeline.cli.tables import print_batches
from lakehouse_pipeline.contracts.counted import counted
from lakehouse_pipeline.demo import DemoDataset, write_demo
from lakehouse_pipeline.errors import LakehouseError
from lakehouse_pipeline.lake.bucket_folder import address
from lakehouse_pipeline.lake.contract_steps import Steps
from lakehouse_pipeline.lake.contract_store import ContractStore
from lakehouse_pipeline.lake.landing import Landing
from lakehouse_pipeline.orchestration.batches import BatchState, batch_states
from lakehouse_pipeline.orchestration.instance import open_instance
from lakehouse_pipeline.orchestration.parts import Stack
from lakehouse_pipeline.orchestration.processes import running
from lakehouse_pipeline.settings import Settings

GIVE_UP_SECONDS = 600.0
LOOK_SECONDS = 0.5
FINAL = ("published", "refused")
PRODUCER = "demo producer"
STEWARD = "demo steward"


class DemoStuckError(LakehouseError):
    """The demo's batches did not all finish in time."""

    exit_code = 1

    def __init__(self, unfinished: Sequence[str], folder: Path) -> None:
        super().__init__(
            f"after {GIVE_UP_SECONDS:.0f} seconds these batches are not finished: "
            f"{', '.join(unfinished) or 'none was found'}. The logs are in {folder}"
        )


def demo(as_json: JsonOption = False) -> None:
    """Register three datasets, drop their files, and show what the sensor made of them."""
    settings = Settings()
    with tempfile.TemporaryDirectory() as folder:
        with console.status("writing the sample files"):
            datasets = write_demo(Path(folder))
        _register(settings, datasets)
        with console.status("starting") as status, running(settings, status.update) as stack:
            status.stop()
            console.print(f"UI: {stack.shown_url}")
            states = _play(settings, stack, datasets)
    if as_json:
        print_json(states)
    else:
        print_batches(states)
        console.print(
            f"\nThe tables are in {address(settings.lake)}. Look around with: lakehouse up"
        )
    if any(state.state != "published" for state in states):
        raise typer.Exit(1)


def _register(settings: Settings, datasets: Sequence[DemoDataset]) -> None:
    """Register the contracts in the name of one person, and approve them in that of another."""
    store = ContractStore(settings.contracts)
    approving = Steps(store, STEWARD, "every personal column is dropped or made safe")
    for dataset in datasets:
        store.add(dataset.contract, PRODUCER, "lakehouse demo")
        waiting = store.life_cycle(dataset.name).waiting
        if waiting:
            approving.approve(dataset.name)
            console.print(
                f"{dataset.name} {waiting.name} ({waiting.contract.compliance}) by {PRODUCER} "
                f"is approved by {STEWARD}: {approving.why}"
            )


def _play(settings: Settings, stack: Stack, datasets: Sequence[DemoDataset]) -> list[BatchState]:
    """Drop the files and watch until every one is a finished batch."""
    landing = Landing(settings.landing)
    files = [(d.name, file) for d in datasets for file in d.files]
    for name, file in files:
        landing.place(name, file)
    console.print(f"dropped {counted(len(files), 'file')} into {address(settings.landing)}")
    deadline = time.monotonic() + GIVE_UP_SECONDS
    with open_instance(settings) as instance, _progress() as progress:
        task = progress.add_task("published or refused", total=len(files))
        while True:
            stack.check()
            states = [s for d in datasets for s in batch_states(instance, d.name)]
            finished = [state for state in states if state.state in FINAL]
            progress.update(task, completed=len(finished))
            if len(finished) >= len(files):
                return states
            if time.monotonic() > deadline:
                unfinished = [s.batch for s in states if s.state not in FINAL]
                raise DemoStuckError(unfinished, settings.dagster)
            time.sleep(LOOK_SECONDS)


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
    )
