"""`lakehouse verify`: the invariants, over what is on disk."""

from typing import Annotated

import typer

from lakehouse_pipeline.cli.output import JsonOption, console, print_json, print_table
from lakehouse_pipeline.contracts.counted import counted
from lakehouse_pipeline.orchestration.instance import open_instance
from lakehouse_pipeline.orchestration.verification import verify_home
from lakehouse_pipeline.settings import Settings


def verify(
    dataset: Annotated[str | None, typer.Argument(help="A dataset; all without it.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Check that every record is accounted for and published whole; exit 1 when one is not."""
    settings = Settings()
    with open_instance(settings) as instance, console.status("verifying"):
        report = verify_home(instance, settings, dataset)
    if as_json:
        print_json(report)
    elif report.violations:
        rows = [(v.dataset, v.batch, v.invariant, v.message) for v in report.violations]
        print_table(("dataset", "batch", "invariant", "violation"), rows)
    if not as_json:
        console.print(
            f"{counted(report.batches, 'batch')}, {counted(report.records, 'record')}, "
            f"{counted(len(report.violations), 'violation')}"
        )
    if report.violations:
        raise typer.Exit(1)
