"""Quarantine for who delivered the file: a CSV to correct and send back, the reasons in words."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import FileResponse
from starlette.background import BackgroundTask

from lakehouse_pipeline.api.parts import ActorOf, Limit, OfficeOf, Offset, page
from lakehouse_pipeline.api.temporary import removed
from lakehouse_pipeline.lake.engine import engine, own_folder
from lakehouse_pipeline.lake.quarantine import Report, write_report
from lakehouse_pipeline.lake.quarantine_reasons import broken_rules
from lakehouse_pipeline.lake.tables import Tables
from lakehouse_pipeline.layers.sentences import Language, sentences
from lakehouse_pipeline.names import Layer
from lakehouse_pipeline.orchestration.batches import require_batches
from lakehouse_pipeline.orchestration.consumption import Consumed, consumed
from lakehouse_pipeline.orchestration.office import Office

router = APIRouter(prefix="/datasets/{dataset}/quarantine", tags=["quarantine"])
Batches = Annotated[list[str] | None, Query(description="Only of these batches; repeatable.")]
Lang = Annotated[Language, Query(description="The language of the reasons.")]


@router.get(
    "/export",
    response_class=FileResponse,
    responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}}},
)
def export(
    dataset: str,
    office: OfficeOf,
    by: ActorOf,
    batch: Batches = None,
    lang: Lang = "en",
) -> FileResponse:
    """Give the quarantined records as CSV: why in words, then their values as they stood.

    With corrected values it is the body of `POST …/batches/{batch}/corrections`.
    """
    contract = office.store.shown(dataset)
    _require(office, dataset, batch)
    settings = office.settings
    temporary = settings.home / "tmp"
    with engine(temporary, settings.memory_limit, settings.threads) as connection:
        folder = own_folder(temporary)
        target = folder / "report.csv"
        report = Report(contract, batch, sentences(contract, lang))
        count = write_report(connection, Tables(settings.lake), report, target)
    facts: dict[str, str | int | float] = {"records": count, "format": "csv"}
    consumed(office.instance, Consumed(dataset, by, "quarantine export", facts), Layer.QUARANTINED)
    return FileResponse(
        target,
        media_type="text/csv; charset=utf-8",
        filename=f"{dataset}-quarantine.csv",
        background=BackgroundTask(removed, folder),
    )


@router.get("/reasons")
def reasons(
    dataset: str,
    office: OfficeOf,
    batch: Batches = None,
    lang: Lang = "en",
    limit: Limit = 100,
    offset: Offset = 0,
) -> dict[str, Any]:
    """List the rules that records broke, each with how many did and a plain sentence."""
    contract = office.store.shown(dataset)
    _require(office, dataset, batch)
    settings = office.settings
    said = sentences(contract, lang)
    with engine(settings.home / "tmp", settings.memory_limit, settings.threads) as connection:
        found = broken_rules(connection, Tables(settings.lake), dataset, batch, said)
    return page(found, limit, offset)


def _require(office: Office, dataset: str, batches: list[str] | None) -> None:
    """Raise: UnknownBatchError: a batch that was named is none of the dataset."""
    if batches:
        require_batches(office.instance, dataset, batches)
