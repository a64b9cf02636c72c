"""The objects behind signed URLs of the local directory: bytes in by PUT, bytes out by GET."""

import asyncio
from typing import Annotated, Any, Self

from fastapi import APIRouter, Query, Request, Response, status
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import FileResponse, JSONResponse
from starlette.requests import ClientDisconnect

from lakehouse_pipeline.api.entry import Entry
from lakehouse_pipeline.api.exported import exported
from lakehouse_pipeline.api.parts import OfficeOf, SignerOf
from lakehouse_pipeline.audit.events import Event, EventType
from lakehouse_pipeline.lake.landing import Landing
from lakehouse_pipeline.lake.signing import Permit, SignedUrlError, Signer
from lakehouse_pipeline.lake.uploads import (
    Landed,
    NotCsvError,
    PartOfFileError,
    TooLargeError,
    Upload,
    require_csv_name,
)
from lakehouse_pipeline.names import Layer
from lakehouse_pipeline.orchestration.consumption import Consumed, consumed
from lakehouse_pipeline.orchestration.office import Office

router = APIRouter(prefix="/objects", tags=["signed URLs"])
BUFFER = 5 * 2**19
SPARE = 2**19
"""Bytes of a buffer that are kept free, so that a piece of the body is seldom cut in two."""
CSV_TYPES = frozenset(
    {
        "",
        "application/csv",
        "application/gzip",
        "application/octet-stream",
        "application/vnd.ms-excel",
        "application/x-gzip",
        "application/x-www-form-urlencoded",  # what `curl --data-binary` says of anything
        "application/zstd",
        "text/csv",
        "text/plain",
        "text/tab-separated-values",
    }
)
Filename = Annotated[
    str, Query(pattern=r"^[A-Za-z0-9_.-]{0,200}$", description="The name to save it under.")
]
Token = Annotated[str, Query(description="What a signed URL ends with.")]


@router.put("/landing/{dataset}/{name}", status_code=status.HTTP_201_CREATED)
async def put(
    dataset: str,
    name: str,
    request: Request,
    office: OfficeOf,
    signer: SignerOf,
    token: Token = "",
) -> Response:
    """Take a file: whole and on the disk when this answers, or nothing of it is kept."""
    permit = permitted(request, signer, token, f"landing/{dataset}/{name}")
    _require_csv(request, name)
    if "content-range" in request.headers:
        raise PartOfFileError
    length = request.headers.get("content-length", "0")
    if length.isdigit() and int(length) > permit.max_bytes:
        raise TooLargeError(permit.max_bytes)
    folder = Landing(office.settings.landing).folder(dataset)
    try:
        landed = await _receive(request, Upload(folder, name, permit.max_bytes))
    except ClientDisconnect:  # nobody is there to be answered, and nothing was kept
        return Response(status_code=status.HTTP_400_BAD_REQUEST)
    await run_in_threadpool(_requested, office, dataset, landed, permit.actor)
    said = {
        "dataset": dataset,
        "filename": landed.path.name,
        "batch_id": landed.batch,
        "bytes": landed.bytes,
        "sha256": landed.sha256,
    }
    code = status.HTTP_201_CREATED if landed.is_new else status.HTTP_200_OK
    return JSONResponse(said, status_code=code)


@router.get("/exports/{path:path}", response_class=FileResponse)
def get(
    path: str,
    request: Request,
    office: OfficeOf,
    signer: SignerOf,
    token: Token = "",
    filename: Filename = "",
) -> Response:
    """Give published data; `Range`, `If-Range` and `If-None-Match` are understood."""
    permit = permitted(request, signer, token, f"exports/{path}")
    answer = exported(request, office.settings.exports / path, filename)
    if answer.status_code == status.HTTP_304_NOT_MODIFIED:
        return answer
    dataset = path.partition("/")[0]
    told = Consumed(dataset, permit.actor, f"GET exports/{path}", {"object": f"exports/{path}"})
    consumed(office.instance, told)
    return answer


@router.api_route(
    "/{path:path}",
    methods=["GET", "HEAD", "PUT", "POST", "DELETE", "PATCH", "OPTIONS", "TRACE"],
    include_in_schema=False,
)
def other(path: str, request: Request, signer: SignerOf, token: Token = "") -> None:
    """Refuse every other method and object."""
    signer.permit(token, request.method, path)
    raise SignedUrlError("is for another object")


def permitted(request: Request, signer: Signer, token: str, path: str) -> Permit:
    """Return what a URL allows. Raises: SignedUrlError: it does not allow this, or not any more."""
    permit = signer.permit(token, request.method, path)
    entry: Entry = request.app.state.entry
    if permit.token_id and entry.is_revoked(permit.token_id):
        raise SignedUrlError("was asked for with a token that has been revoked")
    return permit


def _require_csv(request: Request, name: str) -> None:
    require_csv_name(name)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in CSV_TYPES:
        raise NotCsvError(f"an upload of type '{kind}'")
    coding = request.headers.get("content-encoding", "identity").strip().lower()
    if coding != "identity":
        raise NotCsvError(f"an upload in the Content-Encoding '{coding}'")


async def _receive(request: Request, upload: Upload) -> Landed:
    """Write the body piece by piece, so that memory does not grow with it."""
    with upload:
        async with _Writing(upload) as writing:
            async for chunk in request.stream():
                await writing.add(chunk)
        return await run_in_threadpool(upload.land)


class _Writing:
    """Two buffers by turns: one is written in a thread while the other one is filled.

    They are used again and again, since memory that is asked for anew costs more than the copy, and
    are larger than a processor's own cache, since what another one still holds is slow to fetch.
    """

    def __init__(self, upload: Upload) -> None:
        self._upload = upload
        self._filling, self._other = (memoryview(bytearray(BUFFER)) for _ in range(2))
        self._filled = 0
        self._going_on: asyncio.Future[None] | None = None

    async def add(self, chunk: bytes) -> None:
        """Take more of the body. Raises: what writing the bytes before raised."""
        rest = memoryview(chunk)
        while rest:
            taken = rest[: BUFFER - self._filled]
            self._filling[self._filled : self._filled + len(taken)] = taken
            self._filled += len(taken)
            rest = rest[len(taken) :]
            if self._filled > BUFFER - SPARE:
                await self._write()

    async def _write(self) -> None:
        """Wait for the buffer before, then begin to write this one."""
        if self._going_on is not None:
            await self._going_on
        piece = self._filling[: self._filled]
        self._going_on = asyncio.ensure_future(run_in_threadpool(self._upload.write, piece))
        self._filling, self._other = self._other, self._filling
        self._filled = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: object, error: object, trace: object) -> None:
        """Write what is left, unless there was an error; return when nothing is written any more.

        Raises: what writing raised, unless there was an error already.
        """
        if error is None:
            await self._write()
        if self._going_on is None:
            return
        await asyncio.wait([self._going_on])
        failed = self._going_on.exception()
        if failed is not None and error is None:
            raise failed


def _requested(office: Office, dataset: str, landed: Landed, by: str) -> None:
    facts: dict[str, Any] = {
        "file": landed.path.name,
        "batch_id": landed.batch,
        "bytes": landed.bytes,
        "sha256": landed.sha256,
    }
    kind = EventType.APPEND_INGESTION_REQUESTED
    event = Event(kind, dataset, None, by, f"PUT {landed.path.name}", facts)
    office.report(event, Layer.RAW)
