"""The files of `<home>/exports/<dataset>/`: published data as a file, made once and then reused.

Nothing here decides what is in a file; its name is a key of what it holds. One that nobody asked
for in `KEEP_DAYS` is deleted when the next is made, and all of a dataset when retention or an
erasure takes records out of published.
"""

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock

from lakehouse_pipeline.lake.batch_files import FileHash, object_hashes
from lakehouse_pipeline.lake.bucket_folder import objects_of
from lakehouse_pipeline.lake.csv_bytes import sha256_of

EXPORTS = "exports"
KEEP_DAYS = 7
_DAY = 86_400


@contextmanager
def locked_exports(home: Path, dataset: str) -> Iterator[Path]:
    """Yield the folder of a dataset's exports; nobody else makes or deletes one meanwhile."""
    with locked_folder(home / EXPORTS / dataset) as folder:
        yield folder


@contextmanager
def without_exports(exports: Path, dataset: str) -> Iterator[None]:
    """Delete a dataset's exports; none is made before the block is done, which deletes data.

    Those in a bucket go too, where `exports` stands for one.
    """
    objects = objects_of(exports)
    if objects is None and not (exports / dataset).is_dir():
        yield  # one that is made from now on is of the table as it is now
        return
    with locked_folder(exports / dataset) as folder:
        for path in _made(folder):
            path.unlink()
        if objects is not None:
            objects.delete(one.key for one in objects.under(dataset))
        yield


def export_hashes(exports: Path, dataset: str) -> list[FileHash]:
    """Return each export of a dataset that is there, and what was given out by a bucket."""
    folder, objects = exports / dataset, objects_of(exports)
    found = _made(folder) if folder.is_dir() else []
    made = [FileHash("", path.name, path.stat().st_size, sha256_of(path)) for path in found]
    return made + (object_hashes(objects, objects.under(dataset)) if objects else [])


def use(path: Path) -> None:
    """Note that an export was asked for now; its time of change, which caches rely on, stays."""
    os.utime(path, ns=(time.time_ns(), path.stat().st_mtime_ns))


def sweep(folder: Path) -> None:
    """Delete what nobody asked for in a week, and what a process that died left."""
    for left in folder.glob(".writing-*"):
        shutil.rmtree(left, ignore_errors=True)
    oldest = time.time() - KEEP_DAYS * _DAY
    for path in _made(folder):
        if max(path.stat().st_atime, path.stat().st_mtime) < oldest:
            path.unlink()


@contextmanager
def locked_folder(folder: Path) -> Iterator[Path]:
    """Yield the folder of a dataset's exports, as `locked_exports` does, by its path."""
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / ".lock"):
        yield folder


def _made(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if not path.name.startswith(".")]
