"""`/grants`: leave to consume a dataset's published data, for a purpose and until a day."""

from dataclasses import asdict
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Query, status
from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field

from lakehouse_pipeline.api.caller import Reached, reachable, within_reach
from lakehouse_pipeline.api.parts import ActorOf, Call, Limit, OfficeOf, Offset, page
from lakehouse_pipeline.audit.grants import Grant, GrantState, expiry
from lakehouse_pipeline.orchestration.grants import (
    Wanted,
    dataset_of,
    give,
    grant_of,
    grants_of,
    now,
    revoke,
)

router = APIRouter(prefix="/grants", tags=["grants"])
Said = Annotated[str, Field(min_length=1, max_length=200, pattern=r"\S")]


def _reached(grant: str) -> str:
    within_reach(dataset_of(grant))
    return grant


GrantId = Annotated[str, AfterValidator(_reached)]
"""A grant by its id; one of a dataset out of reach is refused, whether it is there or not."""


def _of_a_day(said: object) -> object:
    """Return what says a day. Raises: ValueError: it has a time, too, whose zone nobody knows."""
    if isinstance(said, str) and len(said) > len("2027-12-31"):
        raise ValueError("a time needs its zone, as 2027-12-31T18:00:00Z")
    return said


Day = Annotated[date, BeforeValidator(_of_a_day)]


class GrantCall(Call):
    """Who may consume what, for which purpose, and until when."""

    dataset: Annotated[Reached, Field(examples=["sales"])]
    consumer: Annotated[Said, Field(examples=["marketing"])]
    purpose: Annotated[Said, Field(examples=["monthly revenue report"])]
    expires: Annotated[
        AwareDatetime | Day,
        Field(description="A day, to its end in UTC, or a time.", examples=["2027-12-31"]),
    ]


class RevokeCall(Call):
    """Who revokes a grant, and why."""

    why: Annotated[str, Field(max_length=1000, examples=["the project has ended"])]


@router.post("", status_code=status.HTTP_201_CREATED)
def create(body: GrantCall, office: OfficeOf) -> dict[str, Any]:
    """Give a grant; its `id` is the `grant` of a download or a query, which is then on record."""
    office.store.require(body.dataset)
    wanted = Wanted(body.dataset, body.consumer, body.purpose, expiry(body.expires, now()))
    return _shown(give(office.instance, wanted, body.by, body.why))


@router.get("")
def list_grants(
    office: OfficeOf,
    dataset: str | None = None,
    consumer: str | None = None,
    state: GrantState | None = None,
    limit: Limit = 100,
    offset: Offset = 0,
) -> dict[str, Any]:
    """List the grants, those that have ended too, the oldest of each dataset first."""
    if dataset is not None:
        office.store.require(within_reach(dataset))
    datasets = reachable(office.store.datasets()) if dataset is None else [dataset]
    grants = (grant for name in datasets for grant in grants_of(office.instance, name).values())
    found = [_shown(grant) for grant in grants if consumer in {None, grant.consumer}]
    if state is not None:
        found = [grant for grant in found if grant["state"] == state]
    return page(found, limit, offset)


@router.get("/{grant}")
def read(grant: GrantId, office: OfficeOf) -> dict[str, Any]:
    """Show a grant."""
    return _shown(grant_of(office.instance, grant))


@router.post("/{grant}/revoke")
def revoke_grant(grant: GrantId, body: RevokeCall, office: OfficeOf) -> dict[str, Any]:
    """Revoke a grant: download URLs made under it stop to work at once."""
    return _shown(revoke(office.instance, grant, body.by, body.why))


@router.delete("/{grant}")
def delete(
    grant: GrantId,
    office: OfficeOf,
    by: ActorOf,
    why: Annotated[str, Query(max_length=1000)] = "DELETE /grants",
) -> dict[str, Any]:
    """Revoke a grant, as `POST …/revoke` does; it stays on record."""
    return _shown(revoke(office.instance, grant, by, why))


def _shown(grant: Grant) -> dict[str, Any]:
    return asdict(grant) | {"state": grant.state(now())}
