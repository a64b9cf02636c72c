"""The files that a batch has in a table's folder, of the newest version and of older ones.

`Tables` commits what a table holds; here is what it takes on the disk, and how it is deleted for
good once no commit names it. A version from before can then show the other batches only.
"""

import os
import shutil
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
from deltalake import DeltaTable

from lakehouse_pipeline.lake.bucket_folder import objects_of
from lakehouse_pipeline.lake.csv_bytes import sha256_of
from lakehouse_pipeline.lake.object_cache import ObjectCache
from lakehouse_pipeline.lake.objects import ObjectInfo, Objects, at_once
from lakehouse_pipeline.names import BATCH_ID


@dataclass(frozen=True, slots=True)
class FileHash:
    """A file by its name in the batch's folder, with its bytes and SHA-256.

    `url` is where it is in a bucket, and `version` the id under which the bucket may keep it when
    it is deleted; both are '' where there is none.
    """

    batch: str
    name: str
    bytes: int
    sha256: str
    url: str = ""
    version: str = ""


def batch_files(table: Path, batch: str) -> tuple[int, int]:
    """Return how many files a batch has in a table's folder, and their bytes."""
    if objects := objects_of(table):
        held = objects.under(_folder(table, batch).name)
        return len(held), sum(one.size for one in held)
    sizes = [path.stat().st_size for path in _folder(table, batch).rglob("*") if path.is_file()]
    return len(sizes), sum(sizes)


def batches_with_files(table: Path) -> set[str]:
    """Return the batches that have a folder in a table, whatever its newest version holds."""
    prefix = f"{BATCH_ID}="
    if objects := objects_of(table):
        folders, _ = objects.folder()
        return {name.removeprefix(prefix) for name in folders if name.startswith(prefix)}
    return {path.name.removeprefix(prefix) for path in table.glob(f"{prefix}*")}


def records_by_batch(table: DeltaTable | None) -> dict[str, int]:
    """Return the records of each batch as the Delta log counts them; nothing without a table."""
    if table is None:
        return {}
    counts: dict[str, int] = {}
    columns = [f"partition.{BATCH_ID}", "num_records"]
    added = pa.table(table.get_add_actions(flatten=True)).select(columns).to_pylist()
    for row in added:
        batch, records = (row[column] for column in columns)
        counts[batch] = counts.get(batch, 0) + records
    return counts


def names_by_batch(table: DeltaTable | None, batches: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Return the names of the files that each of `batches` has in a version of a table, in order.

    They tell one writing of a batch from every other: no two files have the same name.
    """
    found: dict[str, list[str]] = {batch: [] for batch in batches}
    for uri in table.file_uris() if table is not None else ():
        folder, name = uri.rsplit("/", 2)[1:]
        if (batch := folder.removeprefix(f"{BATCH_ID}=")) in found:
            found[batch].append(name)
    return {batch: tuple(sorted(names)) for batch, names in found.items()}


def delete_for_good(table: Path, batches: list[str]) -> None:
    """Delete every file of `batches`, once the commit that took them out is on the disk.

    From a bucket the copies on this machine go too; another machine's go within a day.
    """
    if objects := objects_of(table):
        objects.delete(
            one.key for batch in batches for one in objects.under(_folder(table, batch).name)
        )
    else:
        _flush_log(table)
    for batch in batches:
        if (folder := _folder(table, batch)).exists():
            shutil.rmtree(folder)


def file_hashes(table: Path, batch: str, without: Collection[str] = ()) -> list[FileHash]:
    """Return the files that a batch has in a table's folder, whatever version names them.

    Those of the names `without` are left out. The hash is that of the content, in a bucket too.
    """
    folder = _folder(table, batch)
    if objects := objects_of(table):
        listed = [one for one in objects.under(folder.name) if one.name not in without]
        return object_hashes(objects, listed, batch)
    return [
        FileHash(batch, path.name, path.stat().st_size, sha256_of(path))
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in without
    ]


def object_hashes(
    objects: Objects, listed: Sequence[ObjectInfo], batch: str = ""
) -> list[FileHash]:
    """Return the hashes of objects, which are streamed; those that are gone are left out."""

    def hashed(info: ObjectInfo) -> FileHash | None:
        try:
            digest, now = objects.sha256(info.key), objects.head(info.key)
        except FileNotFoundError:
            return None
        version = now.version if now else ""
        return FileHash(batch, info.name, info.size, digest, objects.url_of(info.key), version)

    return [file for file in at_once(hashed, listed) if file]


def delete_older(table: Path, files: Sequence[FileHash]) -> None:
    """Delete files that no newest version names, once the commit that replaced them is on disk.

    From a bucket only the objects: `forget_copies` deletes what was copied of them.
    """
    if objects := objects_of(table):
        objects.delete(f"{_folder(table, file.batch).name}/{file.name}" for file in files)
        return
    _flush_log(table)
    for file in files:
        (_folder(table, file.batch) / file.name).unlink(missing_ok=True)


def forget_copies(table: Path, batches: Iterable[str], live: Collection[str]) -> None:
    """Delete the copies of a bucket's files but for those of the names `live`.

    Call it after the objects were deleted, also when another process deleted them and died.
    """
    if objects_of(table):
        for batch in batches:
            ObjectCache(table).forget(_folder(table, batch).name, live)


def _folder(table: Path, batch: str) -> Path:
    return table / f"{BATCH_ID}={batch}"


def _flush_log(table: Path) -> None:
    """Wait until the table's newest commit would outlive a power cut."""
    log = table / "_delta_log"
    commits = sorted(log.glob("*.json"))
    for path in (*commits[-1:], log):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
