"""`lakehouse retain`: take out what the contracts no longer keep."""

import math
import time
from collections.abc import Iterable
from typing import Annotated

import typer

from lakehouse_pipeline.cli.output import JsonOption, actor, console, print_json, print_table
from lakehouse_pipeline.contracts.counted import counted
from lakehouse_pipeline.orchestration.instance import open_instance
from lakehouse_pipeline.orchestration.retention import (
    Gone,
    apply_retention,
    contracts_that_expire,
    overdue_records,
)
from lakehouse_pipeline.pipeline.expired_tokens import Forgotten
from lakehouse_pipeline.pipeline.retention import Removal
from lakehouse_pipeline.settings import Settings

COLUMNS = ("dataset", "batch", "layer", "age", "days", "records", "bytes")


def retain(
    dataset: Annotated[str | None, typer.Argument(help="A dataset; all without it.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would leave, and change nothing.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Take batches out of the layers whose days, as their contract gives them, have passed.

    Their files are deleted for good: a table as it was before can no longer show these batches.
    Values that no record has any longer leave the vault of `tokenize`.
    The schedule `retention` does the same every night.
    """
    settings, now = Settings(), time.time()
    with open_instance(settings) as instance:
        gone: list[Gone] = []
        for contract in contracts_that_expire(settings, dataset):
            if dry_run:
                gone += overdue_records(instance, settings, contract, now)
            else:
                found = apply_retention(instance, settings, contract, now, actor())
                gone += _seen(found, contract.dataset)
    if as_json:
        print_json(gone)
        return
    print_table(COLUMNS, map(_row, gone))
    removals = [one for one in gone if isinstance(one, Removal)]
    batches = len({(one.dataset, one.batch) for one in removals})
    what = f"{counted(batches, 'batch')}, {counted(sum(r.bytes for r in removals), 'byte')}"
    console.print(f"would go: {what}; nothing was changed" if dry_run else f"gone: {what}")


def _row(gone: Gone) -> tuple[object, ...]:
    if isinstance(gone, Forgotten):
        return (gone.dataset, None, gone.layer, None, None, gone.values, None)
    days = (shown_days(gone.age_days), shown_days(gone.days))
    return (gone.dataset, gone.batch, gone.layer, *days, gone.records, gone.bytes)


def shown_days(days: float) -> str:
    """Return days with one decimal, below one with as many as show two digits."""
    if not 0 < days < 1:
        return f"{days:,.1f}"
    return f"{days:.{1 - math.floor(math.log10(days))}f}".rstrip("0")


def _seen(removals: Iterable[Gone], dataset: str) -> list[Gone]:
    """Return what leaves, each shown on a terminal while the next one is on its way."""
    found = []
    with console.status(f"{dataset}: looking for what is no longer kept") as status:
        for removal in removals:
            found.append(removal)
            status.update(f"{dataset}: {len(found):,}: {removal}")
    return found
