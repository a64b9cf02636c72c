"""`POST /query`: one SELECT over published data, read-only and bounded; rows as `Accept` asks."""

import asyncio
import shutil
from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import FileResponse
from pydantic import Field
from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException

from lakehouse_pipeline.api.caller import reachable, within_reach
from lakehouse_pipeline.api.downloads import granted_facts
from lakehouse_pipeline.api.parts import Call, OfficeOf, example
from lakehouse_pipeline.api.queries import Queries, Question, Result
from lakehouse_pipeline.api.query_process import ResultFormat
from lakehouse_pipeline.api.temporary import removed
from lakehouse_pipeline.audit.grants import Grant
from lakehouse_pipeline.lake.engine import own_folder
from lakehouse_pipeline.lake.judged_query import judged_datasets
from lakehouse_pipeline.orchestration.consumption import Fact, queried
from lakehouse_pipeline.orchestration.grants import dataset_of, grant_of, now
from lakehouse_pipeline.orchestration.office import Office

router = APIRouter(tags=["query"])
MEDIA_TYPES: Mapping[str, ResultFormat] = {
    "application/json": ResultFormat.JSON,
    "application/x-ndjson": ResultFormat.NDJSON,
    "text/csv": ResultFormat.CSV,
    "application/vnd.apache.arrow.file": ResultFormat.ARROW,
}
CUT = "X-Result-Cut"
MOST_ROWS = 100_000
MOST_SECONDS = 60.0


class QueryCall(Call):
    """A SELECT over datasets by their names, and how much of its result is wanted."""

    model_config = example(sql="SELECT count(*) AS records, sum(amount) AS total FROM sales")

    sql: Annotated[
        str,
        Field(
            min_length=1,
            max_length=100_000,
            examples=["SELECT count(*) AS records, sum(amount) AS total FROM sales"],
        ),
    ]
    limit: Annotated[int, Field(ge=1, le=MOST_ROWS, description="Rows at most.")] = 10_000
    timeout_seconds: Annotated[float, Field(ge=0.1, le=MOST_SECONDS)] = 30.0
    grant: Annotated[
        str | None, Field(max_length=300, description="Only the grant's dataset is read then.")
    ] = None


def _queries(request: Request) -> Queries:
    queries: Queries = request.app.state.queries
    return queries


QueriesOf = Annotated[Queries, Depends(_queries)]
_ROWS = {
    "description": f"The rows. `{CUT}: true` when the query had more than `limit`.",
    "content": {
        "application/json": {
            "schema": {"type": "object"},
            "example": {
                "columns": [{"name": "records", "type": "int64"}],
                "rows": [{"records": 2}],
                "cut": False,
            },
        },
        "application/x-ndjson": {"schema": {"type": "string"}, "example": '{"records":2}\n'},
        "text/csv": {"schema": {"type": "string"}, "example": "records\n2\n"},
        "application/vnd.apache.arrow.file": {"schema": {"type": "string", "format": "binary"}},
    },
}


@router.post("/query", response_class=FileResponse, responses={200: _ROWS})
async def query(
    body: QueryCall, request: Request, office: OfficeOf, queries: QueriesOf
) -> FileResponse:
    """Run one SELECT over published data, by dataset names; DuckDB's SQL, and nothing else of it.

    Files, settings, other layers and every statement but SELECT are refused. Rows come as JSON,
    NDJSON, CSV or an Arrow file, as `Accept` says; decimals and times are texts in JSON.
    """
    media_type = _accepted(request.headers.get("accept", ""))
    grant = await run_in_threadpool(_grant, office, body.grant)
    datasets = await run_in_threadpool(_judged, office, body.sql, grant)
    result = MEDIA_TYPES[media_type]
    question = Question(body.sql, body.limit, body.timeout_seconds, result, datasets)
    temporary = office.settings.home / "tmp"
    temporary.mkdir(exist_ok=True)
    folder = own_folder(temporary)
    try:
        target = folder / "rows"
        done = await asyncio.wrap_future(queries.ask(question, target))
        await run_in_threadpool(_tell, office, body, grant, done)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return FileResponse(
        target,
        media_type=media_type,
        headers={CUT: str(done.cut).lower()},
        background=BackgroundTask(removed, folder),
    )


def _grant(office: Office, name: str | None) -> Grant | None:
    """Return the grant that is named. Raises: UnknownGrantError, GrantRefusedError."""
    if name is None:
        return None
    within_reach(dataset_of(name))
    grant = grant_of(office.instance, name)
    grant.require(grant.dataset, now())
    return grant


def _judged(office: Office, sql: str, grant: Grant | None) -> tuple[str, ...]:
    """Return the datasets that a query reads; no process is started for one that may not run.

    Raises: QueryError: it is not one SELECT over published data.
    """
    allowed = reachable(office.store.datasets()) if grant is None else [grant.dataset]
    return judged_datasets(sql, allowed)


def _tell(office: Office, body: QueryCall, grant: Grant | None, done: Result) -> None:
    facts: dict[str, Fact] = {"rows": done.rows, "cut": int(done.cut)}
    facts |= granted_facts(grant) if grant else {}
    actor = grant.consumer if grant else body.by
    why = grant.purpose if grant else body.why
    queried(office.instance, done.datasets, actor, why or "POST /query", facts)


def _accepted(header: str) -> str:
    """Return the media type that an `Accept` asks for most. Raises: HTTPException: 406."""
    wanted = [_weighed(part) for part in header.lower().split(",") if part.strip()]
    for media_type, weight in sorted(wanted, key=lambda one: -one[1]):
        if weight > 0 and media_type in {"*/*", "application/*"}:
            return "application/json"
        if weight > 0 and media_type == "text/*":
            return "text/csv"
        if weight > 0 and media_type in MEDIA_TYPES:
            return media_type
    if not wanted:
        return "application/json"
    said = f"Rows are given as {', '.join(MEDIA_TYPES)}."
    raise HTTPException(HTTPStatus.NOT_ACCEPTABLE, said)


def _weighed(part: str) -> tuple[str, float]:
    media_type, *parameters = (piece.strip() for piece in part.split(";"))
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return media_type, float(value)
            except ValueError:
                return media_type, 0.0
    return media_type, 1.0
