"""How datasets, layers and batches are called in Dagster."""

import re
from collections.abc import Sequence

import dagster as dg
from dagster._core.storage.tags import (
    ASSET_PARTITION_RANGE_END_TAG,
    ASSET_PARTITION_RANGE_START_TAG,
)

from lakehouse_pipeline.names import Layer
from lakehouse_pipeline.orchestration.instance import DATASET_TAG

RANGE_START = ASSET_PARTITION_RANGE_START_TAG
RANGE_END = ASSET_PARTITION_RANGE_END_TAG
AMENDS_TAG = "lakehouse/amends"
"""The tag of a run over one batch that judges only the records that people added to.

A run that died is repeated without it: the whole batch is judged again, to the same result.
"""

ANONYMIZATION_TAG = "lakehouse/anonymization"
"""The tag of a run that applies a dry run: its id.

A run that died is not repeated by itself: who applies goes on, or goes back (`anonymization.py`).
"""

RULES_CHECK = "rules"
GATE_CHECK = "gate"
PRIVACY_CHECK = "privacy"


def asset_key(dataset: str, layer: Layer) -> dg.AssetKey:
    """Return the key of a layer's asset."""
    return dg.AssetKey([dataset, layer.value])


def contract_key(dataset: str) -> dg.AssetKey:
    """Return the key of the asset that stands for a dataset's contract."""
    return dg.AssetKey([dataset, "contract"])


def access_key(dataset: str) -> dg.AssetKey:
    """Return the key of the asset that has the events about who may do what with a dataset."""
    return dg.AssetKey([dataset, "access"])


def check_key(dataset: str, name: str) -> dg.AssetCheckKey:
    """Return the key of a check of a batch: that of privacy is of published."""
    layer = Layer.PUBLISHED if name == PRIVACY_CHECK else Layer.VALIDATED
    return dg.AssetCheckKey(asset_key(dataset, layer), name)


def batches_of(dataset: str) -> dg.DynamicPartitionsDefinition:
    """Return the partitions of a dataset: its batches."""
    return dg.DynamicPartitionsDefinition(name=dataset)


def job_name(dataset: str) -> str:
    """Return the name of the job that takes a dataset's batches through its layers."""
    return f"{dataset}_batches"


def plain(text: str) -> str:
    """Return text as Dagster takes it in names, tags and owners: letters, digits, `_`."""
    return re.sub(r"[^A-Za-z0-9_]", "_", text)[:63] or "_"


def range_tags(dataset: str, first: str, last: str) -> dict[str, str]:
    """Return the tags of a run over the batches from `first` to `last`, in partition order."""
    return {DATASET_TAG: dataset, RANGE_START: first, RANGE_END: last}


def contiguous(keys: Sequence[str], wanted: set[str]) -> list[list[str]]:
    """Split `wanted` into runs of neighbours in `keys`: a range run cannot skip one."""
    ranges: list[list[str]] = []
    neighbours = False
    for key in keys:
        if key in wanted:
            if neighbours:
                ranges[-1].append(key)
            else:
                ranges.append([key])
        neighbours = key in wanted
    return ranges
