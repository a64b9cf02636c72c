"""The job and the schedule that do every night what `lakehouse retain` does on demand."""

import time

import dagster as dg

from lakehouse_pipeline.orchestration.events import actor_of
from lakehouse_pipeline.orchestration.instance import DATASET_TAG, process_tags
from lakehouse_pipeline.orchestration.retention import apply_retention, contracts_that_expire
from lakehouse_pipeline.settings import Settings

RETENTION = "retention"
"""The name of the job and of its schedule."""

EVERY_DATASET = "(every dataset)"
"""The dataset tag of its runs, the name of no dataset: they wait for each other and for no batch.

Against a run over batches the dataset's lock holds. A run that is killed is not repeated: the next
night's finishes what it began.
"""


def retention_schedule(settings: Settings) -> dg.ScheduleDefinition:
    """Return the schedule, every day at 03:00 UTC, with its job."""
    return dg.ScheduleDefinition(
        name=RETENTION,
        job=_retention_job(settings),
        cron_schedule="0 3 * * *",
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Takes out of each layer what its contract no longer keeps.",
    )


def _retention_job(settings: Settings) -> dg.JobDefinition:
    @dg.op(description="Takes batches out of the layers and deletes their files.")
    def retain(context: dg.OpExecutionContext) -> None:
        context.instance.add_run_tags(context.run_id, process_tags())
        actor = actor_of(context.run.tags)
        for contract in contracts_that_expire(settings):
            for gone in apply_retention(context.instance, settings, contract, time.time(), actor):
                context.log.info("%s: %s", gone.dataset, gone)

    @dg.job(
        name=RETENTION,
        description="Applies the retention of every active contract.",
        tags={DATASET_TAG: EVERY_DATASET},
    )
    def job() -> None:
        retain()

    return job
