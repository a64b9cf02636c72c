"""A rollback, or an application, that kills itself with SIGKILL at a chosen moment.

`python -m lakehouse_pipeline_tests.e2e.killed_rollback HOME ID MOMENT`. A moment is `noted` (the
names of the copies are written down, nothing is committed), `anonymized` or `published` (the
commit of that table is there), `told` (the events are there, the last step is not written down) or
`untold` (it is, and no event says so). `applying` dies when anonymized is made anew.
"""

import sys
from pathlib import Path

import pytest

from lakehouse_pipeline.lake.anonymizations import Anonymization, Anonymizations, Stage
from lakehouse_pipeline.names import Layer
from lakehouse_pipeline.orchestration.anonymization import AnonymizationDesk
from lakehouse_pipeline.orchestration.anonymization_rollback import RollbackDesk
from lakehouse_pipeline_tests.anonymizations import MAKER, desk, rolled_back
from lakehouse_pipeline_tests.e2e.killed import die, die_when_committed
from lakehouse_pipeline_tests.e2e.killed_erasure import dying_after
from lakehouse_pipeline_tests.homes import DATASET, open_home

MOMENTS = ("noted", "anonymized", "published", "told", "untold")


def dying_when_done(_: AnonymizationDesk, one: Anonymization) -> Anonymization:
    """End this process instead of telling the last step."""
    if one.stage is Stage.ROLLED_BACK:
        die()
    return one


def arm(moment: str, patch: pytest.MonkeyPatch) -> None:
    """Make this process die at the moment."""
    match moment:
        case "noted":
            patch.setattr(Anonymizations, "write", dying_after(Anonymizations.write))
        case "told":
            patch.setattr(RollbackDesk, "_say", dying_after(RollbackDesk._say))
        case "untold":
            patch.setattr(AnonymizationDesk, "tell", dying_when_done)
        case "applying":
            die_when_committed(Layer.ANONYMIZED)
        case layer:
            die_when_committed(Layer(layer))


def main() -> None:
    """Roll back in a home, or apply, and die in the middle of it."""
    with open_home(Path(sys.argv[1])) as home, pytest.MonkeyPatch.context() as patch:
        arm(sys.argv[3], patch)
        if sys.argv[3] == "applying":
            desk(home).apply(DATASET, sys.argv[2], MAKER)
        else:
            rolled_back(home, sys.argv[2])


if __name__ == "__main__":
    main()
