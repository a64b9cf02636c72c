"""Copies of objects on the local disk, since DuckDB and the CSV reader read files.

A copy is named by the object's key, and by a version where keys are written again; so it never goes
stale. Each run first removes the copies that nobody used for a day, and the oldest ones when there
is too much; what was used within the hour stays, for another run may be reading it.
"""

import os
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from lakehouse_pipeline.lake.objects import Objects

LIMIT_BYTES = 20 << 30
IN_USE_SECONDS = 3600.0
UNUSED_SECONDS = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class ObjectCache:
    """The copies below `folder`; `limit_bytes` bounds those that are not in use."""

    folder: Path
    limit_bytes: int = LIMIT_BYTES

    def fetch(self, objects: Objects, key: str, version: str = "") -> Path:
        """Return a copy of an object: the one that is there, or a new one.

        Raises: FileNotFoundError: it has to be read and is not there. StorageError.
        """
        path = self.path(key, version)
        try:
            os.utime(path)
        except FileNotFoundError:
            objects.download(key, path)
        return path

    def keep(self, source: Path, key: str) -> None:
        """Move a file that was written as an object here, so that it need not be read again."""
        path = self.path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        source.replace(path)

    def path(self, key: str, version: str = "") -> Path:
        """Return where the copy of an object is; its last name is that of the object."""
        folder, _, name = key.rpartition("/")
        return self.folder.joinpath(folder, version, name)

    def forget(self, folder: str, kept: Collection[str] = ()) -> None:
        """Delete every copy below a folder of keys, but for the files of the names `kept`.

        Half-made ones go too: an object that was deleted while it was downloaded leaves no copy.
        """
        for path in self.folder.joinpath(folder).rglob("*"):
            if path.name not in kept and not path.is_dir():
                path.unlink(missing_ok=True)

    def sweep(self) -> None:
        """Remove copies that are old, and more when there are too many."""
        now, kept = time.time(), 0
        for used, size, path in sorted(self._copies(), reverse=True):
            unused = now - used
            kept += size
            if unused > UNUSED_SECONDS or (kept > self.limit_bytes and unused > IN_USE_SECONDS):
                path.unlink(missing_ok=True)
                kept -= size

    def _copies(self) -> Iterator[tuple[float, int, Path]]:
        """Yield when each copy was last used, its bytes and its path; half-made ones are copies."""
        for folder, folders, names in os.walk(self.folder):
            folders[:] = [name for name in folders if not name.startswith(".")]
            for name in names:
                if name.startswith(".") and not name.endswith(".part"):
                    continue  # a lock
                path = Path(folder, name)
                try:
                    stat = path.stat()
                except FileNotFoundError:
                    continue
                yield stat.st_mtime, stat.st_size, path
