"""The checks of a batch, as Dagster last evaluated them."""

from dataclasses import dataclass

import dagster as dg
from dagster._core.event_api import PartitionKeyFilter
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus

from lakehouse_pipeline.orchestration.keys import (
    GATE_CHECK,
    PRIVACY_CHECK,
    RULES_CHECK,
    check_key,
)

EVALUATED = {AssetCheckExecutionRecordStatus.SUCCEEDED, AssetCheckExecutionRecordStatus.FAILED}


@dataclass(frozen=True, slots=True)
class Check:
    """A check's newest evaluation over a batch.

    One that did not pass blocks the batch when its severity is ERROR, and only warns when it is
    WARN. `why` has no value of a record; `time` is in seconds since 1970 UTC.
    """

    name: str
    passed: bool
    severity: str
    why: str
    time: float


def checks_of(instance: dg.DagsterInstance, dataset: str, batch: str) -> list[Check]:
    """Return the checks that were evaluated over a batch: rules, gate, privacy, in this order."""
    found = []
    for name in (RULES_CHECK, GATE_CHECK, PRIVACY_CHECK):
        newest = instance.event_log_storage.get_asset_check_execution_history(
            check_key(dataset, name),
            limit=1,
            status=EVALUATED,
            partition_filter=PartitionKeyFilter(key=batch),
        )
        for record in newest:
            check, event = record.evaluation, record.event
            if isinstance(check, dg.AssetCheckEvaluation) and event is not None:
                why, severity = check.description or "", check.severity.value
                found.append(Check(name, check.passed, severity, why, event.timestamp))
    return found
