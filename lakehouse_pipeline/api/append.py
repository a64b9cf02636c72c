"""`POST /datasets/{d}/append`: take in a file that already lies in the store, without moving it."""

from typing import Annotated

from fastapi import APIRouter, Response, status
from pydantic import Field

from lakehouse_pipeline.api.parts import Call, OfficeOf
from lakehouse_pipeline.orchestration.append import Appended
from lakehouse_pipeline.orchestration.append import append as append_object

router = APIRouter(tags=["batches"])


class AppendCall(Call):
    """A file of the store, by its path below the folder or bucket that has `landing/`."""

    object: Annotated[
        str, Field(min_length=1, max_length=1000, examples=["landing/incoming/sales_2024_02.csv"])
    ]


@router.post(
    "/datasets/{dataset}/append",
    status_code=status.HTTP_202_ACCEPTED,
    responses={200: {"model": Appended, "description": "Its content is a batch already."}},
)
def append(dataset: str, body: AppendCall, office: OfficeOf, response: Response) -> Appended:
    """Append an object that already lies in the store: a CSV file under `landing/`, or in a bucket.

    It is taken as a file that was dropped: by the sensor within seconds, or by `POST /replay`.
    Content that is a batch already is skipped (`duplicate`).
    """
    done = append_object(office, dataset, body.object, body.by, body.why)
    if done.duplicate:
        response.status_code = status.HTTP_200_OK
    return done
