"""`lakehouse contract deprecate`: a version, or the dataset as a whole, is on its way out."""

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


def deprecate(
    dataset: DatasetArgument,
    by: ByOption,
    why: WhyOption,
    version: Annotated[
        str | None, typer.Argument(help="The version; the dataset as a whole without it.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Deprecate a version, or a dataset: it takes no new files, what is published stays readable.

    Undo it with: lakehouse contract activate
    """
    settings = Settings()
    given = steps(settings, by, why).deprecate(dataset, version)
    follow(settings, dataset, given, by, as_json=as_json)
