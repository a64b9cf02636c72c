"""The steps of an anonymization: who may take them, what they leave, and why one is refused."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

from lakehouse_pipeline.audit.events import Event, EventType
from lakehouse_pipeline.errors import LakehouseError, StepRefusedError
from lakehouse_pipeline.lake.anonymizations import Anonymization, Stage, Taken
from lakehouse_pipeline.names import Layer

EVENTS = {
    Stage.DRY_RUN: EventType.ANONYMIZATION_DRY_RUN_COMPLETED,
    Stage.APPROVED: EventType.ANONYMIZATION_APPROVED,
    Stage.APPLIED: EventType.DATA_ANONYMIZED,
    Stage.ROLLED_BACK: EventType.ANONYMIZATION_ROLLED_BACK,
}
"""The event that a step leaves when it is done."""


class NothingToAnonymizeError(LakehouseError):
    """Validated holds no batch that a dry run could be made over."""

    exit_code = 1

    def __init__(self, dataset: str, batch: str = "") -> None:
        what = f"batch '{batch}'" if batch else "any batch"
        super().__init__(
            f"{dataset}: validated does not hold {what}, and anonymized is made from that. Its "
            f"state: lakehouse batches {dataset}"
        )


class ChangedSinceError(LakehouseError):
    """What a dry run was made over is no longer what would be applied."""

    exit_code = 1

    def __init__(self, one: Anonymization, problem: str, advice: str) -> None:
        super().__init__(
            f"dry run {one.id} of {one.dataset} {problem}. Nothing was changed. {advice}"
        )


def taken(stage: Stage, by: str, why: str = "") -> Taken:
    """Return a step that is taken now; one that leaves no event counts as told."""
    at = datetime.now(UTC).isoformat(timespec="milliseconds")
    return Taken(stage, by, at, why, told=stage not in EVENTS)


def after(one: Anonymization, step: Taken) -> Anonymization:
    """Return an anonymization after one more step."""
    return replace(one, steps=(*one.steps, step))


def event_of(one: Anonymization, step: Taken, versions: Mapping[Layer, int | None]) -> Event | None:
    """Return the event of a step, None for one that has only begun; it holds no value.

    `versions` are those that the tables of anonymized and published have now.
    """
    if step.stage not in EVENTS:
        return None
    facts: dict[str, str | int | float] = {
        "anonymization": one.id,
        "contract_version": one.version,
        "contract_sha256": one.sha256,
        "batches": len(one.batches),
        "records": one.records,
    }
    if step.stage is Stage.DRY_RUN:
        facts |= {"withheld_records": one.withheld, "refused_batches": len(one.refused)}
        facts["seconds"] = one.seconds
        for column in one.columns:
            name = column["column"]
            facts[f"technique/{name}"] = column["technique"] or "none"
            facts[f"affected/{name}"] = column["affected"]
            facts[f"changed/{name}"] = column["changed"]
    if one.before is not None and step.stage in (Stage.APPLIED, Stage.ROLLED_BACK):
        for layer, now in versions.items():
            version = getattr(one.before, layer.value)
            facts[f"{layer}_version_before"] = "none" if version is None else version
            facts[f"{layer}_version"] = "none" if now is None else now
    return Event(EVENTS[step.stage], one.dataset, None, step.by, step.why, facts)


def not_to_be_applied(one: Anonymization) -> StepRefusedError:
    """Return why a dry run is not applied: nobody has approved it, or it was done already."""
    if one.stage is Stage.DRY_RUN:
        command = f"lakehouse anonymize {one.dataset} --approve {one.id} --by NAME --why TEXT"
        problem = f"has to be approved first, by somebody other than {one.steps[0].by}: {command}"
    else:
        problem = f"is {one.stage} already"
    return StepRefusedError(f"dry run {one.id}", problem)
