"""Events that are not part of a run, written into Dagster's event log as observations."""

import re
from collections.abc import Mapping

import dagster as dg

from lakehouse_pipeline.audit.events import ACCESS, Event
from lakehouse_pipeline.names import Layer
from lakehouse_pipeline.orchestration.keys import access_key, asset_key, contract_key

USER_TAG = "user"
"""The tag of a run or backfill that says who asked for it; Dagster shows it as the user."""

SENSOR_ACTOR = "landing_sensor"


def actor_of(tags: Mapping[str, str]) -> str:
    """Return who asked for a run with these tags."""
    automatic = tags.get("dagster/sensor_name") or tags.get("dagster/schedule_name")
    return tags.get(USER_TAG) or automatic or "dagster"


def observation(event: Event, layer: Layer | None) -> dg.AssetObservation:
    """Return the event as an observation of a layer, or (None) of the dataset's contract.

    Events about who may do what have an asset of their own.

    Dagster takes few characters in a tag; the metadata has the actor's name as it is.
    """
    key = asset_key(event.dataset, layer) if layer else contract_key(event.dataset)
    if event.type in ACCESS:
        key = access_key(event.dataset)
    tags = {"actor": re.sub(r"[^A-Za-z0-9_.-]", "_", event.actor)[:63]}
    return dg.AssetObservation(key, partition=event.batch, metadata=event.metadata(), tags=tags)


def report(instance: dg.DagsterInstance, event: Event, layer: Layer | None) -> None:
    """Write the event outside of any run; it is durable when this returns."""
    instance.report_runless_asset_event(observation(event, layer))
