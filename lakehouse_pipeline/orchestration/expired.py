"""What retention has taken out of the layers, as the event stream tells it.

Taking it out is in `orchestration/retention.py`.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import dagster as dg

from lakehouse_pipeline.audit.events import EventType
from lakehouse_pipeline.contracts.model import Contract
from lakehouse_pipeline.errors import ExpiredBatchError
from lakehouse_pipeline.lake.tables import Tables
from lakehouse_pipeline.names import Layer
from lakehouse_pipeline.orchestration.keys import asset_key
from lakehouse_pipeline.orchestration.landing import landing_of
from lakehouse_pipeline.settings import Settings

PAGE = 1000

JUDGED = {Layer.QUARANTINED, Layer.VALIDATED}
"""The two halves of a judgement: a run that is asked for one makes both."""


def observations(
    instance: dg.DagsterInstance,
    dataset: str,
    layer: Layer,
    event: EventType,
    batches: Sequence[str] | None = None,
) -> Iterator[tuple[int, str, dict[str, Any]]]:
    """Yield storage id, batch and metadata of a layer's events of one type, newest first."""
    chosen = dg.AssetRecordsFilter(asset_key(dataset, layer), asset_partitions=batches)
    cursor = None
    while True:
        page = instance.fetch_observations(chosen, limit=PAGE, cursor=cursor)
        for record in page.records:
            observed = record.asset_observation
            if observed is None or observed.partition is None:
                continue
            said = {key: value.value for key, value in observed.metadata.items()}
            if said.get("lakehouse/event") == event:
                yield record.storage_id, observed.partition, said
        cursor = page.cursor
        if not page.has_more:
            return


def taken_out(
    instance: dg.DagsterInstance, dataset: str, batches: Sequence[str] | None = None
) -> dict[str, dict[Layer, int]]:
    """Return the layers that retention took each batch out of, with the newest event's storage id.

    A layer that was materialized after that event holds the batch again.
    """
    found: dict[str, dict[Layer, int]] = {}
    for layer in Layer:
        events = observations(instance, dataset, layer, EventType.RETENTION_APPLIED, batches)
        for storage_id, batch, said in events:
            if said["layer"] == layer:
                found.setdefault(batch, {}).setdefault(layer, storage_id)
    return found


def still_out(
    taken: Mapping[Layer, int], newest: Mapping[Layer, Mapping[str, Any]]
) -> tuple[Layer, ...]:
    """Return the layers that a batch has left and was not written into again since.

    `taken` is what `taken_out` says of it, `newest` has the `storage_id` of its materializations.
    """
    return tuple(
        layer
        for layer, storage_id in taken.items()
        if layer not in newest or newest[layer]["storage_id"] < storage_id
    )


def expired_sources(
    instance: dg.DagsterInstance,
    settings: Settings,
    contract: Contract,
    batches: Sequence[str],
    layers: Collection[Layer],
) -> dict[str, ExpiredBatchError]:
    """Return why `layers` cannot be made again, for each of `batches` that lacks their source.

    The tables are asked and not the events alone: a batch may have come back.
    """
    dataset, tables = contract.dataset, Tables(settings.lake)
    found = taken_out(instance, dataset, batches)
    if not found:
        return {}
    held = {layer: tables.batches(dataset, layer) for layer in Layer}
    left = {b: [x for x in taken if b not in held[x]] for b, taken in found.items()}
    without_raw = {batch: () for batch, gone in left.items() if Layer.RAW in gone}
    landed = landing_of(settings).holding(dataset, without_raw)
    errors = {}
    for batch, gone in left.items():
        lacking = [source for source in _sources(layers) if source in gone]
        if Layer.RAW in gone and batch not in landed:
            lacking = [Layer.RAW]
        if lacking:
            days = contract.retention.get(lacking[0])
            errors[batch] = ExpiredBatchError(dataset, batch, lacking[0], days)
    return errors


def _sources(layers: Collection[Layer]) -> list[Layer]:
    """Return what must hold a batch, beside raw, before `layers` of it can be made.

    The gate counts quarantined, so that must be there, or be made anew, before all that is past it.
    """
    wanted = set(layers)
    sources = []
    if wanted & {Layer.ANONYMIZED, Layer.PUBLISHED} and not wanted & JUDGED:
        sources.append(Layer.QUARANTINED)
        sources += [Layer.VALIDATED] if Layer.ANONYMIZED in wanted else []
    if Layer.PUBLISHED in wanted and Layer.ANONYMIZED not in wanted:
        sources.append(Layer.ANONYMIZED)
    return sources
