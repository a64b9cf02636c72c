"""`lakehouse contract approve`: let data past raw under a contract that somebody else wrote."""

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


def approve(
    dataset: DatasetArgument,
    by: ByOption,
    why: WhyOption,
    version: Annotated[
        str | None, typer.Argument(help="The version; the newest that waits without it.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Approve a contract that somebody else registered; batches that waited in raw go on.

    A version that asks to be active becomes so at once, unless it breaks what was promised.
    """
    settings = Settings()
    given = steps(settings, by, why).approve(dataset, version)
    follow(settings, dataset, given, by, as_json=as_json)
