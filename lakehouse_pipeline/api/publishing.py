"""Whole batches: published although something is against it, or withdrawn from published."""

from typing import Annotated, Any

from fastapi import APIRouter, Body

from lakehouse_pipeline.api.parts import Call, OfficeOf
from lakehouse_pipeline.api.quarantine import desk_for

router = APIRouter(prefix="/datasets/{dataset}/batches/{batch}", tags=["batches"])
_PUBLISH = {
    "a batch that was withdrawn": {"value": {"by": "Sam", "why": "the supplier confirmed it"}}
}
_WITHDRAW = {"a wrong file": {"value": {"by": "Sam", "why": "the supplier sent last year's file"}}}


@router.post("/publish")
def publish(
    dataset: str,
    batch: str,
    body: Annotated[Call, Body(openapi_examples=_PUBLISH)],
    office: OfficeOf,
) -> dict[str, Any]:
    """Publish a batch that was withdrawn, or that its gate holds back; `waived` says what was.

    Its records that break a rule stay in quarantine.
    """
    office.state(dataset, batch)
    desk = desk_for(office, dataset, batch, body)
    with office.exclusive(dataset):
        waived = desk.release_batch()
    return {"waived": waived, "batch": office.state(dataset, batch)}


@router.post("/withdraw")
def withdraw(
    dataset: str,
    batch: str,
    body: Annotated[Call, Body(openapi_examples=_WITHDRAW)],
    office: OfficeOf,
) -> dict[str, Any]:
    """Withdraw a batch: none of its records is in published when this answers.

    `POST …/publish` brings it back.
    """
    office.state(dataset, batch)
    desk = desk_for(office, dataset, batch, body)
    with office.exclusive(dataset):
        desk.hold()
    return {"batch": office.state(dataset, batch)}
