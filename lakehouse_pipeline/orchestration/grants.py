"""Grants as the event stream tells them: nothing else remembers them.

Their events stand on the asset of the dataset's contract, beside what it promises to whom. The id
of a grant begins with its dataset, so that one is found among the events of one dataset.
"""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import dagster as dg

from lakehouse_pipeline.audit.events import Event, EventType
from lakehouse_pipeline.audit.grants import Grant, UnknownGrantError
from lakehouse_pipeline.contracts.person import require_named
from lakehouse_pipeline.orchestration.event_stream import Told, told
from lakehouse_pipeline.orchestration.events import report
from lakehouse_pipeline.orchestration.keys import contract_key

PAGE = 500


@dataclass(frozen=True, slots=True)
class Wanted:
    """A grant that is to be given."""

    dataset: str
    consumer: str
    purpose: str
    expires: datetime


def grants_of(instance: dg.DagsterInstance, dataset: str) -> dict[str, Grant]:
    """Return the grants of a dataset by id, the oldest first, also those that have ended."""
    return _folded(_told(instance, dataset))


def dataset_of(grant: str) -> str:
    """Return the dataset that the id of a grant begins with."""
    return grant.rpartition("-")[0]


def grant_of(instance: dg.DagsterInstance, grant: str) -> Grant:
    """Return a grant. Raises: UnknownGrantError: there is none of this id."""
    known = grants_of(instance, dataset_of(grant)) if "-" in grant else {}
    if grant not in known:
        raise UnknownGrantError(grant, known)
    return known[grant]


def give(instance: dg.DagsterInstance, wanted: Wanted, by: str, why: str) -> Grant:
    """Give a grant, in the name of `by`; its event is on the disk when this returns.

    Raises: NamelessStepError: nobody gives it.
    """
    require_named(by)
    name = f"{wanted.dataset}-{secrets.token_hex(6)}"
    facts: dict[str, str | int | float] = {
        "grant": name,
        "consumer": wanted.consumer,
        "purpose": wanted.purpose,
        "expires": wanted.expires.isoformat(),
    }
    kind = EventType.CONSUMPTION_GRANTED
    event = Event(kind, wanted.dataset, None, by, why or wanted.purpose, facts)
    report(instance, event, None)
    return grant_of(instance, name)


def revoke(instance: dg.DagsterInstance, grant: str, by: str, why: str) -> Grant:
    """Revoke a grant, for a reason: what was signed under it stops to work.

    One that was revoked before is returned as it is.

    Raises: UnknownGrantError: there is none. NamelessStepError: nobody revokes it, or for nothing.
    """
    require_named(by, why)
    found = grant_of(instance, grant)
    if found.revoked_at is not None:
        return found
    facts: dict[str, str | int | float] = {"grant": grant, "consumer": found.consumer}
    event = Event(EventType.CONSUMPTION_REVOKED, found.dataset, None, by, why, facts)
    report(instance, event, None)
    return grant_of(instance, grant)


def _told(instance: dg.DagsterInstance, dataset: str) -> Iterable[Told]:
    """Yield the events on the asset of a contract, the oldest first."""
    key, cursor = contract_key(dataset), None
    while True:
        page = instance.fetch_observations(key, limit=PAGE, cursor=cursor, ascending=True)
        yield from (event for record in page.records if (event := told(record)))
        if not page.has_more:
            return
        cursor = page.cursor


def _folded(events: Iterable[Told]) -> dict[str, Grant]:
    grants: dict[str, Grant] = {}
    for event in events:
        name, at = str(event.facts.get("grant", "")), datetime.fromisoformat(event.time)
        if event.type == EventType.CONSUMPTION_GRANTED:
            grants[name] = Grant(
                name,
                event.dataset or "",
                str(event.facts["consumer"]),
                str(event.facts["purpose"]),
                datetime.fromisoformat(str(event.facts["expires"])),
                event.actor,
                at,
            )
        elif event.type == EventType.CONSUMPTION_REVOKED and name in grants:
            grants[name] = _revoked(grants[name], event, at)
    return grants


def _revoked(grant: Grant, event: Told, at: datetime) -> Grant:
    """Return a grant after it was revoked; the first time counts."""
    if grant.revoked_at is not None:
        return grant
    return replace(grant, revoked_by=event.actor, revoked_at=at, revoked_why=event.why)


def now() -> datetime:
    """Return the time, in UTC."""
    return datetime.now(UTC)
