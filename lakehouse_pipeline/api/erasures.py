"""`/erasures`: one person's records leave every layer; the request and its certificate stay.

The subject's value is in the body of the one POST and nowhere else: no answer, error, event or log
has it. What erasing does is in `orchestration/erasure.py`.
"""

import asyncio
import logging
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, replace
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response, status
from pydantic import AfterValidator, Field, SecretStr, model_validator

from lakehouse_pipeline.api.caller import CALLER, OutOfReachError, bound_to, within_reach
from lakehouse_pipeline.api.parts import Call, Limit, OfficeOf, Offset, page
from lakehouse_pipeline.api.problems import UnknownObjectError
from lakehouse_pipeline.errors import LakehouseError
from lakehouse_pipeline.lake.erased_subjects import EVERY_DATASET
from lakehouse_pipeline.lake.erasure_requests import Erasure
from lakehouse_pipeline.orchestration.erasure import ErasureDesk
from lakehouse_pipeline.orchestration.office import Office

router = APIRouter(prefix="/erasures", tags=["erasures"])
WAIT_SECONDS = 60.0
_log = logging.getLogger("lakehouse.api")


class Erasers:
    """The erasures that this process carries out, one after the other."""

    def __init__(self) -> None:
        self.pool = ThreadPoolExecutor(1, thread_name_prefix="erasure")
        self._known: dict[str, Future[Erasure]] = {}

    def start(self, desk: ErasureDesk, asked: Erasure) -> Future[Erasure]:
        """Begin to carry out a request, or wait in line for it."""
        started = self.pool.submit(desk.carry_out, asked)
        self._known = {name: one for name, one in self._known.items() if not one.done()}
        self._known[asked.id] = started
        started.add_done_callback(lambda ended: _noted(asked.id, ended))
        return started

    def is_at(self, erasure: str) -> bool:
        """Return whether this process is carrying it out, or will."""
        started = self._known.get(erasure)
        return started is not None and not started.done()


def _erasers(request: Request) -> Erasers:
    erasers: Erasers = request.app.state.erasers
    return erasers


ErasersOf = Annotated[Erasers, Depends(_erasers)]


def _reached(dataset: str | None) -> str | None:
    return dataset if dataset is None else within_reach(dataset)


class ErasureCall(Call):
    """Whose records are to go, from which dataset or from `all`, and why."""

    subject: Annotated[
        SecretStr,
        Field(
            min_length=1,
            max_length=1000,
            description="The person: the value of the column that the contract marks with "
            "`subject`, as it arrived. It is kept nowhere, only a keyed hash of it.",
        ),
    ]
    dataset: Annotated[str | None, AfterValidator(_reached), Field(examples=["sales"])] = None
    all: Annotated[
        bool, Field(description="Every dataset that names subjects, those to come too.")
    ] = False
    why: Annotated[str, Field(max_length=1000, examples=["asked by letter of 25 November"])]

    @model_validator(mode="after")
    def _one_scope(self) -> "ErasureCall":
        if (self.dataset is None) is not self.all:
            message = "give 'dataset' or 'all': true, and not both"
            raise ValueError(message)
        token = CALLER.get()
        if self.all and token is not None and token.datasets:
            raise OutOfReachError(token, "all datasets")
        return self


@router.post("", responses={202: {"description": "On record, and not done yet."}})
async def create(
    body: ErasureCall, response: Response, office: OfficeOf, erasers: ErasersOf
) -> dict[str, Any]:
    """Put a request on record and carry it out; records of that person do not enter again.

    Answers 200 with the certificate when it is `done` within 60 s, else 202: it is `running`, or
    `open` when it was cut off, and the nightly job finishes it. `GET /erasures/{id}` says how it
    stands. What cannot be undone: the records, and older versions of the batches concerned.
    """
    desk = ErasureDesk(office.instance, office.settings)
    subject = body.subject.get_secret_value()
    asked = await asyncio.to_thread(desk.request, subject, body.dataset, body.by, body.why)
    started = erasers.start(desk, asked)
    await asyncio.wait([asyncio.wrap_future(started)], timeout=WAIT_SECONDS)
    shown = _shown(desk.erasures.get(asked.id), erasers)
    if shown["state"] != "done":
        response.status_code = status.HTTP_202_ACCEPTED
    return shown


