"""`GET /events`: the events of people and programs, the oldest first, page by page."""

import json
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from lakehouse_pipeline.api.caller import bound_to, within_reach
from lakehouse_pipeline.api.parts import Limit, OfficeOf
from lakehouse_pipeline.audit.events import EventType
from lakehouse_pipeline.orchestration.event_stream import Chosen, events_after

router = APIRouter(tags=["events"])
NDJSON = "application/x-ndjson"


@router.get("/events", response_model=None)
def read(
    request: Request,
    office: OfficeOf,
    dataset: str | None = None,
    type: Annotated[EventType | None, Query(description="One type of event.")] = None,  # noqa: A002 - its name in the URL
    batch: str | None = None,
    cursor: Annotated[int, Query(ge=0, le=2**62, description="The last page's `cursor`.")] = 0,
    limit: Limit = 100,
) -> Response | dict[str, Any]:
    """List events; give `cursor` back to get what came after. NDJSON where `Accept` asks for it.

    Those about no dataset (who got a token, who was refused) have `dataset` null.
    """
    if dataset is not None:
        within_reach(dataset)
    chosen = Chosen(dataset, type, batch, bound_to())
    found, following = events_after(office.instance, chosen, cursor, limit)
    items = [asdict(event) for event in found]
    if NDJSON in request.headers.get("accept", ""):
        text = "".join(json.dumps(item, ensure_ascii=False) + "\n" for item in items)
        return Response(text, media_type=NDJSON, headers={"X-Next-Cursor": str(following)})
    return {"items": items, "cursor": following}
