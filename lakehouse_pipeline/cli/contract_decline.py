"""`lakehouse contract decline`: say no to a contract that waits for approval."""

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


def decline(
    dataset: DatasetArgument,
    by: ByOption,
    why: WhyOption,
    version: Annotated[
        str | None, typer.Argument(help="The version; the newest that waits without it.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Decline a contract: this version never becomes active; a corrected one needs a new number."""
    settings = Settings()
    given = steps(settings, by, why).decline(dataset, version)
    follow(settings, dataset, given, by, as_json=as_json)
