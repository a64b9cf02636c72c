"""Signed URLs: to upload a file into a landing folder, to download published data."""

from datetime import UTC, datetime
from typing import Annotated, Any, Self
from urllib.parse import quote

from fastapi import APIRouter, Request
from pydantic import Field, model_validator

from lakehouse_pipeline.api.bucket_urls import download_from, upload_to
from lakehouse_pipeline.api.parts import Call, OfficeOf, SignerOf
from lakehouse_pipeline.api.problems import NotPublishedError
from lakehouse_pipeline.audit.events import Event, EventType
from lakehouse_pipeline.contracts.published import published_columns
from lakehouse_pipeline.lake.bucket_folder import objects_of
from lakehouse_pipeline.lake.landing import HASH_DIGITS, stem_of
from lakehouse_pipeline.lake.result_file import FileFormat
from lakehouse_pipeline.lake.signing import Permit, Signer
from lakehouse_pipeline.lake.tables import Tables
from lakehouse_pipeline.lake.uploads import require_csv_name
from lakehouse_pipeline.names import Layer
from lakehouse_pipeline.orchestration.office import Office
from lakehouse_pipeline.pipeline.export import Exported, ExportRequest, export

router = APIRouter(tags=["signed URLs"])
LONGEST_SECONDS = 86_400
Seconds = Annotated[int, Field(ge=1, le=LONGEST_SECONDS, description="How long the URL works.")]


class UploadCall(Call):
    """A file that is to be uploaded."""

    filename: Annotated[str, Field(max_length=300, examples=["sales_2024_01.csv"])]
    max_bytes: Annotated[int | None, Field(gt=0, description="Less than the API allows.")] = None
    expires_seconds: Seconds = 900


class UploadInto(UploadCall):
    """A file that is to be uploaded into a dataset."""

    dataset: str


class DownloadCall(Call):
    """Published data that is to be downloaded; of a batch, by its id or its file, or all."""

    filename: Annotated[str | None, Field(max_length=300, examples=["sales_2024_01.csv"])] = None
    batch_id: str | None = None
    all: bool = False
    format: FileFormat = FileFormat.CSV
    expires_seconds: Seconds = 900

    @model_validator(mode="after")
    def _one(self) -> Self:
        if [self.filename is not None, self.batch_id is not None, self.all].count(True) != 1:
            raise ValueError('give one of "filename", "batch_id" and "all": true')
        return self


@router.post("/datasets/{dataset}/upload-url")
def upload_url(
    dataset: str, body: UploadCall, request: Request, office: OfficeOf, signer: SignerOf
) -> dict[str, Any]:
    """Return a URL that takes one CSV file by PUT, as the body."""
    office.store.require(dataset)
    office.store.require_open(dataset)
    require_csv_name(body.filename)
    if (landing := objects_of(office.settings.landing)) is not None:
        seconds = body.expires_seconds
        key, given = upload_to(landing, dataset, body.filename, seconds, body.max_bytes)
        _tell(office, dataset, body, Permit("PUT", key), Layer.RAW)
        return given
    allowed = office.settings.upload_max_bytes
    limit = min(body.max_bytes or allowed, allowed)
    permit = Permit("PUT", f"landing/{dataset}/{body.filename}", limit)
    answer = _signed(request, signer, permit, body.expires_seconds)
    _tell(office, dataset, body, permit, Layer.RAW)
    return answer | {"method": "PUT", "filename": body.filename, "max_bytes": limit, "headers": {}}


@router.post("/upload-url")
def upload_url_into(
    body: UploadInto, request: Request, office: OfficeOf, signer: SignerOf
) -> dict[str, Any]:
    """Return a URL that takes one CSV file by PUT, as the body."""
    return upload_url(body.dataset, body, request, office, signer)


@router.post("/datasets/{dataset}/download-url")
def download_url(
    dataset: str, body: DownloadCall, request: Request, office: OfficeOf, signer: SignerOf
) -> dict[str, Any]:
    """Return a URL of published data; the file is made once per version and reused."""
    batch = _batch(office, dataset, body)
    made = _export(office, dataset, batch, body.format)
    saved_as = f"{batch or dataset}.{body.format}"
    if (exports := objects_of(office.settings.exports)) is not None:
        key, answer = download_from(exports, made.path, saved_as, body.expires_seconds)
        permit = Permit("GET", key)
    else:
        name = made.path.relative_to(office.settings.exports).as_posix()
        permit = Permit("GET", f"exports/{name}")
        answer = _signed(request, signer, permit, body.expires_seconds)
        answer["url"] += f"&filename={saved_as}"
    _tell(office, dataset, body, permit, Layer.PUBLISHED)
    size = made.path.stat().st_size
    return answer | {"method": "GET", "batch_id": batch, "version": made.version, "bytes": size}


def _signed(request: Request, signer: Signer, permit: Permit, seconds: int) -> dict[str, Any]:
    token, expires = signer.token(permit, seconds)
    base = str(request.base_url).rstrip("/")
    at = datetime.fromtimestamp(expires, UTC).isoformat()
    return {"url": f"{base}/objects/{quote(permit.path)}?token={token}", "expires_at": at}


def _tell(office: Office, dataset: str, call: Call, permit: Permit, layer: Layer) -> None:
    why = call.why or f"{permit.method} {permit.path}"
    facts: dict[str, str | int | float] = {"method": permit.method, "object": permit.path}
    event = Event(EventType.SIGNED_URL_CREATED, dataset, None, call.by, why, facts)
    office.report(event, layer)


def _batch(office: Office, dataset: str, body: DownloadCall) -> str | None:
    """Return the batch that is asked for, None for all.

    Of a file that came several times the newest batch is taken that is published.
    Raises: UnknownDatasetError, UnknownBatchError, NotPublishedError.
    """
    if body.batch_id is not None:
        return office.state(dataset, body.batch_id).batch
    states = office.states(dataset)
    if body.filename is None:
        return None
    stem = stem_of(body.filename)
    named = [s for s in states if stem in (s.batch, s.batch[: -HASH_DIGITS - 1])]
    for state in reversed(named):
        if state.state == "published":
            return state.batch
    why = "no batch has come from a file of this name."
    if named:
        why = f"its batch {named[-1].batch} is {named[-1].state}. {named[-1].why}"
    raise NotPublishedError(dataset, f"file '{body.filename}'", why)


def _export(office: Office, dataset: str, batch: str | None, form: FileFormat) -> Exported:
    """Return the file of the columns that the contract promises. Raises: NotPublishedError."""
    settings = office.settings
    contract = office.store.shown(dataset)
    published = Tables(settings.lake).batches(dataset, Layer.PUBLISHED)
    if not published or (batch is not None and batch not in published):
        what = f"batch '{batch}'" if batch else "anything"
        raise NotPublishedError(dataset, what, "see the states of its batches.")
    request = ExportRequest(
        dataset,
        form,
        batches=None if batch is None else [batch],
        columns=[column.name for column in published_columns(contract)],
    )
    return export(settings.home, request, settings.memory_limit, settings.threads, settings.lake)
