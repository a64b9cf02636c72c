"""The batches of a dataset: state, counts, why, and where they stand in the UI."""

from dataclasses import asdict
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter

from lakehouse_pipeline.api.parts import Limit, OfficeOf, Offset, UiAddress, page
from lakehouse_pipeline.orchestration.batches import BatchState

router = APIRouter(prefix="/datasets/{dataset}/batches", tags=["batches"])


@router.get("")
def list_batches(
    dataset: str, office: OfficeOf, ui: UiAddress, limit: Limit = 100, offset: Offset = 0
) -> dict[str, Any]:
    """List the batches in the order they arrived."""
    listed = page(office.states(dataset), limit, offset)
    return listed | {"items": [_shown(state, ui) for state in listed["items"]]}


@router.get("/{batch}")
def read(dataset: str, batch: str, office: OfficeOf, ui: UiAddress) -> dict[str, Any]:
    """Show a batch; `rules` counts its quarantined records per rule.

    `checks` are `rules` (warns when records were quarantined), `gate` (fails when the batch is
    refused) and, where the contract has `privacy`, `privacy`, as they went last.
    """
    shown = _shown(office.state(dataset, batch), ui)
    return shown | {"checks": [asdict(check) for check in office.checks(dataset, batch)]}


def _shown(state: BatchState, ui: str | None) -> dict[str, Any]:
    """Return a batch with the address of its page in the UI, null when that does not run."""
    asset = f"/assets/{quote(state.dataset)}/published?view=partitions&partition="
    return asdict(state) | {"ui": f"{ui}{asset}{quote(state.batch)}" if ui else None}
