"""`lakehouse contract retire`: a version that is never to be used again."""

from lakehouse_pipeline.cli.life_cycle import (
    ByOption,
    DatasetArgument,
    VersionArgument,
    WhyOption,
    follow,
    steps,
)
from lakehouse_pipeline.cli.output import JsonOption
from lakehouse_pipeline.settings import Settings


def retire(
    dataset: DatasetArgument,
    version: VersionArgument,
    by: ByOption,
    why: WhyOption,
    as_json: JsonOption = False,
) -> None:
    """Retire a version that is not active; nothing brings it back."""
    settings = Settings()
    given = steps(settings, by, why).retire(dataset, version)
    follow(settings, dataset, given, by, as_json=as_json)
