"""An erasure that kills itself with SIGKILL at a chosen moment.

`python -m lakehouse_pipeline_tests.e2e.killed_erasure HOME MOMENT`. A moment is `found` (the
records are written down, nothing has gone), `raw` or `published` (the commit of that table is
there, its older files too), `rewritten` (the landing file's new content is known, the old file
stands) or `events` (everything is gone, no event says so); at `never` it ends by itself. In a
bucket also `deleted` (the objects are gone, their copies on this machine are not) and `uploaded`
(the landing object is the new one, the copy the old one).
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lakehouse_pipeline.lake.erased_records import ErasedRecords
from lakehouse_pipeline.lake.objects import Objects
from lakehouse_pipeline.names import Layer
from lakehouse_pipeline.orchestration.erasure import ErasureDesk
from lakehouse_pipeline.pipeline import erase as erase_module
from lakehouse_pipeline_tests.e2e.killed import die, die_when_committed
from lakehouse_pipeline_tests.erasures import erase
from lakehouse_pipeline_tests.homes import open_home

MOMENTS = ("found", "raw", "published", "rewritten", "events")
BUCKET_MOMENTS = ("found", "raw", "deleted", "rewritten", "uploaded")


def dying_after(method: Callable[..., Any]) -> Callable[..., None]:
    """Return a method that does what it did and then ends this process."""

    def dying(*given: Any, **named: Any) -> None:  # noqa: ANN401 - what the method takes
        method(*given, **named)
        die()

    return dying


def arm(moment: str, patch: pytest.MonkeyPatch) -> None:
    """Make this process die at the moment."""
    match moment:
        case "never":
            pass
        case "found":
            patch.setattr(ErasedRecords, "add", dying_after(ErasedRecords.add))
        case "rewritten":
            patch.setattr(ErasedRecords, "add_content", dying_after(ErasedRecords.add_content))
        case "deleted":
            patch.setattr(erase_module, "forget_copies", lambda *_: die())
        case "uploaded":
            patch.setattr(Objects, "upload_over", dying_after(Objects.upload_over))
        case "events":
            patch.setattr(ErasureDesk, "_say_erased", lambda *_: die())
        case layer:
            die_when_committed(Layer(layer))


def die_at(moment: str, folder: Path) -> None:
    """Erase from a home and die in the middle of it."""
    with open_home(folder) as home, pytest.MonkeyPatch.context() as patch:
        arm(moment, patch)
        erase(home)


def main() -> None:
    """Erase from the home of the arguments."""
    die_at(sys.argv[2], Path(sys.argv[1]))


if __name__ == "__main__":
    main()
