"""Signed URLs to upload a file into a landing folder; those to download are in `downloads.py`."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Request
from pydantic import Field

from lakehouse_pipeline.api.bucket_urls import upload_to
from lakehouse_pipeline.api.caller import ANONYMOUS, CALLER, Reached
from lakehouse_pipeline.api.parts import Call, OfficeOf, SignerOf, example
from lakehouse_pipeline.audit.events import Event, EventType
from lakehouse_pipeline.lake.bucket_folder import objects_of
from lakehouse_pipeline.lake.signing import Permit, Signer
from lakehouse_pipeline.lake.uploads import require_csv_name
from lakehouse_pipeline.names import Layer
from lakehouse_pipeline.orchestration.office import Office

router = APIRouter(tags=["signed URLs"])
LONGEST_SECONDS = 86_400
Seconds = Annotated[int, Field(ge=1, le=LONGEST_SECONDS, description="How long the URL works.")]


class UploadCall(Call):
    """A file that is to be uploaded."""

    model_config = example(filename="sales_2024_01.csv")

    filename: Annotated[str, Field(max_length=300, examples=["sales_2024_01.csv"])]
    max_bytes: Annotated[int | None, Field(gt=0, description="Less than the API allows.")] = None
    expires_seconds: Seconds = 900


class UploadInto(UploadCall):
    """A file that is to be uploaded into a dataset."""

    model_config = example(dataset="sales", filename="sales_2024_01.csv")

    dataset: Reached


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
        tell(office, dataset, body, Permit("PUT", key), Layer.RAW)
        return given
    allowed = office.settings.upload_max_bytes
    limit = min(body.max_bytes or allowed, allowed)
    permit = permit_of("PUT", f"landing/{dataset}/{body.filename}", limit)
    answer = signed(request, signer, permit, body.expires_seconds)
    tell(office, dataset, body, permit, Layer.RAW)
    return answer | {"method": "PUT", "filename": body.filename, "max_bytes": limit, "headers": {}}


@router.post("/upload-url")
def upload_url_into(
    body: UploadInto, request: Request, office: OfficeOf, signer: SignerOf
) -> dict[str, Any]:
    """Return a URL that takes one CSV file by PUT, as the body."""
    return upload_url(body.dataset, body, request, office, signer)


def permit_of(method: str, path: str, max_bytes: int = 0) -> Permit:
    """Return what the URL allows, in the name of who asks for it."""
    token = CALLER.get()
    if token is None:
        return Permit(method, path, max_bytes, ANONYMOUS)
    return Permit(method, path, max_bytes, token.name, token.id)


def signed(request: Request, signer: Signer, permit: Permit, seconds: float) -> dict[str, Any]:
    """Return the URL that a permit is handed out with, and when it expires."""
    token, expires = signer.token(permit, seconds)
    base = str(request.base_url).rstrip("/")
    at = datetime.fromtimestamp(expires, UTC).isoformat()
    return {"url": f"{base}/objects/{quote(permit.path)}?token={token}", "expires_at": at}


def tell(
    office: Office,
    dataset: str,
    call: Call,
    permit: Permit,
    layer: Layer,
    more: Mapping[str, str | int | float] | None = None,
) -> None:
    """Write that a URL was handed out; `more` is what the event says beside that."""
    why = call.why or f"{permit.method} {permit.path}"
    facts: dict[str, str | int | float] = {"method": permit.method, "object": permit.path}
    facts |= more or {}
    event = Event(EventType.SIGNED_URL_CREATED, dataset, None, call.by, why, facts)
    office.report(event, layer)
