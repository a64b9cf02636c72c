"""How many records erasures left of batches, as the event stream tells it.

An erasure makes no new materialization: it is no replay, and freshness must not count it. Its event
says how many records a layer holds since; that counts until the layer is written again.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg

from lakehouse_pipeline.audit.events import EventType
from lakehouse_pipeline.names import Layer
from lakehouse_pipeline.orchestration.expired import observations

ROWS = "dagster/row_count"


def with_erasures(
    instance: dg.DagsterInstance,
    dataset: str,
    layer: Layer,
    newest: Mapping[str, dict[str, Any]],
    batches: Sequence[str] | None,
) -> dict[str, dict[str, Any]]:
    """Return the newest materializations with the counts that a later erasure left."""
    found = dict(newest)
    seen: set[str] = set()
    events = observations(instance, dataset, layer, EventType.RECORDS_ERASED, batches)
    for storage_id, batch, said in events:
        if batch in seen or batch not in found:
            continue
        seen.add(batch)
        if storage_id > found[batch]["storage_id"]:
            found[batch] = {**found[batch], ROWS: said["left"]}
    return found
