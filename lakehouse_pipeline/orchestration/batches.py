"""The state of batches as the event stream tells it: nothing else remembers it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import dagster as dg
from dagster import AssetRecordsFilter, DagsterRunStatus, RunsFilter

from lakehouse_pipeline.errors import UnknownBatchError
from lakehouse_pipeline.names import Layer
from lakehouse_pipeline.orchestration.erased import ROWS, with_erasures
from lakehouse_pipeline.orchestration.expired import still_out, taken_out
from lakehouse_pipeline.orchestration.instance import DATASET_TAG
from lakehouse_pipeline.orchestration.keys import (
    GATE_CHECK,
    RANGE_END,
    RANGE_START,
    asset_key,
    check_key,
)
from lakehouse_pipeline.orchestration.metadata import (
    ROLLED_BACK,
    WAITING_FOR,
    WITHHELD,
    as_plain,
)

UNFINISHED = (
    DagsterRunStatus.QUEUED,
    DagsterRunStatus.NOT_STARTED,
    DagsterRunStatus.STARTING,
    DagsterRunStatus.STARTED,
    DagsterRunStatus.CANCELING,
)
UNEXPLAINED = ("waiting", "stopped")
"""States of a batch that no run works on and that is not finished."""

PAGE = 1000
FAILED = 100

Said = dict[str, Any]
"""What one event says: its metadata as plain values, and its time."""

Newest = dict[str, Said]
"""The newest event of each batch."""


@dataclass(frozen=True, slots=True)
class BatchState:
    """A batch as the newest events tell it.

    `state` is published, refused, running, failed (its run ended with an error), stopped
    (half-way, without one), waiting (for a run, or in raw for what `why` says), or expired:
    retention has taken it out of published, or of every layer when it was never there. `expired`
    are the layers that retention has taken it out of; the state stays as long as it is published.
    Counts are of the records that came in, None before the batch was judged; `withheld` are not
    published for the contract's `privacy`; `seconds` is the sum
    over the layers; `why` says why a batch was refused, failed or waits; `warning` what its gate
    let pass but warns of; `rules` counts the quarantined records per rule. `time` is of the
    newest event, seconds since 1970 UTC. `anonymized_under` is the contract version that what is
    published was made safe under, `rolled_back` the anonymization that was taken back to it.
    """

    dataset: str
    batch: str
    state: str
    records: int | None = None
    validated: int | None = None
    quarantined: int | None = None
    published: int | None = None
    withheld: int = 0
    seconds: float = 0.0
    contract_version: str = ""
    file: str = ""
    physical_lines: int | None = None
    header_lines: int = 1
    blank_lines: int = 0
    why: str = ""
    warning: str = ""
    rules: dict[str, int] = field(default_factory=dict)
    time: float | None = None
    expired: tuple[Layer, ...] = ()
    anonymized_under: str = ""
    rolled_back: str = ""

    @property
    def waits(self) -> bool:
        """Whether raw holds the batch and its contract has to be approved before it goes on."""
        return self.state == "waiting" and bool(self.why)


def require_batches(
    instance: dg.DagsterInstance, dataset: str, batches: Collection[str]
) -> Sequence[str]:
    """Return all batches of the dataset. Raises: UnknownBatchError: one of `batches` is none."""
    known = instance.get_dynamic_partitions(dataset)
    for batch in batches:
        if batch not in known:
            raise UnknownBatchError(dataset, batch, known)
    return known


def batch_states(
    instance: dg.DagsterInstance, dataset: str, only: Sequence[str] | None = None
) -> list[BatchState]:
    """Return the state of the dataset's batches, in the order they arrived."""
    keys = [
        key for key in instance.get_dynamic_partitions(dataset) if only is None or key in set(only)
    ]
    wanted = list(keys) if only is not None else None
    layers = {layer: _newest_counted(instance, dataset, layer, wanted) for layer in Layer}
    gates = _newest_gates(instance, dataset, wanted)
    now = "running" if dataset in active_datasets(instance) else "waiting"
    gone = taken_out(instance, dataset, wanted)
    states = [
        _state(key, layers, gates.get(key), gone.get(key, {}), BatchState(dataset, key, now))
        for key in keys
    ]
    if any(state.state in UNEXPLAINED for state in states):
        failed = _failed_runs(instance, dataset)
        states = [_explained(state, failed) for state in states]
    return states


def rows_per_layer(instance: dg.DagsterInstance, dataset: str) -> dict[Layer, dict[str, int]]:
    """Return how many records each layer holds of each batch, as the events say."""
    newest = {layer: _newest_counted(instance, dataset, layer, None) for layer in Layer}
    return {
        layer: {batch: int(said[ROWS]) for batch, said in found.items()}
        for layer, found in newest.items()
    }


