"""Signed URLs of published data: a batch, several, a range or all; under a grant or without one.

The URL of a download under a grant names the grant in its signed path; every GET looks the grant up
again, so that it ends with the grant.
"""

from typing import Annotated, Any, Self

from fastapi import APIRouter, Request, Response, status
from fastapi.responses import FileResponse
from pydantic import ConfigDict, Field, model_validator

from lakehouse_pipeline.api.bucket_urls import download_from
from lakehouse_pipeline.api.exported import exported
from lakehouse_pipeline.api.objects import Filename, Token, permitted
from lakehouse_pipeline.api.parts import Call, OfficeOf, SignerOf, example
from lakehouse_pipeline.api.problems import NotPublishedError
from lakehouse_pipeline.api.urls import Seconds, permit_of, signed, tell
from lakehouse_pipeline.audit.grants import Grant
from lakehouse_pipeline.contracts.published import published_columns
from lakehouse_pipeline.lake.bucket_folder import objects_of
from lakehouse_pipeline.lake.landing import HASH_DIGITS, bare_name, stem_of
from lakehouse_pipeline.lake.result_file import FileFormat
from lakehouse_pipeline.lake.signing import Permit, Signer
from lakehouse_pipeline.lake.tables import Tables
from lakehouse_pipeline.names import Layer
from lakehouse_pipeline.orchestration.batches import BatchState
from lakehouse_pipeline.orchestration.consumption import Consumed, Fact, consumed
from lakehouse_pipeline.orchestration.grants import grant_of, now
from lakehouse_pipeline.orchestration.office import Office
from lakehouse_pipeline.pipeline.export import Exported, ExportRequest, export

router = APIRouter(tags=["signed URLs"])
MOST = 1000
Name = Annotated[str, Field(max_length=300)]


class DownloadCall(Call):
    """Published data that is to be downloaded: which batches, in which version, which part."""

    model_config = ConfigDict(populate_by_name=True, **example(filename="sales_2024_01.csv"))

    filename: Annotated[Name | None, Field(examples=["sales_2024_01.csv"])] = None
    batch_id: Name | None = None
    batches: Annotated[list[Name] | None, Field(min_length=1, max_length=MOST)] = None
    first: Annotated[
        Name | None,
        Field(alias="from", description="The first batch by name; how it begins is enough."),
    ] = None
    last: Annotated[Name | None, Field(alias="to", description="The last batch, as `from`.")] = None
    all: Annotated[bool, Field(description="Every batch.")] = False
    version: Annotated[
        int | None, Field(ge=0, lt=2**63, description="The table as it was in this version.")
    ] = None
    columns: Annotated[
        list[Name] | None,
        Field(min_length=1, max_length=MOST, description="In this order.", examples=[["amount"]]),
    ] = None
    where: Annotated[
        str | None,
        Field(max_length=10_000, description="A condition on one record.", examples=["amount > 8"]),
    ] = None
    format: FileFormat = FileFormat.CSV
    grant: Annotated[Name | None, Field(description="The grant it is taken under.")] = None
    expires_seconds: Seconds = 900

    @model_validator(mode="after")
    def _one(self) -> Self:
        of_batches = self.first is not None or self.last is not None
        said = [self.filename, self.batch_id, self.batches, of_batches or None, self.all or None]
        if len(said) - said.count(None) != 1:
            raise ValueError(
                'give one of "filename", "batch_id", "batches", "from"/"to" and "all": true'
            )
        return self


@router.post("/datasets/{dataset}/download-url")
def download_url(
    dataset: str, body: DownloadCall, request: Request, office: OfficeOf, signer: SignerOf
) -> dict[str, Any]:
    """Return a URL of published data; the file is made once per version and reused.

    With a `grant` the URL works no longer than that: it ends when the grant expires or is revoked.
    """
    grant = _grant(office, dataset, body.grant)
    batches = _batches(office, dataset, body)
    made = _export(office, dataset, batches, body)
    batch = batches[0] if batches and len(batches) == 1 else None
    saved_as = f"{batch or dataset}.{body.format}"
    exports = objects_of(office.settings.exports)
    if exports is not None and grant is None:
        key, answer = download_from(exports, made.path, saved_as, body.expires_seconds)
        permit = permit_of("GET", key)
    else:
        permit, answer = _own_url(request, signer, made, body, grant)
        answer["url"] += f"&filename={saved_as}"
    tell(office, dataset, body, permit, Layer.PUBLISHED, _facts(body, made, grant))
    size = made.path.stat().st_size
    said = {"method": "GET", "batch_id": batch, "version": made.version, "bytes": size}
    return answer | said | {"reused": made.reused, "grant": grant.id if grant else None}


