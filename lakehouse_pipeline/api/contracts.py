"""`/contracts`: register the next version in few words or as a whole ODCS document; its life."""

import json
from typing import Annotated, Any

import yaml
from fastapi import APIRouter, Query, Request, Response, status
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from pydantic import Field, ValidationError

from lakehouse_pipeline.api.caller import Reached, bound_to, within_reach
from lakehouse_pipeline.api.parts import ActorOf, Call, Limit, OfficeOf, Offset, example, page
from lakehouse_pipeline.contracts.life_cycle import next_command
from lakehouse_pipeline.contracts.simple import ShortContractError, changed
from lakehouse_pipeline.contracts.yaml_positions import MAX_DEPTH, YamlFaultError, parse_yaml
from lakehouse_pipeline.lake.contract_steps import Given, Steps
from lakehouse_pipeline.orchestration.batches import BatchState
from lakehouse_pipeline.orchestration.office import Office, Registered

router = APIRouter(tags=["contracts"])
_TOO_DEEP = f"nested more than {MAX_DEPTH} levels deep; write it with fewer"
_EXAMPLES = {
    "in few words": {"value": {"dataset": "sales", "retention_days": 365}},
    "rules": {
        "value": {
            "dataset": "sales",
            "privacy_rules": {"id": "mask"},
            "quality_rules": {"amount": ">0"},
        }
    },
}
_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": {"type": "object"}, "examples": _EXAMPLES},
            "application/yaml": {"schema": {"type": "string"}},
        },
    }
}


class NewVersion(Call):
    """What the next version of a contract says beside what the newest one says."""

    dataset: Reached
    retention_days: Annotated[float | None, Field(gt=0)] = None
    compliance: str | None = None
    privacy_rules: dict[str, str | dict[str, Any]] | None = None
    quality_rules: dict[str, str | list[str]] | None = None


class StepCall(Call):
    """A step in the life of a version; without a version the newest one that it fits."""

    model_config = example(version="2.0.0", by="Sam", why="agreed with the shop")

    version: str | None = None
    breaking: Annotated[
        bool, Field(description="Activate it also when it breaks what was promised.")
    ] = False


class RetireCall(Call):
    """A version that is never to be used again."""

    model_config = example(version="1.0.0", by="Sam", why="its promises were never met")

    version: Annotated[str, Field(max_length=100, examples=["1.0.0"])]


@router.post("/contracts", status_code=status.HTTP_201_CREATED, openapi_extra=_BODY)
async def register(
    request: Request,
    response: Response,
    office: OfficeOf,
    by: ActorOf,
    why: Annotated[str, Query(max_length=1000)] = "POST /contracts",
) -> Registered:
    """Register the next version of a contract; it is active at once if nothing is against it.

    Either in few words, about a dataset that is known, or as a whole ODCS 3.1 document, JSON or
    YAML. `state` says where the version stands, `next` what it waits for.
    """
    content = await request.body()
    known = await run_in_threadpool(_register, office, content, by, why)
    if isinstance(known, Registered):
        return known
    response.status_code = status.HTTP_200_OK
    return known[0]


@router.get("/datasets/{dataset}/contracts")
def versions(
    dataset: str, office: OfficeOf, limit: Limit = 100, offset: Offset = 0
) -> dict[str, Any]:
    """List the versions of a dataset's contract, the oldest first."""
    life = office.store.life_cycle(dataset)
    found = [
        {
            "version": version.name,
            "state": version.state,
            "author": version.author,
            "approved_by": version.approved_by,
            "next": next_command(life, version.name),
        }
        for version in life.versions.values()
    ]
    return page(found, limit, offset)


@router.post("/datasets/{dataset}/contracts/approve")
def approve(dataset: str, body: StepCall, office: OfficeOf) -> dict[str, Any]:
    """Approve a version that somebody else registered; batches that waited in raw go on."""
    return _followed(office, dataset, _steps(office, body).approve(dataset, body.version), body)


