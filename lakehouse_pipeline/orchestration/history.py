"""The judgements of a batch, as the event stream tells them."""

from datetime import UTC, datetime

import dagster as dg
from dagster import AssetRecordsFilter

from lakehouse_pipeline.names import Layer
from lakehouse_pipeline.orchestration.batches import require_batches
from lakehouse_pipeline.orchestration.keys import asset_key
from lakehouse_pipeline.orchestration.metadata import as_plain
from lakehouse_pipeline.pipeline.history import Judgement

SHOWN = 100
"""How many judgements of one batch are looked at, the newest."""


def judgements_of(instance: dg.DagsterInstance, dataset: str, batch: str) -> list[Judgement]:
    """Return when the batch was judged, the oldest first.

    Raises: UnknownBatchError: the dataset has no such batch.
    """
    require_batches(instance, dataset, [batch])
    chosen = AssetRecordsFilter(asset_key(dataset, Layer.QUARANTINED), asset_partitions=[batch])
    found = []
    for record in instance.fetch_materializations(chosen, limit=SHOWN).records:
        if record.asset_materialization is None:
            continue
        said = as_plain(record.asset_materialization.metadata)
        at = datetime.fromtimestamp(record.timestamp, UTC)
        version = int(str(said["delta_version"]))
        found.append(Judgement(at, str(said["contract_version"]), version))
    return found[::-1]
