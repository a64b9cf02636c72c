"""The one sensor of all datasets: new files in the landing folders become batches and runs.

A tick watches the folders for a few seconds, so that a file is seen soon after it is whole; all new
files of a dataset become one run over a range of partitions. Files with content that was taken
before start no run and leave an event. A run whose process died is asked for again (`recovery.py`);
which datasets take files is in `life_cycle_watch.py`.
"""

import hashlib
import json
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import (
    UnresolvedAssetJobDefinition,
)

from lakehouse_pipeline.audit.events import Event, EventType
from lakehouse_pipeline.lake.bucket_folder import objects_of
from lakehouse_pipeline.lake.contract_store import ContractStore
from lakehouse_pipeline.lake.csv_bytes import sha256_of
from lakehouse_pipeline.lake.landing import (
    HASH_DIGITS,
    Landing,
    LandingFile,
    is_settled,
    stem_of,
)
from lakehouse_pipeline.names import Layer
from lakehouse_pipeline.orchestration.batches import active_datasets, is_finished, last_event_time
from lakehouse_pipeline.orchestration.events import SENSOR_ACTOR, report
from lakehouse_pipeline.orchestration.instance import DATASET_TAG
from lakehouse_pipeline.orchestration.keys import (
    asset_key,
    batches_of,
    contiguous,
    job_name,
    range_tags,
)
from lakehouse_pipeline.orchestration.landing import landing_of
from lakehouse_pipeline.orchestration.life_cycle_watch import LifeCycleWatch
from lakehouse_pipeline.orchestration.recovery import recovery_requests
from lakehouse_pipeline.settings import Settings

HASHING_SECONDS = 20.0
"""A tick stops reading new files after this; the rest is the next tick's."""

LOOK_SECONDS = 0.3
"""How long a tick waits between two looks at the folders."""

Seen = dict[str, dict[str, str]]
"""Per dataset, the fingerprint of every landing file that was dealt with."""


@dataclass(slots=True)
class Found:
    """What a look at the landing folders found; `new` has the files' fingerprints, by batch."""

    seen: Seen
    new: Seen = field(default_factory=dict)
    duplicates: list[Event] = field(default_factory=list)
    waiting: bool = False


def landing_sensor(
    settings: Settings, jobs: Mapping[str, UnresolvedAssetJobDefinition]
) -> dg.SensorDefinition:
    """Return the sensor over the landing folders of the datasets that `jobs` are of."""
    datasets = list(jobs)
    contracts = LifeCycleWatch(settings, ContractStore(settings.contracts))

    @dg.sensor(
        name=SENSOR_ACTOR,
        jobs=list(jobs.values()),
        minimum_interval_seconds=1,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Takes complete files from the landing folders; same content is taken once.",
    )
    def sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        contracts.look(context.instance)
        requests = recovery_requests(context.instance, datasets)
        requests += contracts.releases(context.instance, datasets)
        repeated = {request.tags[DATASET_TAG] for request in requests}
        seen: Seen = json.loads(context.cursor or "{}")
        taking = [dataset for dataset in datasets if dataset in contracts.taking]
        found = watch(context.instance, settings, taking, seen, repeated)
        found.seen = {d: files for d, files in seen.items() if d in datasets} | found.seen
        for event in found.duplicates:
            report(context.instance, event, Layer.RAW)
        added = []
        for dataset, batches in found.new.items():
            known = context.instance.get_dynamic_partitions(dataset)
            fresh = [batch for batch in batches if batch not in known]
            added += [batches_of(dataset).build_add_request(fresh)] if fresh else []
            for neighbours in contiguous([*known, *fresh], set(batches)):
                requests.append(_run_request(dataset, {b: batches[b] for b in neighbours}))
        return dg.SensorResult(
            run_requests=requests,
            dynamic_partitions_requests=added,
            cursor=json.dumps(found.seen),
            skip_reason=None if requests else _nothing_new(found),
        )

    return sensor


def watch(
    instance: dg.DagsterInstance,
    settings: Settings,
    datasets: list[str],
    seen: Seen,
    repeated: Collection[str] = (),
) -> Found:
    """Look at the landing folders until there is something to do and nothing half-copied.

    `repeated` are the datasets for which this tick asks for a died run again. A bucket, where a
    look costs requests, is looked at once.
    """
    seconds = 0 if objects_of(settings.landing) else settings.poll_seconds
    deadline = time.monotonic() + seconds
    while True:
        found = look(instance, settings, datasets, seen, repeated)
        done = (any(found.new.values()) or found.duplicates) and not found.waiting
        if done or time.monotonic() >= deadline:
            return found
        time.sleep(LOOK_SECONDS)


