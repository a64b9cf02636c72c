"""What every resource uses: the office and the signer of the app, pages, and who acts."""

from collections.abc import Sequence
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from lakehouse_pipeline.lake.signing import Signer
from lakehouse_pipeline.orchestration.office import Office

T = TypeVar("T")
MAX_PAGE = 1000
ANONYMOUS = "api"
"""Who acts when a call does not say so."""


class Body(BaseModel):
    """Base of the bodies: a key that is not known is an error."""

    model_config = ConfigDict(extra="forbid")


class Call(Body):
    """What every call that changes something may say: who calls, and why."""

    by: Annotated[str, Field(max_length=200, description="Who calls; stays on record.")] = ANONYMOUS
    why: Annotated[str, Field(max_length=1000, description="For what reason.")] = ""


def _office(request: Request) -> Office:
    office: Office = request.app.state.office
    return office


def _signer(request: Request) -> Signer:
    signer: Signer = request.app.state.signer
    return signer


OfficeOf = Annotated[Office, Depends(_office)]
SignerOf = Annotated[Signer, Depends(_signer)]
Limit = Annotated[int, Query(ge=1, le=MAX_PAGE, description="How many at most.")]
Offset = Annotated[int, Query(ge=0, le=2**53, description="How many to leave out first.")]


def page(items: Sequence[T], limit: int, offset: int) -> dict[str, Any]:
    """Return a part of `items`, their number, and the offset of the next page (null: none)."""
    end = offset + limit
    following = end if end < len(items) else None
    return {"items": list(items[offset:end]), "total": len(items), "next_offset": following}
