"""Which runs the UI starts again, and what it says of those that it cannot.

Dagster launches anew what the UI or the daemon launched. What the command or the API did, they did
in a process of their own; of such a run Dagster would say "Expected non-None value: None".
"""

from collections.abc import Awaitable, Callable
from typing import Any

import dagster as dg
from dagster_graphql.implementation.utils import UserFacingGraphQLError
from dagster_graphql.schema.errors import GraphenePythonError
from dagster_graphql.schema.roots import mutation
from dagster_shared.error import SerializableErrorInfo

from lakehouse_pipeline.errors import LakehouseError
from lakehouse_pipeline.orchestration.instance import DATASET_TAG
from lakehouse_pipeline.orchestration.keys import ANONYMIZATION_TAG, RANGE_END, RANGE_START

Launch = Callable[..., Awaitable[Any]]

_NAME = "launch_reexecution_from_parent_run"
"""Under this name Dagster's mutation finds what launches a run anew, given its id."""


class NotRepeatedError(LakehouseError):
    """A run cannot be re-executed; says what to do instead."""

    def __init__(self, run: dg.DagsterRun) -> None:
        super().__init__(
            f"run {run.run_id[:8]} {_what(run)}, so it is not re-executed here. Nothing was "
            f"changed. {_instead(run)}"
        )


def explain_reexecutions() -> None:
    """Make Dagster's webserver, in this process, say of a run that it cannot repeat why."""
    launch: Launch = getattr(mutation, _NAME)

    async def launch_repeatable(info: Any, parent_run_id: str, **rest: object) -> Any:  # noqa: ANN401 - Dagster's
        run = info.context.instance.get_run_by_id(parent_run_id)
        if run is not None and run.remote_job_origin is None:
            said = SerializableErrorInfo(str(NotRepeatedError(run)), [], NotRepeatedError.__name__)
            raise UserFacingGraphQLError(
                GraphenePythonError(said)  # type: ignore[no-untyped-call]  # Dagster's has no types
            )
        return await launch(info, parent_run_id=parent_run_id, **rest)

    setattr(mutation, _NAME, launch_repeatable)


def _what(run: dg.DagsterRun) -> str:
    if ANONYMIZATION_TAG not in run.tags:
        return "was made by the command or the API in a process of its own"
    step = "applied" if RANGE_START in run.tags else "rolled back"
    return f"{step} anonymization {run.tags[ANONYMIZATION_TAG]}, which takes an approval"


def _instead(run: dg.DagsterRun) -> str:
    dataset = run.tags.get(DATASET_TAG, "DATASET")
    if ANONYMIZATION_TAG in run.tags:
        return (
            f"How it stands: lakehouse anonymize {dataset} --list. To anonymize again, begin with: "
            f"lakehouse anonymize --dry-run {dataset}"
        )
    first = run.tags.get(RANGE_START)
    one = f" --batch {first if first and first == run.tags.get(RANGE_END) else 'BATCH'}"
    return f"Materialize the batches in the UI instead, or call: lakehouse replay {dataset}{one}"
