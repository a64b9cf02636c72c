"""The data files of a dataset's tables in a bucket: uploaded, read through copies, swept.

Before a writer uploads files it leaves their names as an object, and takes that away after the
commit. What a killed writer left is thereby known: the next writer deletes those files, unless a
commit names them. Committing is in `tables.py`.
"""

import json
import uuid
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from lakehouse_pipeline.lake.object_cache import ObjectCache
from lakehouse_pipeline.lake.objects import ObjectInfo, Objects, at_once

UPLOADS = "_uploads"
"""The folder of a dataset with what its writers are about to commit."""

ABANDONED_SECONDS = 24 * 3600.0
"""A writer on another machine that began this long ago is dead; on this one the lock tells."""


@dataclass(frozen=True, slots=True)
class TableObjects:
    """The objects of one dataset, `<layer>/_batch_id=<batch>/<file>`; copies are in `folder`."""

    objects: Objects
    folder: Path

    def fetch(self, keys: Sequence[str]) -> list[str]:
        """Return local copies of data files, which never change; order kept."""
        cache = ObjectCache(self.folder)
        return [str(path) for path in at_once(lambda k: cache.fetch(self.objects, k), keys)]

    def upload(self, source: Path, key: str) -> int:
        """Upload a staged file, keep it as the copy, and return its bytes."""
        size = source.stat().st_size
        self.objects.upload(source, key)
        ObjectCache(self.folder).keep(source, key)
        return size

    @contextmanager
    def announced(self, layer: str, names: Collection[str], version: int) -> Iterator[None]:
        """Have it known what is uploaded into a layer, after `version`, until it is committed."""
        if not names:
            yield
            return
        key = f"{UPLOADS}/{uuid.uuid4().hex}.json"
        said = {"writer": self._writer(), "layer": layer, "version": version, "files": [*names]}
        self.objects.put_new(key, json.dumps(said).encode())
        yield
        self.objects.delete([key])

    def sweep(self, committed: Callable[[str, int], Collection[str] | None]) -> list[str]:
        """Delete the files of writers that died before their commit; return their keys.

        Hold the dataset's lock. `committed` says which files of a layer the versions since a given
        one name, None when that cannot be known any more: then they stay.
        """
        swept: list[str] = []
        for info in self.objects.under(UPLOADS):
            try:
                said = json.loads(self.objects.get(info.key))
            except FileNotFoundError:
                continue  # its writer on another machine is done
            if said["writer"] != self._writer() and _age(info) < ABANDONED_SECONDS:
                continue
            kept = committed(said["layer"], said["version"])
            gone = [] if kept is None else [name for name in said["files"] if name not in kept]
            orphans = [f"{said['layer']}/{name}" for name in gone]
            self.objects.delete([*orphans, info.key])
            swept += orphans
        return swept

    def _writer(self) -> str:
        """Return what tells this home from others that write into the same bucket."""
        path = self.folder / ".writer"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(uuid.uuid4().hex)
        return path.read_text()


def _age(info: ObjectInfo) -> float:
    return (datetime.now(UTC) - info.modified).total_seconds()
