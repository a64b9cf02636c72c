"""The vault of `tokenize`: what a token stands for, for who may know it and says why."""

from typing import Annotated

from fastapi import APIRouter, Body
from pydantic import Field

from lakehouse_pipeline.api.parts import Call, OfficeOf
from lakehouse_pipeline.orchestration.secrecy import Signed, read_token

router = APIRouter(prefix="/datasets/{dataset}/vault", tags=["vault"])
_EXAMPLES = {"a complaint": {"value": {"token": "tok_…", "by": "Sam", "why": "complaint 4711"}}}


class Reading(Call):
    """A token as it stands in published data."""

    token: Annotated[str, Field(max_length=200)]


@router.post("/read")
def read(
    dataset: str, body: Annotated[Reading, Body(openapi_examples=_EXAMPLES)], office: OfficeOf
) -> dict[str, str]:
    """Show the value that a token stands for; the event TokenRead is on the disk before.

    The event has the token, who and why, and never the value. The answer is not kept for an
    `Idempotency-Key`.
    """
    signed = Signed(body.by, body.why)
    return {"value": read_token(office.instance, office.settings, dataset, body.token, signed)}
