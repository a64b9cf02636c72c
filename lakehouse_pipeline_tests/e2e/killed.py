"""Processes that kill themselves with SIGKILL at a chosen moment of a real run.

`python -m lakehouse_pipeline_tests.e2e.killed FOLDER MOMENT…` makes a home `FOLDER/MOMENT` for
each, with one published batch and a second file whose run is killed; or the first batch's replay,
where the moment begins with `replay`, or the release of one of its records (`release`). A moment is
`[replay-]LAYER-moved` (its files stand in the table's folder, the commit is missing) or
`[replay-]LAYER-committed` (the commit is there, the event is not).
"""

import os
import shutil
import signal
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from deltalake.transaction import AddAction

from lakehouse_pipeline.lake.contract_store import ContractStore
from lakehouse_pipeline.lake.tables import Staged, Tables
from lakehouse_pipeline.names import Layer
from lakehouse_pipeline.orchestration.quarantine import Desk
from lakehouse_pipeline.orchestration.runs import Runs
from lakehouse_pipeline_tests.homes import (
    AMOUNT,
    DATASET,
    Home,
    add_contract,
    contract_text,
    open_home,
    rows,
)

FIRST = rows(30, broken=3)
TEMPLATE = "template"
SECOND = rows(200, broken=20, first=31)
LENIENT = contract_text("1.1.0", amount=AMOUNT.replace("minimum: 0", "minimum: -5"))


def die() -> None:
    """End this process at once, as `kill -9` does."""
    os.kill(os.getpid(), signal.SIGKILL)


def die_when_moved(layer: Layer) -> None:
    """Make this process die when the first file of `layer` stands in the table's folder."""
    moved: Callable[..., AddAction] = Tables._moved

    def dying(self: Tables, dataset: str, written: Layer, *rest: Any) -> AddAction:  # noqa: ANN401
        action = moved(self, dataset, written, *rest)
        if written is layer:
            die()
        return action

    pytest.MonkeyPatch().setattr(Tables, "_moved", dying)


def die_when_committed(layer: Layer) -> None:
    """Make this process die right after the commit of `layer`."""
    replace = Tables.replace

    def dying(
        self: Tables, dataset: str, written: Layer, batches: Sequence[str], staged: Staged
    ) -> int:
        version = replace(self, dataset, written, batches, staged)
        if written is layer:
            die()
        return version

    pytest.MonkeyPatch().setattr(Tables, "replace", dying)


def ingest(home: Home, name: str, text: str) -> None:
    """Take a file in, as `lakehouse ingest` does."""
    file = home.settings.home / name
    file.write_text(text)
    runs = Runs(home.instance, home.settings, "ada")
    contract = ContractStore(home.settings.contracts).active(DATASET)
    runs.materialize(contract, runs.take(DATASET, [file]).new, tuple(Layer))


def release(home: Home, record: int) -> None:
    """Let a record of the first batch pass, as `lakehouse quarantine release` does."""
    contract = ContractStore(home.settings.contracts).active(DATASET)
    (batch,) = home.instance.get_dynamic_partitions(DATASET)
    Desk(home.instance, home.settings, contract, batch, "sam", "a test").release_records([record])


def prepare(folder: Path) -> None:
    """Make the home that every moment begins with a copy of."""
    with open_home(folder / TEMPLATE) as home:
        ingest(home, "first.csv", FIRST)


def act(folder: Path, moment: str) -> None:
    """Work in a copy of the home and die at the moment."""
    *_, layer, when = moment.split("-")
    shutil.copytree(folder / TEMPLATE, folder / moment)
    with open_home(folder / moment) as home:
        {"moved": die_when_moved, "committed": die_when_committed}[when](Layer(layer))
        if moment.startswith("release"):
            release(home, 28)
        elif not moment.startswith("replay"):
            ingest(home, "second.csv", SECOND)
        else:
            add_contract(home.settings, LENIENT)
            contract = ContractStore(home.settings.contracts).active(DATASET)
            Runs(home.instance, home.settings, "ada").replay(contract, [], Layer.RAW)


def main() -> None:
    """Play every moment, each in a process of its own, and print how it ended."""
    folder, moments = Path(sys.argv[1]), sys.argv[2:]
    in_a_child(lambda: prepare(folder))
    for moment in moments:
        signal_number = in_a_child(partial(act, folder, moment))
        sys.stdout.write(f"{moment} {signal_number}\n")


def in_a_child(work: Callable[[], None]) -> int:
    """Do `work` in a process of its own; return the signal that ended it, 0 without one."""
    child = os.fork()
    if child == 0:
        work()
        os._exit(0)
    return -os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


if __name__ == "__main__":
    main()
