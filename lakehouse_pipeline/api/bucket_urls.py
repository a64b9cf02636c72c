"""Signed URLs of a bucket: the store itself takes and gives the bytes, this process sees none.

An upload has a key of its own (`lake/landing_objects`), so none can take the place of another one;
the sensor finds it by listing. No store can bind a size to such a URL.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from lakehouse_pipeline.api.problems import BucketLimitError, NotPublishedError
from lakehouse_pipeline.lake.export_objects import share
from lakehouse_pipeline.lake.landing_objects import key_of_upload
from lakehouse_pipeline.lake.objects import Objects


def upload_to(
    landing: Objects, dataset: str, name: str, seconds: int, max_bytes: int | None
) -> tuple[str, dict[str, Any]]:
    """Return the object that an upload will be, and the URL that takes it.

    Raises:
        BucketLimitError: a limit of bytes is asked for.
        UnsignableNameError: the store cannot sign for this name.
        StorageError: there is nothing to sign with.
    """
    if max_bytes is not None:
        raise BucketLimitError
    key = key_of_upload(dataset, name)
    until = timedelta(seconds=seconds)
    answer: dict[str, Any] = {"url": landing.sign("PUT", key, until), "expires_at": _after(until)}
    answer |= {"method": "PUT", "filename": name, "max_bytes": None}
    return f"landing/{key}", answer | {"headers": landing.upload_headers}


def download_from(
    exports: Objects, made: Path, name: str, seconds: int
) -> tuple[str, dict[str, Any]]:
    """Return the object that an export is in the bucket, put there if need be, and its URL.

    Raises: NotPublishedError: records left published meanwhile. StorageError.
    """
    dataset = made.parent.name
    key = share(exports, made, name)
    if key is None:
        raise NotPublishedError(dataset, "what was asked for", "records just left it. Ask again.")
    until = timedelta(seconds=seconds)
    return f"exports/{key}", {"url": exports.sign("GET", key, until), "expires_at": _after(until)}


def _after(seconds: timedelta) -> str:
    return (datetime.now(UTC) + seconds).isoformat(timespec="seconds")