@router.post("/datasets/{dataset}/contracts/decline")
def decline(dataset: str, body: StepCall, office: OfficeOf) -> dict[str, Any]:
    """Decline a version: it never becomes active."""
    return _followed(office, dataset, _steps(office, body).decline(dataset, body.version), body)


@router.post("/datasets/{dataset}/contracts/activate")
def activate(dataset: str, body: StepCall, office: OfficeOf) -> dict[str, Any]:
    """Make a version the active one, or take a deprecated dataset up again."""
    steps = _steps(office, body)
    given = steps.activate(dataset, body.version, breaking=body.breaking)
    return _followed(office, dataset, given, body)


@router.post("/datasets/{dataset}/contracts/deprecate")
def deprecate(dataset: str, body: StepCall, office: OfficeOf) -> dict[str, Any]:
    """Deprecate a version, or (without one) the dataset: it takes no new files."""
    return _followed(office, dataset, _steps(office, body).deprecate(dataset, body.version), body)


@router.post("/datasets/{dataset}/contracts/retire")
def retire(dataset: str, body: RetireCall, office: OfficeOf) -> dict[str, Any]:
    """Retire a version that is not active: nothing brings it back."""
    return _followed(office, dataset, _steps(office, body).retire(dataset, body.version), body)


def _register(office: Office, content: bytes, by: str, why: str) -> Registered | tuple[Registered]:
    """Return what was registered; in a tuple when nothing had to be changed for it."""
    said = _parsed(content)
    if "dataset" not in said:
        if bound_to() is not None:
            within_reach(office.dataset_of(content))
        return office.register(content, by, why)
    try:
        call = NewVersion.model_validate(said)
    except ValidationError as error:
        raise RequestValidationError(error.errors()) from None
    office.store.require(call.dataset)
    newest = office.newest(call.dataset)
    path = dict(office.store.versions(call.dataset))[newest.version]
    old = parse_yaml(path.read_text("utf-8")).value
    document = changed(
        old,  # type: ignore[arg-type]  # it is a sound contract
        retention_days=call.retention_days,
        compliance=call.compliance,
        privacy=call.privacy_rules,
        quality=call.quality_rules,
    )
    version = office.numbered(_dumped(document))
    if version == newest.version:
        life = office.store.life_cycle(call.dataset)
        state = life.versions[version].state
        return (Registered(call.dataset, version, state, next_command(life, version)),)
    document["version"] = version
    return office.register(_dumped(document), call.by, call.why or "POST /contracts")


def _parsed(content: bytes) -> dict[str, Any]:
    """Return the object that JSON or YAML says. Raises: ShortContractError: it says none."""
    try:
        said = _value(content.decode())
    except UnicodeDecodeError:
        raise ShortContractError("body", "expected UTF-8") from None
    except YamlFaultError as error:
        raise ShortContractError("body", f"neither JSON nor YAML: {error}") from None
    except RecursionError:
        raise ShortContractError("body", _TOO_DEEP) from None
    if not isinstance(said, dict):
        expected = 'expected {"dataset": …, "retention_days": …} or a whole ODCS document'
        raise ShortContractError("body", expected)
    if not _is_flat(said, MAX_DEPTH):
        raise ShortContractError("body", _TOO_DEEP)
    return said


def _value(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return parse_yaml(text).value


def _is_flat(value: object, levels: int) -> bool:
    """Return whether a value is nested in no more than so many levels."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return levels >= 0 and all(_is_flat(one, levels - 1) for one in inner)


def _dumped(document: dict[str, Any]) -> bytes:
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True).encode()


def _steps(office: Office, call: Call) -> Steps:
    return Steps(office.store, call.by, call.why)


def _followed(office: Office, dataset: str, given: Given, call: Call) -> dict[str, Any]:
    states: list[BatchState]
    given, states = office.followed(dataset, given, call.by)
    return {"steps": given.lines, "breaking": given.breaking, "batches": states}
