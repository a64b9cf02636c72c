"""What the sensor looks at besides files: contracts and ledgers that changed since its last look.

It tells events that are missing, knows which datasets take files, and asks for runs over batches
that were left waiting in raw although their contract is approved: whoever approved was cut off.
"""

import time
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime

import dagster as dg

from lakehouse_pipeline.contracts.life_cycle import Line
from lakehouse_pipeline.lake.contract_store import ContractStore
from lakehouse_pipeline.orchestration.batches import active_datasets
from lakehouse_pipeline.orchestration.keys import asset_key, contiguous, job_name, range_tags
from lakehouse_pipeline.orchestration.life_cycle import report_life_cycle
from lakehouse_pipeline.orchestration.waiting import (
    forget_waiting,
    waiting_batches,
    waiting_layers,
)
from lakehouse_pipeline.settings import Settings

GRACE_SECONDS = 30.0
"""How long whoever approves has to start the waiting batches before the sensor does."""


@dataclass(slots=True)
class LifeCycleWatch:
    """The memory of one sensor; an empty one looks at everything once."""

    settings: Settings
    store: ContractStore
    seen: dict[str, object] = field(default_factory=dict)
    taking: set[str] = field(default_factory=set)
    unsettled: set[str] = field(default_factory=set)

    def look(self, instance: dg.DagsterInstance) -> None:
        """Tell what happened to contracts since the last look, and note what it means for files."""
        for dataset in self.store.datasets():
            fingerprint = self.store.fingerprint(dataset)
            if self.seen.get(dataset) == fingerprint:
                continue
            report_life_cycle(instance, self.settings, [dataset])
            life = self.store.life_cycle(dataset)
            takes = not life.closed and (life.active or life.waiting)
            self.taking = self.taking | {dataset} if takes else self.taking - {dataset}
            self.unsettled |= {dataset} if life.active else set()
            self.seen[dataset] = fingerprint

    def releases(
        self, instance: dg.DagsterInstance, datasets: Collection[str]
    ) -> list[dg.RunRequest]:
        """Return runs over batches of `datasets` that wait in raw for nothing any more."""
        known = self.unsettled & set(datasets) & set(self.store.datasets())
        return [r for dataset in sorted(known) for r in self._release(instance, dataset)]

    def _release(self, instance: dg.DagsterInstance, dataset: str) -> list[dg.RunRequest]:
        active = self.store.life_cycle(dataset).active
        waiting = waiting_batches(instance, dataset) if active else []
        if active is None or not waiting:
            self.unsettled.discard(dataset)
            if active:
                forget_waiting(instance, dataset)
            return []
        lines = self.store.ledger(dataset)
        is_fresh = bool(lines) and _age_seconds(lines[-1]) < GRACE_SECONDS
        if is_fresh or dataset in active_datasets(instance):
            return []
        layers = waiting_layers(self.store, active.contract, waiting)
        keys = instance.get_dynamic_partitions(dataset)
        return [
            dg.RunRequest(
                job_name=job_name(dataset),
                run_key=f"cleared:{dataset}:{found[0]}:{found[-1]}:{len(lines)}",
                asset_selection=[asset_key(dataset, layer) for layer in layers],
                tags=range_tags(dataset, found[0], found[-1]),
            )
            for found in contiguous(keys, {state.batch for state in waiting})
        ]


def _age_seconds(line: Line) -> float:
    return time.time() - datetime.fromisoformat(line.at).timestamp()