def newest_events(
    instance: dg.DagsterInstance, dataset: str, layers: Collection[Layer], batches: Sequence[str]
) -> dict[str, dict[str, int]]:
    """Return the storage ids of the newest materializations of each batch, by layer's name."""
    found: dict[str, dict[str, int]] = {batch: {} for batch in batches}
    for layer in layers if batches else ():
        for batch, said in _newest(instance, dataset, layer, batches).items():
            found[batch][layer.value] = int(said["storage_id"])
    return found


def _newest_counted(
    instance: dg.DagsterInstance, dataset: str, layer: Layer, batches: Sequence[str] | None
) -> Newest:
    """Return the newest materializations with the counts that erasures left."""
    newest = _newest(instance, dataset, layer, batches)
    return with_erasures(instance, dataset, layer, newest, batches)


def _failed_runs(instance: dg.DagsterInstance, dataset: str) -> dict[str, tuple[str, float]]:
    """Return the newest failed run of each batch and its end, among the last hundred failed."""
    keys = list(instance.get_dynamic_partitions(dataset))
    found: dict[str, tuple[str, float]] = {}
    failures = RunsFilter(statuses=[DagsterRunStatus.FAILURE])
    for record in instance.get_run_records(failures, limit=FAILED):
        run, ended = record.dagster_run, record.end_time or record.update_timestamp.timestamp()
        first, last = run.tags.get(RANGE_START), run.tags.get(RANGE_END)
        mine = any(key.path[0] == dataset for key in run.asset_selection or ())
        if not (mine or run.tags.get(DATASET_TAG) == dataset) or first not in keys:
            continue
        end = keys.index(last) if last in keys else keys.index(first)
        for batch in keys[keys.index(first) : end + 1]:
            found.setdefault(batch, (run.run_id, ended))
    return found


def _explained(state: BatchState, failed: dict[str, tuple[str, float]]) -> BatchState:
    """Return the state of a batch that is not finished with the run that failed over it.

    One that waits in raw came there in order, unless a run failed since.
    """
    if state.state not in UNEXPLAINED or state.batch not in failed:
        return state
    run, ended = failed[state.batch]
    if state.waits and ended <= (state.time or 0):
        return state
    why = (
        f"its run ended with an error; nothing is lost. See run {run[:8]} in the UI for the cause, "
        f"then: lakehouse replay {state.dataset} --batch {state.batch}"
    )
    return replace(state, state="failed", why=why)


def active_datasets(instance: dg.DagsterInstance) -> set[str]:
    """Return the datasets with a run that is queued or going on."""
    runs = instance.get_runs(RunsFilter(statuses=list(UNFINISHED)))
    named = {run.tags[DATASET_TAG] for run in runs if DATASET_TAG in run.tags}
    return named | {key.path[0] for run in runs for key in run.asset_selection or ()}


def is_finished(instance: dg.DagsterInstance, dataset: str, batch: str) -> bool:
    """Return whether the batch was read and was published, or refused for what is in it.

    So is one that waits in raw: it was taken. A batch whose file could not be read, or whose run
    failed, is taken again when the file comes again.
    """
    (state,) = batch_states(instance, dataset, [batch])
    refused = state.state == "refused" and state.records is not None
    return state.state in ("published", "expired") or refused or state.waits


def last_event_time(instance: dg.DagsterInstance, dataset: str, batch: str) -> float | None:
    """Return when the batch was last read or refused, in seconds since 1970 UTC, or None."""
    raw = _newest(instance, dataset, Layer.RAW, [batch]).get(batch)
    gate = _newest_gates(instance, dataset, [batch]).get(batch)
    times = [raw["timestamp"] if raw else None, gate["timestamp"] if gate else None]
    return max((float(t) for t in times if t is not None), default=None)


def _newest(
    instance: dg.DagsterInstance, dataset: str, layer: Layer, batches: Sequence[str] | None
) -> Newest:
    """Return the newest materialization of each batch in a layer, as plain metadata."""
    newest: Newest = {}
    cursor = None
    chosen = AssetRecordsFilter(asset_key(dataset, layer), asset_partitions=batches)
    while True:
        page = instance.fetch_materializations(chosen, limit=PAGE, cursor=cursor)
        for record in page.records:
            materialization = record.asset_materialization
            batch = record.partition_key
            if materialization is None or batch is None or batch in newest:
                continue
            newest[batch] = {
                **as_plain(materialization.metadata),
                "timestamp": record.timestamp,
                "storage_id": record.storage_id,
                "run_id": record.run_id,
            }
        cursor = page.cursor
        if not page.has_more:
            return newest


