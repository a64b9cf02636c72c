"""Retention that kills itself with SIGKILL at a chosen moment.

`python -m lakehouse_pipeline_tests.e2e.killed_retention HOME MOMENT`: the contract of HOME keeps
nothing. A moment is `committed` (published has lost its batches, no event says so), `recorded`
(the events are there, the files too) or `deleted` (the files of the first batch are gone).
"""

import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from lakehouse_pipeline.lake.batch_files import delete_for_good
from lakehouse_pipeline.lake.contract_store import ContractStore
from lakehouse_pipeline.lake.tables import Tables
from lakehouse_pipeline.names import Layer
from lakehouse_pipeline.orchestration.retention import apply_retention
from lakehouse_pipeline.pipeline import retention
from lakehouse_pipeline_tests.e2e.killed import die
from lakehouse_pipeline_tests.homes import DATASET, open_home

MOMENTS = ("committed", "recorded", "deleted")


def arm(moment: str, patch: pytest.MonkeyPatch) -> None:
    """Make this process die at the moment."""
    remove = Tables.remove

    def committed(self: Tables, dataset: str, layer: Layer, batches: Sequence[str]) -> None:
        remove(self, dataset, layer, batches)
        die()

    def deleted(table: Path, batches: list[str]) -> None:
        delete_for_good(table, batches[:1])
        die()

    if moment == "committed":
        patch.setattr(Tables, "remove", committed)
    elif moment == "recorded":
        patch.setattr(retention, "delete_for_good", lambda *_: die())
    else:
        patch.setattr(retention, "delete_for_good", deleted)


def main() -> None:
    """Apply the retention of a home and die in the middle of it."""
    with open_home(Path(sys.argv[1])) as home, pytest.MonkeyPatch.context() as patch:
        arm(sys.argv[2], patch)
        contract = ContractStore(home.settings.contracts).active(DATASET)
        list(apply_retention(home.instance, home.settings, contract, time.time(), "ada"))


if __name__ == "__main__":
    main()
