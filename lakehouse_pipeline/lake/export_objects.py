"""Exports in a bucket, from where signed URLs give them out: one object per file and its name.

The files themselves are in `export_files.py`; one is put into the bucket when it is first given
out, and put there anew before it is so old that it would be swept.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from lakehouse_pipeline.lake.export_files import KEEP_DAYS, locked_folder
from lakehouse_pipeline.lake.objects import ObjectInfo, Objects

ANEW = timedelta(days=KEEP_DAYS - 2)
"""The age from which an object is written anew: a URL may work for a day."""


def share(objects: Objects, file: Path, name: str) -> str | None:
    """Return the key of the object with an export's content, which is in the bucket by then.

    Args:
        objects: the exports in the bucket.
        file: the export, `<exports>/<dataset>/<its own name>`.
        name: what a client saves it as: the last part of the key.

    Returns:
        None when the file was deleted meanwhile, because records have left published.
    """
    dataset = file.parent.name
    key = f"{dataset}/{file.stem}/{name}"
    with locked_folder(file.parent):
        if not file.exists():
            return None
        there = objects.head(key)
        if there is None or _age(there) > ANEW:
            objects.upload(file, key)
            objects.delete(_old(objects, dataset))
    return key


def _old(objects: Objects, dataset: str) -> Iterator[str]:
    """Yield the exports of a dataset that no URL can still be for."""
    for one in objects.under(dataset):
        if _age(one) > timedelta(days=KEEP_DAYS):
            yield one.key


def _age(info: ObjectInfo) -> timedelta:
    return datetime.now(UTC) - info.modified
