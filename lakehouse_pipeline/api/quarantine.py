"""The records set aside: page through them with every reason, send them back, let them pass."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any, Self

from fastapi import APIRouter, Query, Request
from fastapi.concurrency import run_in_threadpool
from pydantic import Field, model_validator

from lakehouse_pipeline.api.parts import MAX_PAGE, ActorOf, Call, Limit, OfficeOf, example
from lakehouse_pipeline.lake.engine import engine
from lakehouse_pipeline.lake.quarantine import quarantined_counts, quarantined_records
from lakehouse_pipeline.lake.tables import Tables
from lakehouse_pipeline.lake.uploads import TooLargeError
from lakehouse_pipeline.orchestration.batches import require_batches
from lakehouse_pipeline.orchestration.office import Office
from lakehouse_pipeline.orchestration.quarantine import Desk

router = APIRouter(prefix="/datasets/{dataset}", tags=["quarantine"])
DEEPEST = 100_000
"""How far one can page; who needs more narrows it to a batch or exports."""

CORRECTION_BYTES = 64 * 2**20
_CORRECTED = "batch,record,reasons,id,amount,text\nmay-d0398a0c,2,,2,3.00,\n"
_CORRECTIONS = {
    "requestBody": {
        "required": True,
        "content": {"text/csv": {"schema": {"type": "string"}, "example": _CORRECTED}},
    }
}
Batches = Annotated[list[str] | None, Query(description="Only of these batches; repeatable.")]


class ReleaseCall(Call):
    """What may pass: records by number, those that break a rule, or the batch as a whole."""

    model_config = example(records=[2], by="Sam", why="a refund")

    records: Annotated[
        list[Annotated[int, Field(ge=1, lt=2**63)]] | None,
        Field(min_length=1, max_length=MAX_PAGE, examples=[[2]]),
    ] = None
    rule: Annotated[
        str | None, Field(min_length=1, max_length=500, examples=["amount.maximum"])
    ] = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if self.records is not None and self.rule is not None:
            raise ValueError('give "records" or "rule", not both')
        return self


@router.get("/quarantine")
def read(
    dataset: str,
    office: OfficeOf,
    batch: Batches = None,
    limit: Limit = 100,
    offset: Annotated[int, Query(ge=0, le=DEEPEST)] = 0,
) -> dict[str, Any]:
    """Page through the quarantined records as they stood, each with every reason."""
    contract = office.store.shown(dataset)
    require_batches(office.instance, dataset, batch or ())
    settings = office.settings
    with engine(settings.home / "tmp", settings.memory_limit, settings.threads) as connection:
        tables = Tables(settings.lake)
        counts = quarantined_counts(connection, tables, dataset, batch)
        found = quarantined_records(connection, tables, contract, batch, offset + limit + 1)
    following = offset + limit if len(found) > offset + limit else None
    items = found[offset : offset + limit]
    return {"items": items, "rules": counts, "next_offset": following}


@router.post("/batches/{batch}/release")
def release(dataset: str, batch: str, body: ReleaseCall, office: OfficeOf) -> dict[str, Any]:
    """Let records pass although a rule fails, or publish a batch that its gate holds back."""
    office.state(dataset, batch)
    desk = desk_for(office, dataset, batch, body)
    with office.exclusive(dataset):
        if body.records:
            said: object = desk.release_records(body.records)
        else:
            said = desk.release_batch() if body.rule is None else desk.release_rule(body.rule)
    return {"released": said, "batch": office.state(dataset, batch)}


@router.post("/batches/{batch}/corrections", openapi_extra=_CORRECTIONS)
async def correct(
    dataset: str,
    batch: str,
    request: Request,
    office: OfficeOf,
    by: ActorOf,
    why: Annotated[str, Query(max_length=1000)] = "corrected by the supplier",
) -> dict[str, Any]:
    """Take the exported CSV back with corrected values, as the body of the request."""
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > CORRECTION_BYTES:
            raise TooLargeError(CORRECTION_BYTES)
    call = Call(by=by, why=why)
    return await run_in_threadpool(_correct, office, dataset, batch, bytes(content), call)


def _correct(
    office: Office, dataset: str, batch: str, content: bytes, call: Call
) -> dict[str, Any]:
    before = office.state(dataset, batch)
    temporary = office.settings.home / "tmp"
    temporary.mkdir(exist_ok=True)
    with TemporaryDirectory(dir=temporary) as folder, office.exclusive(dataset):
        file = Path(folder) / "corrections.csv"
        file.write_bytes(content)
        given = desk_for(office, dataset, batch, call).correct(file)
    state = office.state(dataset, batch)
    return {
        "corrected": given.records.num_rows,
        "unchanged": given.unchanged,
        "elsewhere": given.elsewhere,
        "passed": (state.validated or 0) - (before.validated or 0),
        "batch": state,
    }


def desk_for(office: Office, dataset: str, batch: str, call: Call) -> Desk:
    """Return the desk for a batch, in the name of who calls. Raises: NamelessStepError."""
    contract = office.store.active(dataset)
    return Desk(office.instance, office.settings, contract, batch, call.by, call.why)
