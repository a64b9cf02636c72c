"""`/datasets`: register one by its columns alone, list them, read one."""

from collections import Counter
from typing import Annotated, Any

import yaml
from fastapi import APIRouter, status
from pydantic import AfterValidator, Field

from lakehouse_pipeline.api.caller import reachable, within_reach
from lakehouse_pipeline.api.parts import Call, Limit, OfficeOf, Offset, example, page
from lakehouse_pipeline.api.problems import DatasetExistsError
from lakehouse_pipeline.contracts.simple import first_contract
from lakehouse_pipeline.orchestration.office import Office, Registered

router = APIRouter(prefix="/datasets", tags=["datasets"])


class NewDataset(Call):
    """A dataset and its columns."""

    model_config = example(name="sales", schema={"id": "int", "amount": "float"})

    name: Annotated[str, Field(max_length=100, examples=["sales"]), AfterValidator(within_reach)]
    columns: Annotated[
        dict[str, str],
        Field(
            alias="schema",
            description="Types: int, integer, float, number, decimal(p,s), string, bool, date, "
            "timestamp.",
            examples=[{"id": "int", "amount": "float"}],
        ),
    ]


@router.post("", status_code=status.HTTP_201_CREATED)
def register(body: NewDataset, office: OfficeOf) -> Registered:
    """Register a dataset; version 1.0.0 of its contract says its columns and no more."""
    if body.name in office.store.datasets():
        raise DatasetExistsError(body.name)
    document = first_contract(body.name, body.columns)
    content = yaml.safe_dump(document, sort_keys=False, allow_unicode=True).encode()
    return office.register(content, body.by, body.why or "POST /datasets")


@router.get("")
def list_datasets(office: OfficeOf, limit: Limit = 100, offset: Offset = 0) -> dict[str, Any]:
    """List the datasets by name."""
    listed = page(reachable(office.store.datasets()), limit, offset)
    return listed | {"items": [_summary(office, name) for name in listed["items"]]}


@router.get("/{dataset}")
def read(dataset: str, office: OfficeOf) -> dict[str, Any]:
    """Show a dataset: its columns, and how many of its batches are in which state."""
    contract = office.store.shown(dataset)
    columns = [
        {"name": column.name, "type": str(column.type), "personal": column.personal}
        for column in contract.columns
    ]
    states = Counter(state.state for state in office.states(dataset))
    return _summary(office, dataset) | {"columns": columns, "batches": dict(states)}


def _summary(office: Office, dataset: str) -> dict[str, Any]:
    life = office.store.life_cycle(dataset)
    shown = life.shown
    return {
        "dataset": dataset,
        "version": shown.name if shown else None,
        "state": shown.state if shown else None,
        "compliance": shown.contract.compliance if shown else None,
        "open": life.closed is None,
    }
