"""What a bucket may still hold of objects that were deleted or written anew.

A plain delete ends neither older versions nor what a store keeps on its own account, and obstore
can neither list nor delete those. What it tells is the version of an object that is written or
read, which S3 and Azure give only where the bucket keeps versions.
"""

from collections.abc import Iterable
from urllib.parse import urlsplit

from lakehouse_pipeline.lake.objects import ObjectInfo, Objects

_KEPT = {
    "s3": "older versions, and parts of uploads that broke off",
    "az": "older versions, snapshots, and blobs that were deleted softly",
    "gs": "older versions, and objects that were deleted softly",
}


def keeps_versions(url: str, versions: Iterable[str]) -> bool | None:
    """Return whether a bucket keeps older versions, by the versions that its objects have.

    None where that does not tell: without an object, and on Google, which numbers every object.
    """
    known = list(versions)
    return any(known) if known and urlsplit(url).scheme != "gs" else None


def newest_version(objects: Objects, listed: Iterable[ObjectInfo]) -> list[str]:
    """Return the version of the object that was written last, nothing when there is none.

    Older ones may be from before the bucket kept versions.
    """
    newest = max(listed, key=lambda one: one.modified, default=None)
    now = objects.head(newest.key) if newest else None
    return [now.version] if now else []


def beyond_reach(url: str, versions: Iterable[str]) -> str:
    """Return in words what of deleted objects may still be in a bucket, and who ends it."""
    parts = urlsplit(url)
    bucket = f"{parts.scheme}://{parts.netloc}"
    said = {
        True: "keeps older versions of its objects: what was deleted or rewritten is still there",
        False: "gave no version of its objects, so it keeps none of them now",
        None: "does not tell whether it keeps older versions of its objects",
    }
    return (
        f"{bucket} {said[keeps_versions(url, versions)]}. Out of reach from here are "
        f"{_KEPT[parts.scheme]}: a lifecycle rule of the bucket must end them (docs/erasure.md)."
    )
