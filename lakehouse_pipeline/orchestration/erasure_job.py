"""The job and the schedule that finish erasures that were cut off and look at their deadlines."""

import dagster as dg

from lakehouse_pipeline.lake.contract_store import ContractStore
from lakehouse_pipeline.orchestration.erasure import ErasureDesk
from lakehouse_pipeline.orchestration.erasure_check import datasets_with_subjects, report_deadline
from lakehouse_pipeline.orchestration.instance import DATASET_TAG, process_tags
from lakehouse_pipeline.orchestration.retention_job import EVERY_DATASET
from lakehouse_pipeline.settings import Settings

ERASURES = "erasures"
"""The name of the job and of its schedule."""


def erasure_schedule(settings: Settings) -> dg.ScheduleDefinition:
    """Return the schedule, every day at 04:00 UTC, with its job."""
    return dg.ScheduleDefinition(
        name=ERASURES,
        job=_erasure_job(settings),
        cron_schedule="0 4 * * *",
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Finishes erasures that were cut off and shows how near deadlines are.",
    )


def _erasure_job(settings: Settings) -> dg.JobDefinition:
    @dg.op(description="Finishes what was cut off, then evaluates the check of each dataset.")
    def finish(context: dg.OpExecutionContext) -> None:
        context.instance.add_run_tags(context.run_id, process_tags())
        try:
            for done in ErasureDesk(context.instance, settings).resume():
                context.log.info("erasure %s: %s records", done.id, done.count)
        finally:
            for dataset in datasets_with_subjects(ContractStore(settings.contracts)):
                report_deadline(context.instance, settings, dataset)

    @dg.job(
        name=ERASURES,
        description="Finishes open erasures and evaluates their deadlines.",
        tags={DATASET_TAG: EVERY_DATASET},
    )
    def job() -> None:
        finish()

    return job
