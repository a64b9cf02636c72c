"""The asset check that shows how long a dataset's open erasures may still take.

It stands at the asset of the contract: it warns a week before the first deadline and fails when
that has passed. A job looks at it every night, and finishes erasures that were cut off.
"""

from datetime import UTC, datetime

import dagster as dg

from lakehouse_pipeline.contracts.subjects import subject_columns
from lakehouse_pipeline.lake.contract_store import ContractStore
from lakehouse_pipeline.lake.erased_subjects import EVERY_DATASET
from lakehouse_pipeline.lake.erasure_requests import Erasure, Erasures
from lakehouse_pipeline.orchestration.keys import contract_key
from lakehouse_pipeline.settings import Settings

ERASURE_CHECK = "erasure"
WARN_DAYS = 7.0
NAMED = 10
"""How many open erasures are named, the most urgent first."""


def erasure_checks(settings: Settings, store: ContractStore) -> list[dg.AssetChecksDefinition]:
    """Return the check of every dataset that names subjects; anybody may evaluate it in the UI."""
    return [_definition(settings, name) for name in datasets_with_subjects(store)]


def datasets_with_subjects(store: ContractStore) -> list[str]:
    """Return the datasets of which some version marks a subject column."""
    lives = {name: store.life_cycle(name).versions.values() for name in store.datasets()}
    return [name for name, found in lives.items() if subject_columns(v.contract for v in found)]


def _definition(settings: Settings, dataset: str) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset=contract_key(dataset),
        name=ERASURE_CHECK,
        description="Warns when the deadline of an erasure is near, fails when it has passed.",
    )
    def check() -> dg.AssetCheckResult:
        said = deadline(Erasures(settings.erasures).open(), dataset, datetime.now(UTC))
        return dg.AssetCheckResult(
            passed=said.passed,
            severity=said.severity,
            description=said.description,
            metadata=said.metadata,
        )

    return check


def deadline(open_requests: list[Erasure], dataset: str, now: datetime) -> dg.AssetCheckEvaluation:
    """Return what the check of a dataset says at a time, given the requests that are open."""
    mine = [one for one in open_requests if one.dataset in (dataset, EVERY_DATASET)]
    urgent = sorted((one.days_left(now), one.id) for one in mine)
    left = urgent[0][0] if urgent else None
    late = left is not None and left <= 0
    metadata: dict[str, int | float] = {"open": len(mine)}
    if left is not None:
        metadata["days_left"] = round(left, 2)
    return dg.AssetCheckEvaluation(
        asset_key=contract_key(dataset),
        check_name=ERASURE_CHECK,
        passed=left is None or left > WARN_DAYS,
        severity=dg.AssetCheckSeverity.ERROR if late else dg.AssetCheckSeverity.WARN,
        description=_said(urgent),
        metadata=metadata,
    )


def _said(urgent: list[tuple[float, str]]) -> str:
    """Return a sentence about erasures, given the days that each has left and its id."""
    if not urgent:
        return "No erasure is open."
    named = [
        f"{name} is "
        + (f"due in {left:.1f} days" if left > 0 else f"overdue by {abs(left):.1f} days")
        for left, name in urgent[:NAMED]
    ]
    named += [f"and {len(urgent) - NAMED} more"] if len(urgent) > NAMED else []
    return f"{len(urgent)} open. {'; '.join(named)}. Finish with: lakehouse erase --resume"


def report_deadline(instance: dg.DagsterInstance, settings: Settings, dataset: str) -> None:
    """Put on record what the check of a dataset says now."""
    found = deadline(Erasures(settings.erasures).open(), dataset, datetime.now(UTC))
    instance.report_runless_asset_event(found)
