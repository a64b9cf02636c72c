"""Runs in this process, without the daemon: the same assets on the same instance.

A batch taken in here looks in the event stream like one the sensor found.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import dagster as dg

from lakehouse_pipeline.audit.events import Event, EventType
from lakehouse_pipeline.contracts.model import Contract
from lakehouse_pipeline.errors import UnknownBatchError
from lakehouse_pipeline.lake.csv_bytes import sha256_of
from lakehouse_pipeline.lake.landing import HASH_DIGITS, Landing, batch_id, readable
from lakehouse_pipeline.layers.names import Layer
from lakehouse_pipeline.orchestration.assets import dataset_assets
from lakehouse_pipeline.orchestration.batches import last_event_time
from lakehouse_pipeline.orchestration.events import USER_TAG, report
from lakehouse_pipeline.orchestration.instance import process_tags
from lakehouse_pipeline.orchestration.keys import asset_key, contiguous, range_tags
from lakehouse_pipeline.settings import Settings

REPLAY_FROM = Layer.QUARANTINED
"""Where a replay begins unless told otherwise: raw is what arrived, and stays."""


@dataclass(frozen=True, slots=True)
class Taken:
    """The files of one call: the batches to work on, and those that were there already."""

    new: tuple[str, ...]
    known: tuple[str, ...]


def take_files(
    instance: dg.DagsterInstance, settings: Settings, dataset: str, files: Sequence[Path], actor: str
) -> Taken:
    """Put files into the landing folder and make each new content a batch; order kept.

    Content that is a batch already is not taken again; it leaves an event.
    Raises: UnreadableFileError: a file cannot be read; then nothing is taken.
    """
    for file in files:
        readable(file)
    landing = Landing(settings.landing)
    keys = instance.get_dynamic_partitions(dataset)
    new: dict[str, Path] = {}
    known: list[str] = []
    for file in files:
        digest = sha256_of(file)
        same = [k for k in (*keys, *new) if k.endswith(f"-{digest[:HASH_DIGITS]}")]
        if not same:
            new[batch_id(file.name, digest)] = file
        elif same[0] in new or last_event_time(instance, dataset, same[0]) is not None:
            known.append(same[0])
            report(instance, _skipped(dataset, same[0], file, actor), Layer.RAW)
        else:
            new[same[0]] = file
    instance.add_dynamic_partitions(dataset, [batch for batch in new if batch not in keys])
    for file in new.values():
        landing.place(dataset, file)
    return Taken(tuple(new), tuple(known))


def run_batches(
    instance: dg.DagsterInstance,
    settings: Settings,
    contract: Contract,
    batches: Sequence[str],
    layers: Collection[Layer],
    actor: str,
) -> None:
    """Materialize `layers` of `batches`, one run per range of neighbouring partitions.

    Raises: what the run raised, as it was.
    """
    assets = dataset_assets(contract, settings)
    job = dg.Definitions(assets=[assets]).resolve_implicit_global_asset_job_def()
    dataset = contract.dataset
    keys = instance.get_dynamic_partitions(dataset)
    for found in contiguous(keys, set(batches)):
        tags = {**range_tags(dataset, found[0], found[-1]), USER_TAG: actor, **process_tags()}
        job.execute_in_process(
            instance=instance,
            asset_selection=[asset_key(dataset, layer) for layer in layers],
            tags=tags,
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        )


def replay_layers(from_layer: Layer) -> list[Layer]:
    """Return the layers a replay from this one writes; quarantined and validated go together."""
    layers = list(Layer)
    if from_layer is Layer.VALIDATED:
        from_layer = Layer.QUARANTINED
    return layers[layers.index(from_layer) :]


def replay(
    instance: dg.DagsterInstance,
    settings: Settings,
    contract: Contract,
    batches: Sequence[str],
    from_layer: Layer | None,
    actor: str,
) -> list[str]:
    """Re-materialize `batches` (none given: all) from a layer on; return them, oldest first.

    Unless told otherwise a replay judges anew what raw holds; batches that raw does not hold are
    read from their landing files.
    Raises: UnknownBatchError: the dataset has no such batch; then nothing is replayed.
    """
    dataset = contract.dataset
    keys = instance.get_dynamic_partitions(dataset)
    for batch in batches:
        if batch not in keys:
            raise UnknownBatchError(dataset, batch, keys)
    wanted = [key for key in keys if not batches or key in batches]
    for batch in batches or [None]:
        why = f"replay from {from_layer or REPLAY_FROM} with {dataset} {contract.version}"
        report(instance, Event(EventType.REPLAY_REQUESTED, dataset, batch, actor, why), Layer.RAW)
    unread = [] if from_layer else _unread(instance, dataset, wanted)
    held = [key for key in wanted if key not in unread]
    if held:
        layers = replay_layers(from_layer or REPLAY_FROM)
        run_batches(instance, settings, contract, held, layers, actor)
    if unread:
        run_batches(instance, settings, contract, unread, list(Layer), actor)
    return wanted


def _unread(instance: dg.DagsterInstance, dataset: str, batches: Sequence[str]) -> list[str]:
    held = instance.get_materialized_partitions(asset_key(dataset, Layer.RAW))
    return [batch for batch in batches if batch not in held]


def _skipped(dataset: str, batch: str, file: Path, actor: str) -> Event:
    why = f"{file.name} has the content of batch {batch}; it was not read again"
    return Event(
        EventType.DUPLICATE_SKIPPED, dataset, batch, actor, why, {"file": file.name}
    )
