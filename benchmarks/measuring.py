"""What the benchmarks share: their inputs, waiting for batches, and where the time of runs went.

The clock is the event log's: every event carries the time it happened at, and every layer of a
batch the seconds it took.
"""

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dagster import AssetRecordsFilter, DagsterInstance

from lakehouse_pipeline.lake.contract_steps import Steps
from lakehouse_pipeline.lake.contract_store import ContractStore
from lakehouse_pipeline.names import Layer
from lakehouse_pipeline.orchestration.batches import BatchState, active_datasets, batch_states
from lakehouse_pipeline.orchestration.keys import asset_key
from lakehouse_pipeline.settings import Settings

SHARED = Path(__file__).resolve().parents[2] / "shared"
"""Where the inputs are unless told otherwise: `../shared` of the repository."""

GIVE_UP_SECONDS = 600.0
POLL_SECONDS = 0.25


def existing(path: Path) -> Path:
    """Return `path`, or end the program saying what is missing."""
    if not path.exists():
        raise SystemExit(f"{path} is not there. Name the folder of the inputs with --shared.")
    return path


def register(settings: Settings, contract: Path) -> None:
    """Register a contract, and approve it if its batches would wait for that."""
    store = ContractStore(settings.contracts)
    added = store.add(contract, "benchmark")
    if store.life_cycle(added.dataset).waiting:
        Steps(store, "steward", "a benchmark").approve(added.dataset)


def must_be(what: str, found: object, known: object) -> None:
    """End the program when a result is not the known answer."""
    if found != known:
        raise SystemExit(f"WRONG: {what}: {found}, should be {known}")


def finished(instance: DagsterInstance, dataset: str, count: int) -> list[BatchState]:
    """Return the dataset's batches when `count` are published and no run is going on."""
    published = asset_key(dataset, Layer.PUBLISHED)
    deadline = time.monotonic() + GIVE_UP_SECONDS
    while len(instance.get_materialized_partitions(published)) < count or active_datasets(instance):
        if time.monotonic() > deadline:
            states = {state.batch: state.state for state in batch_states(instance, dataset)}
            raise SystemExit(f"after {GIVE_UP_SECONDS:.0f} s not all are published: {states}")
        time.sleep(POLL_SECONDS)
    return batch_states(instance, dataset)


def published_at(instance: DagsterInstance, dataset: str) -> dict[str, float]:
    """Return when each batch was last published, in seconds since 1970 UTC."""
    found = _materializations(instance, dataset, Layer.PUBLISHED)
    return {batch: when for batch, when, _ in reversed(found)}


def layer_seconds(instance: DagsterInstance, dataset: str) -> dict[str, float]:
    """Return the seconds each layer took: those of a group of batches are counted once."""
    seconds = {}
    for layer in Layer:
        found = _materializations(instance, dataset, layer)
        commits = {metadata["delta_version"]: metadata["seconds"] for _, _, metadata in found}
        seconds[str(layer)] = sum(commits.values())
    return seconds


@dataclass(frozen=True, slots=True)
class Span:
    """One run: when it was made, began and ended (seconds since 1970 UTC), and its events."""

    made: float
    began: float
    ended: float
    events: int


def spans(instance: DagsterInstance) -> list[Span]:
    """Return every finished run of the home, the oldest first."""
    return [
        Span(
            record.create_timestamp.timestamp(),
            record.start_time or 0.0,
            record.end_time or 0.0,
            len(instance.all_logs(record.dagster_run.run_id)),
        )
        for record in instance.get_run_records(ascending=True)
        if record.dagster_run.is_finished
    ]


def spread(name: str, values: Sequence[float], unit: str = "s") -> str:
    """Return minimum, median and maximum as a line."""
    low, middle, high = min(values), statistics.median(values), max(values)
    return f"{name:<28} min {low:8.2f}  median {middle:8.2f}  max {high:8.2f} {unit}"


def _materializations(
    instance: DagsterInstance, dataset: str, layer: Layer
) -> list[tuple[str, float, dict[str, float]]]:
    """Return batch, time and numeric metadata of a layer's materializations, the newest first."""
    chosen = AssetRecordsFilter(asset_key(dataset, layer))
    rows = []
    cursor = None
    while True:
        page = instance.fetch_materializations(chosen, limit=1000, cursor=cursor)
        for record in page.records:
            event = record.asset_materialization
            numbers = {
                key: value.value
                for key, value in (event.metadata.items() if event else ())
                if isinstance(value.value, int | float)
            }
            rows.append((record.partition_key or "", record.timestamp, numbers))
        if not page.has_more:
            return rows
        cursor = page.cursor
