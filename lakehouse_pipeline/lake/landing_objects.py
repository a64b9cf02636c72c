"""The landing folders in a bucket: objects listed, copied to the local disk, placed, deleted.

Which of them are CSV files and what batch each one is, is in `landing.py`. What is uploaded by a
signed URL lies in a folder of its own below `_signed/`, under its own name: so no upload can take
the place of another one, whoever uploads what and when.
"""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lakehouse_pipeline.lake.csv_bytes import sha256_of
from lakehouse_pipeline.lake.object_cache import ObjectCache
from lakehouse_pipeline.lake.objects import ObjectInfo, Objects

SIGNED = "_signed"
"""The folder, in that of a dataset, of what is uploaded by signed URLs."""


def key_of_upload(dataset: str, name: str) -> str:
    """Return a key that no other upload has, below the landing folders."""
    return f"{dataset}/{SIGNED}/{secrets.token_hex(8)}/{name}"


@dataclass(frozen=True, slots=True, order=True)
class LandingObjects:
    """The `objects` of all datasets, `<dataset>/<file>`; copies of them are below `folder`."""

    objects: Objects = field(compare=False)
    folder: Path

    def entries(self, dataset: str) -> list[ObjectInfo]:
        """Return the objects directly in a dataset's folder, then those by signed URLs; by key."""
        folders, objects = self.objects.folder(dataset)
        found = [one for one in objects if one.name]
        return found + (self.objects.under(f"{dataset}/{SIGNED}") if SIGNED in folders else [])

    def names(self, dataset: str) -> list[str]:
        """Return the names of all that is in a dataset's folder, without what URLs brought."""
        folders, objects = self.objects.folder(dataset)
        others = [f"{name}/" for name in folders if name != SIGNED]
        return sorted([*others, *(one.name for one in objects)])

    def strangers(self, datasets: Sequence[str]) -> list[str]:
        """Return what lies beside the folders of `datasets`: objects, and folders of none.

        Some clients mark a folder with an empty object of its name.
        """
        folders, objects = self.objects.folder()
        marked = {*folders, *datasets}
        lost = [one.name for one in objects if one.size or one.name not in marked]
        return sorted([*(name for name in folders if name not in datasets), *lost])

    def local(self, info: ObjectInfo) -> Path:
        """Return a copy of an object, under its own name.

        Raises: FileNotFoundError: it is neither here nor in the bucket.
        """
        return ObjectCache(self.folder).fetch(self.objects, info.key, info.content)

    def delete(self, info: ObjectInfo) -> None:
        """Delete an object and its copy, unless it was written again since it was listed."""
        now = self.objects.head(info.key)
        if now is not None and now.content == info.content:
            self.objects.delete([info.key])
        ObjectCache(self.folder).path(info.key, info.content).unlink(missing_ok=True)

    def replace(self, info: ObjectInfo, draft: Path) -> bool:
        """Write `draft` as an object and delete the copy of what it was; the draft goes.

        Returns: False when the object was written again since it was listed; it stays.
        """
        unchanged = self.objects.upload_over(draft, info)
        draft.unlink()
        ObjectCache(self.folder).path(info.key, info.content).unlink(missing_ok=True)
        return unchanged

    def forget_copies(self, dataset: str) -> None:
        """Delete the copies of what is not in the bucket any more, or was written again since.

        What is listed later than the copies were looked for can have none among them.
        """
        copies = [path for path in (self.folder / dataset).rglob("*") if not path.is_dir()]
        cache = ObjectCache(self.folder)
        there = {cache.path(one.key, one.content).parent for one in self.entries(dataset)}
        for copy in copies:
            if copy.parent not in there:
                copy.unlink(missing_ok=True)

    def place(
        self, dataset: str, source: Path, sha256: str, named_after: Callable[[str, str], str]
    ) -> str:
        """Write a file as an object of its own name and return that name.

        Another content of the name is not overwritten: `named_after` then says what name to take.
        """
        for name in (source.name, named_after(source.name, sha256)):
            key = f"{dataset}/{name}"
            if self.objects.upload_new(source, key) or self._holds(key, sha256):
                return name
        self.objects.upload(source, key)  # it is called as its content, and holds another
        return name

    def _holds(self, key: str, sha256: str) -> bool:
        info = self.objects.head(key)
        return info is not None and sha256_of(self.local(info)) == sha256
