"""`POST /replay`: judge batches again and take in new files; answers within a minute."""

import asyncio
import secrets
from collections import OrderedDict
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response, status
from pydantic import Field

from lakehouse_pipeline.api.caller import Reached, within_reach
from lakehouse_pipeline.api.parts import Call, OfficeOf, example
from lakehouse_pipeline.api.problems import UnknownObjectError
from lakehouse_pipeline.orchestration.batches import BatchState

router = APIRouter(tags=["batches"])
WAIT_SECONDS = 60.0
REMEMBERED = 1000
WORKERS = 2

Replaying = Future[list[BatchState]]


class Replays:
    """The replays of this process: those that go on, and how the last ones ended."""

    def __init__(self) -> None:
        self.pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="replay")
        self._known: OrderedDict[str, tuple[str, Replaying]] = OrderedDict()

    def remember(self, dataset: str, replay: Replaying) -> str:
        """Return the name under which `find` returns it, as long as not too many came after it."""
        name = secrets.token_hex(8)
        self._known[name] = (dataset, replay)
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return name

    def find(self, name: str) -> Replaying:
        """Return a replay. Raises: UnknownObjectError: there is none within reach."""
        dataset, replay = self._known.get(name, ("", None))
        if replay is None:
            raise UnknownObjectError("replay; it is forgotten when the API starts again")
        within_reach(dataset)
        return replay


def _replays(request: Request) -> Replays:
    replays: Replays = request.app.state.replays
    return replays


ReplaysOf = Annotated[Replays, Depends(_replays)]


class ReplayCall(Call):
    """What is to be judged again: a batch, or all of them and every file that is new."""

    model_config = example(dataset="sales")

    dataset: Reached
    batch_id: Annotated[str | None, Field(min_length=1, max_length=300)] = None


@router.post("/replay")
async def replay(
    body: ReplayCall, response: Response, office: OfficeOf, replays: ReplaysOf
) -> dict[str, Any]:
    """Judge batches again and publish what passes; without `batch_id` take in new files, too.

    `status` says whether it is `done` (200) or still `running` after 60 s (202); then `watch` is
    where to ask again.
    """
    office.store.require(body.dataset)
    started = replays.pool.submit(office.replay, body.dataset, body.batch_id, body.by)
    name = replays.remember(body.dataset, started)
    await asyncio.wait([asyncio.wrap_future(started)], timeout=WAIT_SECONDS)
    return said(name, started, response)


@router.get("/replays/{name}")
def watch(name: str, response: Response, replays: ReplaysOf) -> dict[str, Any]:
    """Say whether a replay is done, and what came of its batches."""
    return said(name, replays.find(name), response)


def said(name: str, replay: Replaying, response: Response) -> dict[str, Any]:
    """Return how a replay stands, or what is waited for in the same way.

    Raises: what it raised, as it was.
    """
    if not replay.done():
        response.status_code = status.HTTP_202_ACCEPTED
        return {"status": "running", "replay_id": name, "watch": f"/replays/{name}"}
    return {"status": "done", "replay_id": name, "batches": replay.result()}
