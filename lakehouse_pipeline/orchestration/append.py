"""Appending a file that already lies in the store: it becomes a drop, as if it had been uploaded.

The sensor, or a replay, takes it from the landing folder; content that was taken before is skipped.
"""

from dataclasses import dataclass
from pathlib import Path

from lakehouse_pipeline.audit.events import Event, EventType
from lakehouse_pipeline.lake.csv_bytes import sha256_of
from lakehouse_pipeline.lake.landing import HASH_DIGITS, Landing, batch_id
from lakehouse_pipeline.lake.stored_files import Store
from lakehouse_pipeline.names import Layer
from lakehouse_pipeline.orchestration.batches import is_finished
from lakehouse_pipeline.orchestration.office import Office


@dataclass(frozen=True, slots=True)
class Appended:
    """A file that was asked for; `duplicate` says that its content is a batch already."""

    dataset: str
    object: str
    filename: str
    batch_id: str
    bytes: int
    sha256: str
    duplicate: bool


def append(office: Office, dataset: str, key: str, by: str, why: str) -> Appended:
    """Put the file of a key into the landing folder of a dataset, whole, and tell it.

    Raises:
        UnknownDatasetError, DatasetDeprecatedError: the dataset takes no files.
        ObjectKeyError, FileNameError, NotCsvError, UnknownKeyError, BeingWrittenError: as `Store`.
    """
    office.store.require(dataset)
    office.store.require_open(dataset)
    settings = office.settings
    is_home = settings.place == settings.home
    store = Store(settings.place, is_home, settings.home / "tmp")
    with store.file(key, dataset, office.store.datasets()) as file:
        digest, size = sha256_of(file), file.stat().st_size
        held = _held(office, dataset, digest)
        if held:
            _tell_duplicate(office, dataset, held, file, (by, key))
            return Appended(dataset, key, file.name, held, size, digest, duplicate=True)
        placed = Landing(settings.landing).place(dataset, file, digest)
    batch = batch_id(placed.name, digest)
    done = Appended(dataset, key, placed.name, batch, size, digest, duplicate=False)
    facts: dict[str, str | int | float] = {"object": key, "file": placed.name, "batch_id": batch}
    facts |= {"bytes": size, "sha256": digest}
    kind = EventType.APPEND_INGESTION_REQUESTED
    office.report(Event(kind, dataset, None, by, why or f"append {key}", facts), Layer.RAW)
    return done


def _held(office: Office, dataset: str, digest: str) -> str | None:
    """Return the batch that has this content and is finished."""
    keys = office.instance.get_dynamic_partitions(dataset)
    same = (key for key in keys if key.endswith(f"-{digest[:HASH_DIGITS]}"))
    return next((key for key in same if is_finished(office.instance, dataset, key)), None)


def _tell_duplicate(
    office: Office, dataset: str, batch: str, file: Path, asked: tuple[str, str]
) -> None:
    by, key = asked
    why = f"{key} has the content of batch {batch}; it was not read again"
    facts: dict[str, str | int | float] = {"file": file.name, "object": key}
    event = Event(EventType.DUPLICATE_SKIPPED, dataset, batch, by, why, facts)
    office.report(event, Layer.RAW)