def _newest_gates(
    instance: dg.DagsterInstance, dataset: str, batches: Sequence[str] | None
) -> Newest:
    """Return the newest `gate` check of each batch: passed, why, metadata, timestamp."""
    newest: Newest = {}
    wanted = None if batches is None else set(batches)
    cursor = None
    while True:
        page = instance.event_log_storage.get_asset_check_execution_history(
            check_key(dataset, GATE_CHECK), limit=PAGE, cursor=cursor
        )
        for record in page:
            found, event = record.evaluation, record.event
            if not isinstance(found, dg.AssetCheckEvaluation) or event is None:
                continue
            if found.partition is None or found.partition in newest:
                continue
            if wanted is not None and found.partition not in wanted:
                continue
            newest[found.partition] = {
                **as_plain(found.metadata),
                "passed": found.passed,
                "why": found.description or "",
                "timestamp": event.timestamp,  # the record's own is that of the run's start
            }
        if len(page) < PAGE:
            return newest
        cursor = page[-1].id


def _state(
    batch: str,
    layers: dict[Layer, Newest],
    gate: Said | None,
    taken: Mapping[Layer, int],
    empty: BatchState,
) -> BatchState:
    """Return `empty` (what is known of a batch without events) with what the events say."""
    newest = {layer: found[batch] for layer, found in layers.items() if batch in found}
    raw, quarantined = newest.get(Layer.RAW, {}), newest.get(Layer.QUARANTINED, {})
    published = newest.get(Layer.PUBLISHED)
    events = [*newest.values(), *([gate] if gate else [])]
    waiting_for = _waiting_for(raw, gate)
    name = "waiting" if waiting_for else _state_name(gate, published, otherwise=empty.state)
    expired = still_out(taken, newest)
    if _has_left(name, newest, expired):
        name, waiting_for = "expired", ""
    made_safe, shown = newest.get(Layer.ANONYMIZED, {}), name == "published"
    return replace(
        empty,
        state=name,
        records=raw.get(ROWS),
        validated=newest.get(Layer.VALIDATED, {}).get(ROWS),
        quarantined=quarantined.get(ROWS),
        published=published[ROWS] if published and shown else None,
        withheld=_withheld(newest, expired) if shown else 0,
        seconds=round(sum(_share(event) for event in newest.values()), 3),
        contract_version=str(quarantined.get("contract_version", raw.get("contract_version", ""))),
        file=raw.get("file", ""),
        physical_lines=raw.get("physical_lines"),
        header_lines=raw.get("header_lines", 1),
        blank_lines=raw.get("blank_lines", 0),
        why=waiting_for
        or (gate["why"] if gate and not gate["passed"] and name != "expired" else ""),
        warning=gate["why"] if gate and gate["passed"] and shown else "",
        rules={
            key.removeprefix("rule/"): value
            for key, value in quarantined.items()
            if key.startswith("rule/") and value
        },
        time=max((event["timestamp"] for event in events), default=None),
        expired=expired,
        anonymized_under=str(made_safe.get("contract_version", "")) if shown else "",
        rolled_back=str(made_safe.get(ROLLED_BACK, "")) if shown else "",
    )


def _has_left(name: str, newest: Mapping[Layer, Said], expired: Collection[Layer]) -> bool:
    """Return whether retention has taken a batch out of published, or of all that it was in."""
    held = [layer for layer, said in newest.items() if said[ROWS]]
    if name == "published" and Layer.PUBLISHED in held:
        return Layer.PUBLISHED in expired
    judged = [layer for layer in held if layer not in (Layer.ANONYMIZED, Layer.PUBLISHED)]
    return bool(judged) and all(layer in expired for layer in judged)


def _withheld(newest: Mapping[Layer, Said], expired: Collection[Layer]) -> int:
    """Return how many records `privacy` keeps out of published; one that was erased is none."""
    published, validated = newest.get(Layer.PUBLISHED, {}), newest.get(Layer.VALIDATED)
    said = int(published.get(WITHHELD, 0))
    if not said or validated is None or Layer.VALIDATED in expired:
        return said
    return int(validated[ROWS] - published[ROWS])


def _waiting_for(raw: Said, gate: Said | None) -> str:
    """Return what a batch waits for that was read and not judged since; empty if for nothing."""
    judged = gate is not None and gate["timestamp"] >= raw.get("timestamp", 0)
    return "" if judged else str(raw.get(WAITING_FOR, ""))


def _share(event: Said) -> float:
    """Return a batch's share of the seconds its group took in a layer."""
    return float(event["seconds"]) / max(int(event["batches_in_commit"]), 1)


def _state_name(gate: Said | None, published: Said | None, *, otherwise: str) -> str:
    """Return the state; `otherwise` is running, or waiting when no run is on."""
    if gate and not gate["passed"]:
        return "refused"
    if gate and published and published["timestamp"] >= gate["timestamp"]:
        return "published"
    return "stopped" if gate and otherwise == "waiting" else otherwise
