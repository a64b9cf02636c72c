"""Who took what out of the lake: `DataConsumed`, with names and counts and never a value.

Neither the text of a query nor the condition of an export is written: both may hold values.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import dagster as dg

from lakehouse_pipeline.audit.events import Event, EventType
from lakehouse_pipeline.names import Layer
from lakehouse_pipeline.orchestration.events import report

Fact = str | int | float


@dataclass(frozen=True, slots=True)
class Consumed:
    """What somebody took of a dataset, and for what."""

    dataset: str
    actor: str
    why: str
    facts: Mapping[str, Fact] = field(default_factory=dict)
    batch: str | None = None


def consumed(instance: dg.DagsterInstance, what: Consumed, layer: Layer = Layer.PUBLISHED) -> None:
    """Write that somebody consumed data of a layer; it is on the disk when this returns."""
    kind = EventType.DATA_CONSUMED
    event = Event(kind, what.dataset, what.batch, what.actor, what.why, dict(what.facts))
    report(instance, event, layer)


def queried(
    instance: dg.DagsterInstance,
    datasets: Iterable[str],
    actor: str,
    why: str,
    facts: Mapping[str, Fact],
) -> None:
    """Write that somebody asked in SQL: one event for each dataset that was read."""
    for dataset in datasets:
        consumed(instance, Consumed(dataset, actor, why or "query", facts))
