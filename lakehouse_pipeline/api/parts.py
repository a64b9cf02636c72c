"""What every resource uses: the office and the signer of the app, pages, and who acts."""

from collections.abc import Sequence
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Query, Request
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    ValidationInfo,
    field_validator,
)

from lakehouse_pipeline.api.caller import ANONYMOUS, actor
from lakehouse_pipeline.lake.signing import Signer
from lakehouse_pipeline.orchestration.home_lock import PREFIX, running
from lakehouse_pipeline.orchestration.office import Office

T = TypeVar("T")
MAX_PAGE = 1000


class Body(BaseModel):
    """Base of the bodies: a key that is not known is an error."""

    model_config = ConfigDict(extra="forbid")

    @field_validator("*", mode="before")
    @classmethod
    def _flags_are_flags(cls, value: object, info: ValidationInfo) -> object:
        """Refuse what would otherwise be read as the number 1 or 0."""
        of_flags = cls.model_fields[str(info.field_name)].annotation is bool
        if isinstance(value, bool) and not of_flags:
            raise ValueError("true and false have no meaning here")
        return value


class Call(Body):
    """What every call that changes something may say: who calls, and why.

    With a token `by` is the token's name, whatever is left out.
    """

    by: Annotated[
        str,
        Field(max_length=200, description="Who calls; stays on record.", validate_default=True),
        AfterValidator(actor),
    ] = ANONYMOUS
    why: Annotated[str, Field(max_length=1000, description="For what reason.")] = ""


def example(**said: JsonValue) -> ConfigDict:
    """Return what lets the reference begin with this body, and not with a value for every key."""
    return ConfigDict(json_schema_extra={"examples": [said]})


def _office(request: Request) -> Office:
    office: Office = request.app.state.office
    return office


def _signer(request: Request) -> Signer:
    signer: Signer = request.app.state.signer
    return signer


def _actor(
    by: Annotated[
        str, Query(max_length=200, description="Who calls; stays on record.")
    ] = ANONYMOUS,
) -> str:
    return actor(by)


ActorOf = Annotated[str, Depends(_actor)]
"""Who acts, of calls whose body has no room for `by`."""


def ui_address_of(request: Request) -> str | None:
    """Return where the caller finds the UI, None when it does not run."""
    holder = running(_office(request).settings)
    if holder is not None and holder.view_port:
        return f"{str(request.base_url).rstrip('/')}{PREFIX}"
    return holder.url if holder else None


OfficeOf = Annotated[Office, Depends(_office)]
UiAddress = Annotated[str | None, Depends(ui_address_of)]
SignerOf = Annotated[Signer, Depends(_signer)]
Limit = Annotated[int, Query(ge=1, le=MAX_PAGE, description="How many at most.")]
Offset = Annotated[int, Query(ge=0, le=2**53, description="How many to leave out first.")]


def page(items: Sequence[T], limit: int, offset: int) -> dict[str, Any]:
    """Return a part of `items`, their number, and the offset of the next page (null: none)."""
    end = offset + limit
    following = end if end < len(items) else None
    return {"items": list(items[offset:end]), "total": len(items), "next_offset": following}
