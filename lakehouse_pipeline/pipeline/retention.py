"""Batches that have been kept for as long as their contract says leave their layers.

In each table one commit takes them out, then their files are deleted for good; a run that was
killed in between left files of batches that no commit names, and the next run deletes those. When
a batch's time is up is decided in `contracts/retention.py`.
"""

from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from lakehouse_pipeline.contracts.model import Contract
from lakehouse_pipeline.contracts.retention import Expiry, expiries
from lakehouse_pipeline.lake.batch_files import (
    batch_files,
    batches_with_files,
    delete_for_good,
    records_by_batch,
)
from lakehouse_pipeline.lake.export_files import EXPORTS, without_exports
from lakehouse_pipeline.lake.landing import Landing, LandingFile
from lakehouse_pipeline.lake.tables import Tables
from lakehouse_pipeline.names import LANDING, Input, Layer, Stored

TABLES: Mapping[str, tuple[Stored, ...]] = {
    **{layer: (layer,) for layer in Layer},
    Layer.RAW: (*Input, Layer.RAW),
}
"""The tables that a batch leaves when its time in a layer is up, in this order.

What people added to a batch (corrections, releases) goes when raw goes.
"""


@dataclass(frozen=True, slots=True)
class Arrivals:
    """What the event stream says of a dataset's batches.

    `times`: when each first arrived, in seconds since 1970 UTC. `copies`: the names of files that
    had the content of a batch and were therefore not read, by batch.
    """

    times: Mapping[str, float]
    copies: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Removal:
    """A batch that leaves `layer`: the name of a table, or landing.

    `records` are those of the table's newest version: 0 where only files were left, None for
    landing. `files` and `bytes` count the files of older versions too.
    """

    dataset: str
    batch: str
    layer: str
    age_days: float
    days: float
    records: int | None
    files: int
    bytes: int

    def __str__(self) -> str:
        return f"{self.batch} leaves {self.layer}"


_Leaving = tuple[Stored | None, dict[Removal, list[LandingFile]]]
"""What leaves a table (None: landing, with the files that go), in one commit."""


def overdue(
    tables: Tables, landing: Landing, contract: Contract, arrivals: Arrivals, now: float
) -> list[Removal]:
    """Return what is to leave by now, in the order in which it does; changes nothing."""
    groups = _groups(tables, landing, contract, arrivals, now)
    return [removal for _, removals in groups for removal in removals]


def retain(  # noqa: PLR0913 - where everything is, whose, and when
    tables: Tables,
    landing: Landing,
    contract: Contract,
    arrivals: Arrivals,
    now: float,
    *,
    exports: Path | None = None,
) -> Generator[Removal, None, None]:
    """Take out what has been kept long enough; yield each removal before its files are deleted.

    `exports` is the folder of all exports, None for the one beside the tables.
    Holds the dataset's lock throughout. Who reads the removals puts them on record: one that was
    yielded and whose files were not deleted, because the process died, is yielded again next time.
    """
    with tables.lock(contract.dataset):
        for table, removals in _groups(tables, landing, contract, arrivals, now):
            batches = [removal.batch for removal in removals]
            if table is not None:
                tables.remove(contract.dataset, table, batches)
            yield from removals
            if table is not None:
                _delete(tables, contract.dataset, table, batches, exports)
            for file in (file for files in removals.values() for file in files):
                file.delete()


def _delete(
    tables: Tables, dataset: str, table: Stored, batches: list[str], exports: Path | None
) -> None:
    """Delete the files of batches for good, and with published every export it was made into."""
    path = tables.path(dataset, table)
    if table != Layer.PUBLISHED:
        delete_for_good(path, batches)
        return
    with without_exports(exports or tables.root.parent / EXPORTS, dataset):
        delete_for_good(path, batches)


def _groups(
    tables: Tables, landing: Landing, contract: Contract, arrivals: Arrivals, now: float
) -> Iterator[_Leaving]:
    due = expiries(contract, arrivals.times, now)
    for layer, group in groupby(due, lambda expiry: expiry.layer):
        expired = {expiry.batch: expiry for expiry in group}
        if layer == LANDING:
            yield None, _in_landing(landing, contract.dataset, expired, arrivals)
            continue
        for table in TABLES[layer]:
            found: dict[Removal, list[LandingFile]] = {
                one: [] for one in _in_table(tables, contract.dataset, table, expired)
            }
            if found:
                yield table, found


def _in_table(
    tables: Tables, dataset: str, table: Stored, expired: Mapping[str, Expiry]
) -> Iterator[Removal]:
    """Yield what the batches have in a table: records, or files that a killed run left."""
    records = records_by_batch(tables.open(dataset, table))
    path = tables.path(dataset, table)
    held = records.keys() | batches_with_files(path)
    for expiry in (expiry for batch, expiry in expired.items() if batch in held):
        on_disk = _OnDisk(records.get(expiry.batch, 0), *batch_files(path, expiry.batch))
        yield _removal(dataset, expiry, table, on_disk)


def _in_landing(
    landing: Landing, dataset: str, expired: Mapping[str, Expiry], arrivals: Arrivals
) -> dict[Removal, list[LandingFile]]:
    """Return what the batches have in landing: their own files, and copies of their content."""
    copies = {batch: arrivals.copies.get(batch, ()) for batch in expired}
    found = {}
    for batch, files in landing.holding(dataset, copies).items():
        on_disk = _OnDisk(None, len(files), sum(file.size for file in files))
        found[_removal(dataset, expired[batch], LANDING, on_disk)] = files
    return found


class _OnDisk(NamedTuple):
    """What a batch has in a table, or in landing."""

    records: int | None
    files: int
    bytes: int


def _removal(dataset: str, expiry: Expiry, layer: str, on_disk: _OnDisk) -> Removal:
    age = round(expiry.age_days, 6)  # a tenth of a second
    return Removal(dataset, expiry.batch, str(layer), age, expiry.days, *on_disk)
