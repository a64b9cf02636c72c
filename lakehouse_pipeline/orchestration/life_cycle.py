"""The ledgers' lines as events on the contract's asset, each told once.

The ledger comes first and the event second, so a line may have none when a process dies in between,
or when a file was placed by hand. Whoever comes next tells what is missing: every command of the
life cycle, `lakehouse up`, and the sensor. An event carries its line's number, so the newest one
says how far the telling went.
"""

from collections.abc import Iterable, Iterator, Sequence

import dagster as dg
from filelock import FileLock

from lakehouse_pipeline.audit.events import Event, EventType
from lakehouse_pipeline.contracts.life_cycle import LifeCycle, Line, Step, Version, on_record
from lakehouse_pipeline.contracts.model import Contract
from lakehouse_pipeline.errors import ContractError
from lakehouse_pipeline.lake.contract_store import NOBODY, ContractStore
from lakehouse_pipeline.orchestration.contract_asset import Facts, materialization
from lakehouse_pipeline.orchestration.events import observation
from lakehouse_pipeline.orchestration.keys import contract_key
from lakehouse_pipeline.orchestration.metadata import reading_version
from lakehouse_pipeline.settings import Settings

LINE = "ledger_line"
PAGE = 100
EVENT = "lakehouse/event"

TYPES = {
    Step.APPROVED: EventType.CONTRACT_APPROVED,
    Step.DECLINED: EventType.CONTRACT_DECLINED,
    Step.ACTIVATED: EventType.DATASET_VERSION_ACTIVATED,
    Step.DEPRECATED: EventType.CONTRACT_DEPRECATED,
    Step.RETIRED: EventType.CONTRACT_RETIRED,
}

Told = set[tuple[int, str]]
"""Lines by number, with the name of the event about them; a materialization has none."""


def report_life_cycle(
    instance: dg.DagsterInstance, settings: Settings, datasets: Iterable[str] | None = None
) -> None:
    """Write the events that lines of these datasets (None: all) still lack.

    Files that were placed by hand are put on record first. A dataset with a broken ledger is
    passed over: it is shown as refused.
    """
    store = ContractStore(settings.contracts)
    for dataset in store.datasets() if datasets is None else datasets:
        try:
            store.adopt(dataset)
            lines = store.ledger(dataset)
        except ContractError:
            continue
        if lines:
            with FileLock(settings.dagster / ".life_cycle.lock"):
                _tell(instance, store, dataset, lines)


def _tell(
    instance: dg.DagsterInstance, store: ContractStore, dataset: str, lines: Sequence[Line]
) -> None:
    told = _told(instance, dataset)
    newest = max((number for number, _ in told), default=1)
    for line in lines[newest - 1 :]:
        for event in _events(store, dataset, lines, line):
            if (line.number, _name(event)) not in told:
                instance.report_runless_asset_event(event)


def _told(instance: dg.DagsterInstance, dataset: str) -> Told:
    """Return the newest lines that were told, and with which events."""
    key, told, cursor = contract_key(dataset), set[tuple[int, str]](), None
    made = instance.fetch_materializations(key, limit=PAGE).records
    told |= {_mark(r.asset_materialization) for r in made if r.asset_materialization}
    while True:
        page = instance.fetch_observations(key, limit=PAGE, cursor=cursor)
        told |= {_mark(r.asset_observation) for r in page.records if r.asset_observation}
        if any(number and name for number, name in told) or not page.has_more:
            return {mark for mark in told if mark[0]}
        cursor = page.cursor


def _mark(event: dg.AssetMaterialization | dg.AssetObservation) -> tuple[int, str]:
    number = event.metadata[LINE].value if LINE in event.metadata else 0
    return (number if isinstance(number, int) else 0, _name(event))


def _name(event: dg.AssetMaterialization | dg.AssetObservation) -> str:
    return str(event.metadata[EVENT].value) if EVENT in event.metadata else ""


def _events(
    store: ContractStore, dataset: str, lines: Sequence[Line], line: Line
) -> Iterator[dg.AssetMaterialization | dg.AssetObservation]:
    """Yield what is to be told of a line, in this order."""
    life = store.life_cycle(dataset)
    files = [version.contract for version in life.versions.values()]
    before, after = (on_record(files, lines[:n]) for n in (line.number - 1, line.number))
    facts: Facts = {LINE: line.number, "at": line.at}
    version = life.versions.get(line.version or "")
    if version and version.contract.sha256 == line.sha256:
        former = _other(before.former, line)
        if line.step is Step.DEFINED:
            in_force = (after.active or version).contract
            yield materialization(life, version, facts, in_force, former)
        elif line.step is Step.ACTIVATED and _reads_otherwise(before, lines, line, version):
            yield materialization(life, version, facts, version.contract, former)
    named = line.version or (after.active.name if after.active else "")
    facts |= {"version": named, "sha256": line.sha256}
    if line.step is Step.ACTIVATED and before.active and before.active.name != named:
        facts |= {"supersedes": before.active.name}
    for kind in _types(lines, line):
        event = Event(kind, dataset, None, line.by or NOBODY, line.why, facts)
        yield observation(event, None)


def _other(former: Version | None, line: Line) -> Contract | None:
    """Return the version that was active last before a line, unless the line is about it."""
    return former.contract if former and former.name != line.version else None


def _reads_otherwise(
    before: LifeCycle, lines: Sequence[Line], line: Line, version: Version
) -> bool:
    """Return whether files are read otherwise since this activation than was told last."""
    defined = [one for one in lines[: line.number] if one.step is Step.DEFINED]
    if before.active is None:
        return bool(defined) and defined[-1].sha256 != line.sha256
    return reading_version(before.active.contract) != reading_version(version.contract)


def _types(lines: Sequence[Line], line: Line) -> list[EventType]:
    """Return the events of a line: the first version ever defined registers the dataset."""
    if line.step is Step.DEFINED:
        first = next(one for one in lines if one.step is Step.DEFINED)
        if line == first:
            return [EventType.DATASET_REGISTERED, EventType.CONTRACT_DEFINED]
        return [EventType.CONTRACT_UPDATED]
    if line.version is None and line.step is Step.DEPRECATED:
        return [EventType.DATASET_DEPRECATED]
    return [TYPES[line.step]]
