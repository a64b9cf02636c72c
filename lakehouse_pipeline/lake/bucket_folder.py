"""Local folders that stand for a prefix of a bucket.

`Settings` gives `landing` and `lake` as folders either way. On local disk the files are in them.
On a bucket such a folder is a `BucketFolder`: the files are objects below its `objects`, and the
folder itself has what must be local: locks, staged files, and copies of objects that were read.
Who takes a folder asks `objects_of`.
"""

import hashlib
from pathlib import Path, PosixPath
from urllib.parse import urlsplit

from lakehouse_pipeline.lake.objects import Objects


class BucketFolder(PosixPath):
    """A local folder with the objects that it stands for; what is derived from it has none."""

    objects: Objects | None = None


def bucket_folder(local: Path, objects: Objects) -> BucketFolder:
    """Return the folder `local` as one that stands for `objects`."""
    folder = BucketFolder(local)
    folder.objects = objects
    return folder


def working_folder(home: Path, url: str) -> BucketFolder:
    """Return the folder of a home that stands for the storage at `url`, another for each URL."""
    parts = urlsplit(url)
    digits = hashlib.sha256(url.encode()).hexdigest()[:8]
    return bucket_folder(home / "remote" / f"{parts.scheme}-{parts.netloc}-{digits}", Objects(url))


def objects_of(folder: Path) -> Objects | None:
    """Return the objects that a folder stands for, None where its files are in it."""
    return folder.objects if isinstance(folder, BucketFolder) else None


def below(folder: Path, *names: str) -> Path:
    """Return a folder below another one, which stands for the objects below that one's."""
    objects, local = objects_of(folder), folder.joinpath(*names)
    return local if objects is None else bucket_folder(local, objects.below(*names))


def address(folder: Path) -> str:
    """Return where a folder's content is, as a person or an engine names it: path or URL."""
    objects = objects_of(folder)
    return str(folder) if objects is None else objects.url