def look(
    instance: dg.DagsterInstance,
    settings: Settings,
    datasets: list[str],
    seen: Seen,
    repeated: Collection[str] = (),
) -> Found:
    """Look once: which files are new, which repeat a batch, which are not whole yet."""
    landing = landing_of(settings)
    found = Found({dataset: {} for dataset in datasets})
    busy: set[str] | None = None
    started = time.monotonic()
    for dataset in datasets:
        before, known = seen.get(dataset, {}), found.seen[dataset]
        for file in landing.files(dataset):
            if before.get(file.key) == file.fingerprint:
                known[file.key] = file.fingerprint
                continue
            busy = active_datasets(instance) | set(repeated) if busy is None else busy
            late = time.monotonic() - started > HASHING_SECONDS
            if late or not is_settled(file, settings.settle_seconds):
                found.waiting = True
            elif _take(instance, landing, dataset, file, found, is_busy=dataset in busy):
                known[file.key] = file.fingerprint
    return found


def _take(  # noqa: PLR0913 - where the file stands, and what is known beside it
    instance: dg.DagsterInstance,
    landing: Landing,
    dataset: str,
    file: LandingFile,
    found: Found,
    *,
    is_busy: bool,
) -> bool:
    """Sort a whole file in; return False when a later look has to decide."""
    try:
        digest = sha256_of(file.local())
    except FileNotFoundError:
        return False
    batch = landing.batch_of(dataset, file.path.name, digest)
    new = found.new.setdefault(dataset, {})
    same = [key for key in new if key.endswith(f"-{digest[:HASH_DIGITS]}")]
    if same:
        found.duplicates.append(_duplicate(dataset, same[0], file))
        return True
    keys = instance.get_dynamic_partitions(dataset)
    if not set(landing.rewritten(dataset, digest)).isdisjoint(keys):
        return True  # an erasure rewrote it; its batch was taken
    same = [key for key in keys if key.endswith(f"-{digest[:HASH_DIGITS]}")]
    held = [key for key in same if is_finished(instance, dataset, key)]
    if held:
        erased = [key for key in held if landing.lost_records(dataset, key)]
        if erased:
            return _take_erased(dataset, file, erased[0], found, is_busy=is_busy)
        if batch not in held or _put_again(instance, dataset, batch, file):
            found.duplicates.append(_duplicate(dataset, held[0], file))
        return True
    waits = bool(same) and is_busy
    if not waits and (batch not in same or _put_again(instance, dataset, batch, file)):
        new[batch] = file.fingerprint
    return not waits


def _take_erased(
    dataset: str, file: LandingFile, held: str, found: Found, *, is_busy: bool
) -> bool:
    """Sort in a file that has again what was erased from the batch `held`.

    Under the batch's name it is read again, and the records are taken out of it; a copy of another
    name says nothing that the batch does not, and is deleted.
    """
    if stem_of(file.path.name) in (held, held[: -HASH_DIGITS - 1]):
        if not is_busy:
            found.new[dataset][held] = file.fingerprint
        return not is_busy
    file.delete()
    why = (
        f"{file.path.name} has the content of batch {held}, with records that were erased since; "
        "it was deleted"
    )
    facts: dict[str, str | int | float] = {"file": file.path.name}
    kind = EventType.DUPLICATE_SKIPPED
    found.duplicates.append(Event(kind, dataset, held, SENSOR_ACTOR, why, facts))
    return True


def _put_again(instance: dg.DagsterInstance, dataset: str, batch: str, file: LandingFile) -> bool:
    """Return whether the file came after the last time the batch was read or refused, if ever."""
    last = last_event_time(instance, dataset, batch)
    return last is None or file.changed_ns / 1e9 > last


def _duplicate(dataset: str, batch: str, file: LandingFile) -> Event:
    why = (
        f"{file.path.name} has the content of batch {batch}; it was not read again. "
        f"To process that batch anew: lakehouse replay {dataset} --batch {batch}"
    )
    return Event(
        EventType.DUPLICATE_SKIPPED, dataset, batch, SENSOR_ACTOR, why, {"file": file.path.name}
    )


def _run_request(dataset: str, batches: Mapping[str, str]) -> dg.RunRequest:
    """Return a run over neighbouring batches; the same files never start a second one."""
    first, *_, last = (*batches, *batches)
    files = hashlib.sha256(" ".join(batches.values()).encode()).hexdigest()
    return dg.RunRequest(
        job_name=job_name(dataset),
        run_key=f"{dataset}:{len(batches)}:{first}:{last}:{files[:16]}",
        asset_selection=[asset_key(dataset, layer) for layer in Layer],
        tags=range_tags(dataset, first, last),
    )


def _nothing_new(found: Found) -> dg.SkipReason:
    if found.duplicates:
        return dg.SkipReason(" ".join(event.why for event in found.duplicates))
    if found.waiting:
        return dg.SkipReason("Files are still being written; they are taken when they are whole.")
    return dg.SkipReason("No new files in the landing folders.")
