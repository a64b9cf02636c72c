"""The events of `audit/events.py` read back out of Dagster's event log, in the order they came."""

from dataclasses import dataclass
from datetime import UTC, datetime

import dagster as dg

from lakehouse_pipeline.audit.events import INSTALLATION, EventType

PAGE = 500


@dataclass(frozen=True, slots=True)
class Told:
    """An event as it was written; `cursor` orders them, `time` is UTC, `facts` is all the rest.

    `dataset` is None when the event is about the installation.
    """

    cursor: int
    time: str
    type: str
    dataset: str | None
    batch: str | None
    actor: str
    why: str
    facts: dict[str, object]


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which events are asked for; None is all. `among`: of these datasets only."""

    dataset: str | None = None
    type: EventType | None = None
    batch: str | None = None
    among: tuple[str, ...] | None = None

    def holds(self, event: Told) -> bool:
        """Return whether an event is asked for."""
        if self.among is not None and event.dataset not in self.among:
            return False
        return all(
            wanted is None or wanted == found
            for wanted, found in (
                (self.dataset, event.dataset),
                (self.type, event.type),
                (self.batch, event.batch),
            )
        )


def events_after(
    instance: dg.DagsterInstance, chosen: Chosen, cursor: int, limit: int
) -> tuple[list[Told], int]:
    """Return the next `limit` events after `cursor`, and the cursor to go on from."""
    found: list[Told] = []
    while True:
        records = instance.event_log_storage.get_event_records(
            dg.EventRecordsFilter(dg.DagsterEventType.ASSET_OBSERVATION, after_cursor=cursor),
            limit=PAGE,
            ascending=True,
        )
        for record in records:
            cursor = record.storage_id
            event = told(record)
            if event is not None and chosen.holds(event):
                found.append(event)
            if len(found) == limit:
                return found, cursor
        if len(records) < PAGE:
            return found, cursor


def told(record: dg.EventLogRecord) -> Told | None:
    """Return the event that a record holds, None where it is another observation."""
    observed = record.asset_observation
    if observed is None or "lakehouse/event" not in observed.metadata:
        return None
    facts: dict[str, object] = {key: value.value for key, value in observed.metadata.items()}
    dataset = observed.asset_key.path[0]
    return Told(
        record.storage_id,
        datetime.fromtimestamp(record.timestamp, UTC).isoformat(),
        str(facts.pop("lakehouse/event")),
        None if dataset == INSTALLATION else dataset,
        observed.partition,
        str(facts.pop("actor", "")),
        str(facts.pop("why", "")),
        facts,
    )
