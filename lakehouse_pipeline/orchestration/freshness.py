"""Freshness: what a contract promises as Dagster's policy on the published layer, and as words.

Dagster's daemon judges the policy every half minute and shows it in the UI; `lakehouse status`
asks the same event, the newest publication. Why a policy and no asset check is in
docs/decisions/0009-retention-and-freshness.md.
"""

from datetime import timedelta

import dagster as dg

from lakehouse_pipeline.contracts.freshness import lateness
from lakehouse_pipeline.contracts.model import Contract
from lakehouse_pipeline.names import Layer
from lakehouse_pipeline.orchestration.keys import asset_key

SHORTEST = timedelta(minutes=1)
"""Dagster judges no shorter window."""

UNITS = (("d", 86_400), ("h", 3_600), ("min", 60))


def freshness_policy(contract: Contract) -> dg.FreshnessPolicy | None:
    """Return the policy of the published layer, None without a promise.

    It warns when the frequency has passed and fails when the latency has passed as well.
    """
    if contract.freshness is None:
        return None
    expected = timedelta(seconds=contract.freshness.frequency)
    late = max(SHORTEST, expected + timedelta(seconds=contract.freshness.latency))
    warns = SHORTEST <= expected < late
    return dg.FreshnessPolicy.time_window(late, expected if warns else None)


def freshness(instance: dg.DagsterInstance, contract: Contract, now: float) -> str:
    """Return `yes`, `late by 3 h`, `never published`, or nothing without a promise.

    `now` is in seconds since 1970 UTC.
    """
    if contract.freshness is None:
        return ""
    key = asset_key(contract.dataset, Layer.PUBLISHED)
    newest = instance.get_latest_materialization_event(key)
    if newest is None:
        return "never published"
    overdue = lateness(contract.freshness, newest.timestamp, now)
    return f"late by {_shown(overdue)}" if overdue > 0 else "yes"


def _shown(seconds: float) -> str:
    """Return a duration in its largest unit, rounded down; at least a minute."""
    for unit, length in UNITS:
        if seconds >= length:
            return f"{int(seconds // length)} {unit}"
    return "1 min"
