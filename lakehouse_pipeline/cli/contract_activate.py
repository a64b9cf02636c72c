"""`lakehouse contract activate`: the version that batches are processed under from now on."""

from typing import Annotated

import typer

from lakehouse_pipeline.cli.life_cycle import (
    ByOption,
    DatasetArgument,
    WhyOption,
    follow,
    steps,
)
from lakehouse_pipeline.cli.output import JsonOption
from lakehouse_pipeline.settings import Settings


def activate(
    dataset: DatasetArgument,
    by: ByOption,
    why: WhyOption,
    version: Annotated[
        str | None,
        typer.Argument(
            help="The version. Without it: a deprecated dataset takes files again, or the newest "
            "version that is ready becomes active."
        ),
    ] = None,
    *,
    breaking: Annotated[
        bool, typer.Option("--breaking", help="Also when it breaks what was promised.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Make a version the active one; the one before it is then deprecated.

    Batches that were taken before stay as they are until they are replayed.
    """
    settings = Settings()
    given = steps(settings, by, why).activate(dataset, version, breaking=breaking)
    follow(settings, dataset, given, by, as_json=as_json)
