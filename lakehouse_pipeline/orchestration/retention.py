"""Retention, every night and on demand: what has been kept long enough leaves, and is on record.

What leaves when is in `contracts/retention.py`, how in `pipeline/retention.py`; what has left is
read back in `expired.py`.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from lakehouse_pipeline.audit.events import Event, EventType
from lakehouse_pipeline.contracts.model import Contract
from lakehouse_pipeline.lake.contract_store import ContractStore
from lakehouse_pipeline.lake.tables import Tables
from lakehouse_pipeline.names import LANDING, Layer
from lakehouse_pipeline.orchestration.events import report
from lakehouse_pipeline.orchestration.expired import observations
from lakehouse_pipeline.orchestration.keys import GATE_CHECK, asset_key, check_key
from lakehouse_pipeline.orchestration.landing import landing_of
from lakehouse_pipeline.pipeline.expired_tokens import Forgotten, count_unheld, forget_unheld
from lakehouse_pipeline.pipeline.lake import open_lake
from lakehouse_pipeline.pipeline.retention import Arrivals, Removal, overdue, retain
from lakehouse_pipeline.pipeline.token_holders import Holders, holders_of, takes_tokens
from lakehouse_pipeline.settings import Settings

PAGE = 1000

Gone = Removal | Forgotten
"""What leaves: a batch its layer, or values the vault."""


def contracts_that_expire(settings: Settings, dataset: str | None = None) -> list[Contract]:
    """Return the contract of a dataset, or of all, where it does not keep all for ever.

    It is the active one, or the one that was active last: one that still waits for approval takes
    nothing away.
    Raises: UnknownDatasetError: there is no such dataset.
    """
    store = ContractStore(settings.contracts)
    if dataset is not None:
        store.require(dataset)
    names = store.datasets() if dataset is None else [dataset]
    lives = [store.life_cycle(name) for name in names]
    versions = [life.active or life.former for life in lives]
    return [v.contract for v in versions if v is not None and v.contract.retention]


def overdue_records(
    instance: dg.DagsterInstance, settings: Settings, contract: Contract, now: float
) -> list[Gone]:
    """Return what `apply_retention` would take out at `now`; changes nothing."""
    tables, landing = Tables(settings.lake), landing_of(settings)
    removals = overdue(tables, landing, contract, arrivals(instance, contract.dataset), now)
    leaving: dict[str, set[str]] = {}
    for removal in removals:
        leaving.setdefault(removal.layer, set()).add(removal.batch)
    with _holders(settings, contract) as holders:
        forgotten = count_unheld(holders, leaving) if holders else None
    return [*removals, forgotten] if forgotten and forgotten.values else [*removals]


def apply_retention(
    instance: dg.DagsterInstance, settings: Settings, contract: Contract, now: float, actor: str
) -> Iterator[Gone]:
    """Take out what a contract no longer keeps at `now` (seconds since 1970 UTC); yield each.

    Every removal is an event before its files are deleted. Values that no record has any longer
    leave the vault at the end.
    """
    tables, landing = Tables(settings.lake), landing_of(settings)
    arrived = arrivals(instance, contract.dataset)
    exports = settings.exports
    for removal in retain(tables, landing, contract, arrived, now, exports=exports):
        layer = Layer(removal.layer) if removal.layer in set(Layer) else Layer.RAW
        report(instance, _event(contract, removal, actor), layer)
        yield removal

    def announce(gone: Forgotten) -> None:
        report(instance, _vault_event(gone, actor), None)

    with _holders(settings, contract) as holders:
        forgotten = forget_unheld(holders, announce) if holders else None
    if forgotten and forgotten.values:
        yield forgotten


def arrivals(instance: dg.DagsterInstance, dataset: str) -> Arrivals:
    """Return when each batch first arrived, and which files repeated its content.

    A batch arrives when raw first holds it; one that raw never held, when it was first refused.
    """
    times = _first_refused(instance, dataset) | _first_raw(instance, dataset)
    keys = instance.get_dynamic_partitions(dataset)
    copies: dict[str, list[str]] = {}
    for _, batch, said in observations(instance, dataset, Layer.RAW, EventType.DUPLICATE_SKIPPED):
        copies.setdefault(batch, []).append(str(said["file"]))
    return Arrivals({key: times[key] for key in keys if key in times}, copies)


def _event(contract: Contract, removal: Removal, actor: str) -> Event:
    facts: dict[str, str | int | float] = {
        "layer": removal.layer,
        "days": removal.days,
        "age_days": removal.age_days,
        "files": removal.files,
        "bytes": removal.bytes,
    }
    if removal.records is not None:
        facts["records"] = removal.records
    where = "files in landing" if removal.layer == LANDING else removal.layer
    why = f"{contract.dataset} {contract.version} keeps {where} for {removal.days:g} days"
    return Event(EventType.RETENTION_APPLIED, contract.dataset, removal.batch, actor, why, facts)


def _vault_event(gone: Forgotten, actor: str) -> Event:
    facts: dict[str, str | int | float] = {"layer": gone.layer, "values": gone.values}
    why = "no record has these values any longer"
    return Event(EventType.RETENTION_APPLIED, gone.dataset, None, actor, why, facts)


@contextmanager
def _holders(settings: Settings, contract: Contract) -> Iterator[Holders | None]:
    """Yield who has the values that a dataset keeps in the vault; None where it keeps none."""
    life = ContractStore(settings.contracts).life_cycle(contract.dataset)
    versions = [version.contract for version in life.versions.values()]
    if not takes_tokens(versions):
        yield None
        return
    home, place = settings.home, settings.place
    with open_lake(home, settings.memory_limit, settings.threads, place) as lake:
        yield holders_of(lake, versions)


def _first_raw(instance: dg.DagsterInstance, dataset: str) -> dict[str, float]:
    first: dict[str, float] = {}
    cursor = None
    while True:
        page = instance.fetch_materializations(
            asset_key(dataset, Layer.RAW), limit=PAGE, cursor=cursor, ascending=True
        )
        for record in page.records:
            if record.partition_key is not None:
                first.setdefault(record.partition_key, record.timestamp)
        cursor = page.cursor
        if not page.has_more:
            return first


def _first_refused(instance: dg.DagsterInstance, dataset: str) -> dict[str, float]:
    """Return the time of each batch's first gate; pages come newest first, so the last one wins."""
    first: dict[str, float] = {}
    cursor = None
    while True:
        page = instance.event_log_storage.get_asset_check_execution_history(
            check_key(dataset, GATE_CHECK), limit=PAGE, cursor=cursor
        )
        for record in page:
            found, event = record.evaluation, record.event
            if isinstance(found, dg.AssetCheckEvaluation) and found.partition and event:
                first[found.partition] = event.timestamp
        if len(page) < PAGE:
            return first
        cursor = page[-1].id
