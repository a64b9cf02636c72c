"""The addresses of the portal: the datasets, one dataset, one batch, and the parts that change."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from lakehouse_pipeline.api.parts import OfficeOf, ui_address_of
from lakehouse_pipeline.api.portal import static_files
from lakehouse_pipeline.api.portal.access import viewer, visible
from lakehouse_pipeline.api.portal.batch_words import duration, is_final, reason, sentence
from lakehouse_pipeline.api.portal.decisions import releasable, waiting_versions
from lakehouse_pipeline.api.portal.language import language_of
from lakehouse_pipeline.api.portal.quarantined import SHOWN, first_rows
from lakehouse_pipeline.api.portal.route import PageRoute
from lakehouse_pipeline.api.portal.templates import render
from lakehouse_pipeline.api.portal.words import Speech
from lakehouse_pipeline.contracts.model import Contract
from lakehouse_pipeline.lake.landing import HASH_DIGITS
from lakehouse_pipeline.layers.sentences import sentences
from lakehouse_pipeline.orchestration.office import Office
from lakehouse_pipeline.orchestration.overview import overviews

router = APIRouter(include_in_schema=False, route_class=PageRoute)
router.include_router(static_files.router)
PAGE = 50
Offset = Annotated[int, Query(ge=0, le=2**53)]


@router.get("/")
def index(request: Request, office: OfficeOf) -> Response:
    """Show every dataset at a glance."""
    found = list(overviews(office.instance, office.store, visible(office)))
    ui = ui_address_of(request)
    return render(request, "datasets", datasets=found, duration=duration, ui=ui)


@router.get("/portal/datasets/{dataset}")
def dataset_page(dataset: str, request: Request, office: OfficeOf, offset: Offset = 0) -> Response:
    """Show a dataset: what waits, a place to drop files, its batches, what they must look like."""
    life, who = office.store.life_cycle(dataset), viewer()
    contract = office.store.shown(dataset)
    return render(
        request,
        "dataset",
        contract=contract,
        state=life.shown.state.value if life.shown else "",
        closed=life.closed,
        who=who,
        waiting=list(waiting_versions(life, who.name)) if who.decide else (),
        said=_said_of_columns(contract, request),
        ui=ui_address_of(request),
        **_batches(dataset, request, office, offset),
    )


@router.get("/portal/datasets/{dataset}/batches")
def batches_part(dataset: str, request: Request, office: OfficeOf, offset: Offset = 0) -> Response:
    """Show the table of batches alone; the script puts it in place of the former one."""
    return render(request, "batches", **_batches(dataset, request, office, offset))


@router.get("/portal/datasets/{dataset}/delivered")
def delivered(dataset: str, batch: str, request: Request, office: OfficeOf) -> dict[str, Any]:
    """Say what became of a file that was uploaded, under its name or of the same content."""
    say = Speech(language_of(request))
    office.store.require(dataset)
    known = office.instance.get_dynamic_partitions(dataset)
    same = [key for key in known if key[-HASH_DIGITS:] == batch[-HASH_DIGITS:]]
    if not same:
        return {"batch": None, "final": False, "said": say("said.arriving")}
    if batch not in same:
        said = say("said.same", batch=same[0])
        return {"batch": same[0], "final": True, "state": "same", "said": said}
    state = office.state(dataset, batch)
    said = sentence(state, say)
    return {"batch": batch, "final": is_final(state), "state": state.state, "said": said}


@router.get("/portal/datasets/{dataset}/batches/{batch}")
def batch_page(dataset: str, batch: str, request: Request, office: OfficeOf) -> Response:
    """Show a batch: where its records are, its checks, and the first quarantined records."""
    return render(request, "batch", **_batch(dataset, batch, request, office))


@router.get("/portal/datasets/{dataset}/batches/{batch}/part")
def batch_part(dataset: str, batch: str, request: Request, office: OfficeOf) -> Response:
    """Show what changes of the page of a batch."""
    return render(request, "batch_part", **_batch(dataset, batch, request, office))


def _batches(dataset: str, request: Request, office: Office, offset: int) -> dict[str, Any]:
    """Return a page of batches, the newest first; only these are read."""
    say = Speech(language_of(request))
    office.store.require(dataset)
    keys = list(office.instance.get_dynamic_partitions(dataset))[::-1]
    states = office.states(dataset, keys[offset : offset + PAGE])[::-1]
    return {
        "dataset": dataset,
        "batches": [(state, sentence(state, say), reason(state, say)) for state in states],
        "busy": any(not is_final(state) for state in states),
        "total": len(keys),
        "offset": offset,
        "page": PAGE,
    }


def _batch(dataset: str, batch: str, request: Request, office: Office) -> dict[str, Any]:
    """Return what there is to say of a batch."""
    language = language_of(request)
    say = Speech(language)
    contract = office.store.shown(dataset)
    state = office.state(dataset, batch)
    who = viewer()
    rows = []
    if state.quarantined:
        rows = first_rows(office.settings, contract, batch, language, values=who.inspect)
    return {
        "dataset": dataset,
        "state": state,
        "said": sentence(state, say),
        "why": reason(state, say),
        "busy": not is_final(state),
        "reasons": sentences(contract, language),
        "columns": contract.column_names if who.inspect else (),
        "personal": {column.name for column in contract.columns if column.personal},
        "rows": rows,
        "who": who,
        "releasable": releasable(contract),
        "most": SHOWN,
        "ui": ui_address_of(request),
    }


def _said_of_columns(contract: Contract, request: Request) -> dict[str, list[str]]:
    """Return the sentences of the rules that can quarantine a record, by column."""
    said = sentences(contract, language_of(request))
    return {
        name: [text for rule, text in said.items() if rule.startswith(f"{name}.")]
        for name in contract.column_names
    }