@router.get("")
def list_erasures(
    office: OfficeOf,
    erasers: ErasersOf,
    dataset: str | None = None,
    limit: Limit = 100,
    offset: Offset = 0,
) -> dict[str, Any]:
    """List the erasures, the oldest request first, without what their certificates enumerate."""
    if dataset is not None:
        office.store.require(within_reach(dataset))
    found = [one for one in _within_reach(office) if _is_about(one, dataset)]
    shown = page(found, limit, offset)
    return shown | {"items": [_listed(one, erasers) for one in shown["items"]]}


@router.get("/{erasure}")
def read(erasure: str, office: OfficeOf, erasers: ErasersOf) -> dict[str, Any]:
    """Show a request; once it is `done` that is its certificate: records, and files by hash."""
    found = [one for one in _desk(office).erasures.all() if one.id == erasure]
    if not found:
        raise UnknownObjectError("erasure")
    (one,) = found
    if one.dataset != EVERY_DATASET:
        within_reach(one.dataset)
    return _shown(one, erasers)


def _desk(office: Office) -> ErasureDesk:
    return ErasureDesk(office.instance, office.settings)


def _within_reach(office: Office) -> list[Erasure]:
    """Return the erasures that the caller may know of; those of all datasets are everybody's."""
    own = bound_to()
    return [
        one
        for one in _desk(office).erasures.all()
        if own is None or one.dataset in (EVERY_DATASET, *own)
    ]


def _is_about(erasure: Erasure, dataset: str | None) -> bool:
    return dataset is None or erasure.dataset in (EVERY_DATASET, dataset)


def _shown(erasure: Erasure, erasers: Erasers) -> dict[str, Any]:
    """Return an erasure as far as the caller may see it: a bound token sees its own datasets."""
    own = bound_to()
    seen = erasure if own is None else _cut(erasure, own)
    return {
        **asdict(seen),
        "dataset": None if seen.dataset == EVERY_DATASET else seen.dataset,
        "all": seen.dataset == EVERY_DATASET,
        "state": _state(erasure, erasers),
        "count": seen.count,
    }


def _listed(erasure: Erasure, erasers: Erasers) -> dict[str, Any]:
    shown = _shown(erasure, erasers)
    return {key: shown[key] for key in shown if key not in {"records", *_FILES}}


_FILES = ("files_before", "files_after", "not_searched")


def _cut(erasure: Erasure, own: Sequence[str]) -> Erasure:
    """Return what an erasure did in these datasets."""
    before, after, unsearched = (
        tuple(file for file in files if file["dataset"] in own)
        for files in (erasure.files_before, erasure.files_after, erasure.not_searched)
    )
    return replace(
        erasure,
        searched=tuple(name for name in erasure.searched if name in own),
        records={name: found for name, found in erasure.records.items() if name in own},
        files_before=before,
        files_after=after,
        not_searched=unsearched,
    )


def _state(erasure: Erasure, erasers: Erasers) -> str:
    if erasure.completed is not None:
        return "done"
    return "running" if erasers.is_at(erasure.id) else "open"


def _noted(erasure: str, ended: Future[Erasure]) -> None:
    """Say in the log why an erasure was cut off; what is raised knows hashes only, no value."""
    error = None if ended.cancelled() else ended.exception()
    if isinstance(error, LakehouseError):
        _log.error("erasure %s is still open: %s", erasure, error)
    elif error is not None:
        _log.error("erasure %s is still open", erasure, exc_info=error)
