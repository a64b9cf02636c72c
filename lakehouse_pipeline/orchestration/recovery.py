"""Runs that died: a killed process leaves batches half-way, and the next tick asks for them again.

Only a run that was ended from outside comes back by itself; one that failed with an error would
fail again, so it waits for a person.
"""

import dagster as dg
from dagster import RunsFilter
from dagster._core.storage.tags import RUN_FAILURE_REASON_TAG

from lakehouse_pipeline.names import Layer
from lakehouse_pipeline.orchestration.instance import DATASET_TAG, DIED_TAG, fail_dead_runs
from lakehouse_pipeline.orchestration.keys import (
    ANONYMIZATION_TAG,
    RANGE_END,
    RANGE_START,
    asset_key,
    job_name,
    range_tags,
)

ATTEMPT_TAG = "lakehouse/attempt"
MAX_ATTEMPTS = 3
"""A batch whose runs die this often is left to a person: it may be what kills them."""

PARTITION_TAG = "dagster/partition"


def recovery_requests(instance: dg.DagsterInstance, datasets: list[str]) -> list[dg.RunRequest]:
    """Mark dead runs as failed; return a new run for each that died and was not asked for again."""
    fail_dead_runs(instance, launched=False)
    died = [
        run
        for tags in ({DIED_TAG: "true"}, {RUN_FAILURE_REASON_TAG: "START_TIMEOUT"})
        for run in instance.get_runs(
            RunsFilter(tags=tags, statuses=[dg.DagsterRunStatus.FAILURE]), limit=100
        )
    ]
    requests = []
    for run in died:
        request = _again(run, datasets)
        if request is not None:
            requests.append(request)
            instance.add_run_tags(run.run_id, {DIED_TAG: "repeated"})
    return requests


def _again(run: dg.DagsterRun, datasets: list[str]) -> dg.RunRequest | None:
    """Return a request for the same batches and layers, unless it was tried often enough.

    One that applied an anonymization is finished by whoever applies it: it may be rolled back.
    """
    dataset = run.tags.get(DATASET_TAG) or _dataset_of(run)
    attempt = int(run.tags.get(ATTEMPT_TAG, "1")) + 1
    first = run.tags.get(RANGE_START) or run.tags.get(PARTITION_TAG)
    last = run.tags.get(RANGE_END) or first
    if ANONYMIZATION_TAG in run.tags:
        return None
    if dataset not in datasets or attempt > MAX_ATTEMPTS or first is None or last is None:
        return None
    selection = run.asset_selection or {asset_key(dataset, layer) for layer in Layer}
    return dg.RunRequest(
        job_name=job_name(dataset),
        run_key=f"after-{run.run_id}",
        asset_selection=sorted(selection, key=str),
        tags={**range_tags(dataset, first, last), ATTEMPT_TAG: str(attempt)},
    )


def _dataset_of(run: dg.DagsterRun) -> str | None:
    keys = sorted(run.asset_selection or (), key=str)
    return keys[0].path[0] if keys else None