@router.get("/objects/granted/{grant}/{dataset}/{name}", response_class=FileResponse)
def get(
    grant: str,
    dataset: str,
    name: str,
    request: Request,
    office: OfficeOf,
    signer: SignerOf,
    token: Token = "",
    filename: Filename = "",
) -> Response:
    """Give published data under a grant, as long as that stands."""
    permitted(request, signer, token, f"granted/{grant}/{dataset}/{name}")
    found = grant_of(office.instance, grant)
    found.require(dataset, now())
    answer = exported(request, office.settings.exports / dataset / name, filename)
    if answer.status_code != status.HTTP_304_NOT_MODIFIED:
        facts = granted_facts(found) | {"object": f"exports/{dataset}/{name}"}
        told = Consumed(dataset, found.consumer, found.purpose, facts)
        consumed(office.instance, told)
    return answer


def _own_url(
    request: Request, signer: Signer, made: Exported, body: DownloadCall, grant: Grant | None
) -> tuple[Permit, dict[str, Any]]:
    """Return what a URL of this API permits, and the URL: under a grant in a bucket's place too."""
    name = f"{made.path.parent.name}/{made.path.name}"
    permit = permit_of("GET", f"granted/{grant.id}/{name}" if grant else f"exports/{name}")
    seconds = float(body.expires_seconds)
    if grant:
        seconds = min(seconds, (grant.expires - now()).total_seconds())
    return permit, signed(request, signer, permit, seconds)


def granted_facts(grant: Grant) -> dict[str, Fact]:
    """Return what an event says of the grant that something was taken under."""
    return {"grant": grant.id, "consumer": grant.consumer, "purpose": grant.purpose}


def _grant(office: Office, dataset: str, name: str | None) -> Grant | None:
    """Return the grant that is named. Raises: UnknownGrantError, GrantRefusedError."""
    if name is None:
        return None
    office.store.require(dataset)
    grant = grant_of(office.instance, name)
    grant.require(dataset, now())
    return grant


def _facts(body: DownloadCall, made: Exported, grant: Grant | None) -> dict[str, Fact]:
    """Return what the event says; not the condition, which may hold values."""
    facts: dict[str, Fact] = {"format": body.format.value, "version": made.version or 0}
    facts |= {"filtered": int(body.where is not None)}
    if body.columns is not None:
        facts["columns"] = ", ".join(body.columns)[:1000]
    return facts | (granted_facts(grant) if grant else {})


def _batches(office: Office, dataset: str, body: DownloadCall) -> list[str] | None:
    """Return the batches that are named, None for a range or all.

    Of a file that came several times the newest batch is taken that is published.
    Raises: UnknownDatasetError, UnknownBatchError, NotPublishedError.
    """
    if body.batch_id is not None:
        return [office.state(dataset, body.batch_id).batch]
    if body.batches is not None:
        return [office.state(dataset, name).batch for name in dict.fromkeys(body.batches)]
    if body.filename is None:
        office.store.require(dataset)
        return None
    name = body.filename
    named = [state for state in office.states(dataset) if _may_be_of(state, name)]
    for state in reversed(named):
        if state.state == "published":
            return [state.batch]
    why = "no batch has come from a file of this name."
    if named:
        why = f"its batch {named[-1].batch} is {named[-1].state}. {named[-1].why}"
    raise NotPublishedError(dataset, f"file '{body.filename}'", why)


def _may_be_of(state: BatchState, filename: str) -> bool:
    """Return whether a batch came from a file of this name, or from one that is called as it is.

    Files of different names may have one stem (`a b.csv`, `a_b.csv`).
    """
    stem = stem_of(filename)
    if stem != state.batch[: -HASH_DIGITS - 1]:
        return stem == state.batch
    known = bare_name(state.file) if state.file else state.batch
    return known in (bare_name(filename), state.batch)


def _export(
    office: Office, dataset: str, batches: list[str] | None, body: DownloadCall
) -> Exported:
    """Return the file of what is asked for, with the columns that the contract promises.

    Raises: NotPublishedError: nothing of it is published now, and no older version is asked for.
    """
    settings = office.settings
    contract = office.store.shown(dataset)
    published = Tables(settings.lake).batches(dataset, Layer.PUBLISHED)
    for batch in batches or () if body.version is None else ():
        if batch not in published:
            raise NotPublishedError(dataset, f"batch '{batch}'", "see the states of its batches.")
    if not published and body.version is None:
        raise NotPublishedError(dataset, "anything", "see the states of its batches.")
    request = ExportRequest(
        dataset,
        body.format,
        batches,
        body.first,
        body.last,
        body.columns or [column.name for column in published_columns(contract)],
        body.where,
        body.version,
    )
    return export(settings.home, request, settings.memory_limit, settings.threads, settings.lake)
