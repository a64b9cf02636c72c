"""`/anonymizations`: try a way of making a dataset safe, approve it, apply it, take it back."""

import asyncio
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Response, status
from pydantic import Field

from lakehouse_pipeline.api.parts import MAX_PAGE, Call, Limit, OfficeOf, Offset, example, page
from lakehouse_pipeline.api.replay import WAIT_SECONDS, Replays, ReplaysOf, said
from lakehouse_pipeline.lake.anonymizations import shown
from lakehouse_pipeline.orchestration.anonymization import AnonymizationDesk, Rehearsal
from lakehouse_pipeline.orchestration.anonymization_rollback import RollbackDesk
from lakehouse_pipeline.orchestration.batches import BatchState
from lakehouse_pipeline.orchestration.office import Office

router = APIRouter(prefix="/datasets/{dataset}/anonymizations", tags=["anonymizations"])


class DryRunCall(Call):
    """What is tried: a contract version, the active one without it, over some batches or all."""

    model_config = example(contract="2.0.0", by="Ada", why="a stronger technique")

    contract: Annotated[str | None, Field(max_length=100, examples=["2.0.0"])] = None
    batches: Annotated[
        list[Annotated[str, Field(max_length=500)]] | None,
        Field(min_length=1, max_length=MAX_PAGE),
    ] = None


class StepCall(Call):
    """Who approves, applies or takes back, and why."""

    model_config = example(by="Sam", why="the sample looks right")


@router.post("", status_code=status.HTTP_201_CREATED)
def rehearse(dataset: str, body: DryRunCall, office: OfficeOf) -> Rehearsal:
    """Make a dry run: what would be published of which column, and a sample of five records.

    Nothing is changed. The sample is in this answer and is kept nowhere, whatever
    `Idempotency-Key` is sent: a repeated call is another dry run.
    """
    return _desk(office).rehearse(dataset, body.contract, body.batches or [], body.by, body.why)


@router.get("")
def list_anonymizations(
    dataset: str, office: OfficeOf, limit: Limit = 100, offset: Offset = 0
) -> dict[str, Any]:
    """List the dry runs and what became of them, the oldest first; without samples."""
    return page([shown(one) for one in _desk(office).listed(dataset)], limit, offset)


@router.post("/{anonymization}/approve")
def approve(dataset: str, anonymization: str, body: StepCall, office: OfficeOf) -> dict[str, Any]:
    """Approve a dry run that somebody else made."""
    return shown(_desk(office).approve(dataset, anonymization, body.by, body.why))


@router.post("/{anonymization}/apply")
async def apply(
    dataset: str,
    anonymization: str,
    body: StepCall,
    response: Response,
    office: OfficeOf,
    replays: ReplaysOf,
) -> dict[str, Any]:
    """Apply an approved dry run: its batches are made safe and published again from validated.

    Answers as `POST /replay` does: `done` (200), or `running` after 60 s (202) with `watch`.
    """

    def work() -> list[BatchState]:
        with office.exclusive(dataset):
            return _desk(office).apply(dataset, anonymization, body.by)[1]

    return await _done(dataset, work, response, replays)


@router.post("/{anonymization}/rollback")
async def rollback(
    dataset: str,
    anonymization: str,
    body: StepCall,
    response: Response,
    office: OfficeOf,
    replays: ReplaysOf,
) -> dict[str, Any]:
    """Take back what was applied; refused where an erasure or anything else came in between.

    Answers as `POST /replay` does.
    """

    def work() -> list[BatchState]:
        with office.exclusive(dataset):
            desk = RollbackDesk(_desk(office))
            return desk.roll_back(dataset, anonymization, body.by, body.why)[1]

    return await _done(dataset, work, response, replays)


def _desk(office: Office) -> AnonymizationDesk:
    return AnonymizationDesk(office.instance, office.settings)


async def _done(
    dataset: str, work: Callable[[], list[BatchState]], response: Response, replays: Replays
) -> dict[str, Any]:
    started = replays.pool.submit(work)
    name = replays.remember(dataset, started)
    await asyncio.wait([asyncio.wrap_future(started)], timeout=WAIT_SECONDS)
    return said(name, started, response)
