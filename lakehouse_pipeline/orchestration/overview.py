"""Every dataset in one line: its contract, its batches, when it was published last."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import dagster as dg

from lakehouse_pipeline.contracts.freshness import lateness
from lakehouse_pipeline.lake.contract_store import ContractStore
from lakehouse_pipeline.names import Layer
from lakehouse_pipeline.orchestration.batches import active_datasets
from lakehouse_pipeline.orchestration.keys import asset_key


@dataclass(frozen=True, slots=True)
class Overview:
    """A dataset at a glance.

    `version` and `state` are those of the contract it is shown with, empty without a sound one;
    `closed` says that it takes no new files. `published_at` is in seconds since 1970 UTC, None when
    it never was. `late_seconds` is by how much the next publication is overdue, 0 when it is not,
    None without a promise.
    """

    dataset: str
    description: str
    version: str
    state: str
    closed: bool
    batches: int
    running: bool
    published_at: float | None
    late_seconds: float | None


def overviews(
    instance: dg.DagsterInstance, store: ContractStore, datasets: Sequence[str]
) -> Iterator[Overview]:
    """Yield these datasets, in their order; their contracts may be sound or not."""
    active = active_datasets(instance)
    for dataset in datasets:
        yield _overview(instance, store, dataset, running=dataset in active)


def _overview(
    instance: dg.DagsterInstance, store: ContractStore, dataset: str, *, running: bool
) -> Overview:
    life = store.life_cycle(dataset)
    shown = life.shown
    newest = instance.get_latest_materialization_event(asset_key(dataset, Layer.PUBLISHED))
    published_at = newest.timestamp if newest else None
    promise = shown.contract.freshness if shown else None
    late = None
    if promise is not None and published_at is not None:
        late = max(0.0, lateness(promise, published_at, time.time()))
    return Overview(
        dataset,
        shown.contract.description if shown else "",
        shown.name if shown else "",
        shown.state.value if shown else "",
        life.closed is not None,
        len(instance.get_dynamic_partitions(dataset)),
        running,
        published_at,
        late,
    )
