"""Files that already lie in the store, beside the landing folders: found by key, never outside.

A key is a path below the store: the folder or bucket that has `landing/` and `lake/`. Where the
store is the home itself only what is below `landing/` counts, for the rest of a home is no data.
"""

import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from lakehouse_pipeline.errors import LakehouseError
from lakehouse_pipeline.lake.bucket_folder import objects_of
from lakehouse_pipeline.lake.engine import own_folder
from lakehouse_pipeline.lake.landing import LandingFile, is_settled
from lakehouse_pipeline.lake.uploads import require_csv_name

LANDING = "landing"
_CLOSED = frozenset({"lake", "exports"})
_MAX_KEY = 1000


class ObjectKeyError(LakehouseError):
    """A key that names nothing that may be appended."""

    def __init__(self, problem: str) -> None:
        super().__init__(
            f"object: {problem}. Expected the path of a CSV file below the store, such as "
            "landing/incoming/may.csv."
        )


class UnknownKeyError(LakehouseError):
    """The store has no file of this key."""

    def __init__(self, key: str) -> None:
        super().__init__(f"object '{key}': the store has no such file. Nothing was appended.")


class BeingWrittenError(LakehouseError):
    """Somebody still has the file open for writing."""

    def __init__(self, key: str) -> None:
        super().__init__(f"object '{key}' is being written. Ask again when it is whole.")


@dataclass(frozen=True, slots=True)
class Store:
    """The store at `place`; `is_home` says that it is the home, which also has other things.

    What is in a bucket is read from a copy below `temporary`.
    """

    place: Path
    is_home: bool
    temporary: Path

    @contextmanager
    def file(self, key: str, dataset: str, datasets: Collection[str]) -> Iterator[Path]:
        """Yield where the file of a key can be read, for one who appends to `dataset`.

        From a bucket it is copied to the local disk for the block: no copy is left for erasure.

        Raises:
            ObjectKeyError: the key leads out of the store, or to what others delivered.
            FileNameError, NotCsvError: it is not called as a CSV file is.
            UnknownKeyError, BeingWrittenError: there is none, or it is not whole.
        """
        self._check(key, dataset, datasets)
        objects = objects_of(self.place)
        if objects is None:
            yield self._local(key, dataset, datasets)
            return
        if objects.head(key) is None:
            raise UnknownKeyError(key)
        self.temporary.mkdir(parents=True, exist_ok=True)
        folder = own_folder(self.temporary)
        try:
            yield objects.download(key, folder / key.rpartition("/")[2])
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _check(self, key: str, dataset: str, datasets: Collection[str]) -> None:
        if not key.isprintable() or "\\" in key or len(key.encode()) > _MAX_KEY:
            raise ObjectKeyError("it is too long, or has a character that no key has")
        parts = key.split("/")
        if any(part in {"", ".", ".."} or part.startswith(".") for part in parts):
            raise ObjectKeyError("it begins at a root, goes up, or has a hidden or empty part")
        require_csv_name(parts[-1])
        if parts[0] in _CLOSED or (self.is_home and parts[0] != LANDING):
            raise ObjectKeyError("it is no file that was delivered")
        if parts[0] == LANDING and len(parts) > 2 and parts[1] in {*datasets} - {dataset}:  # noqa: PLR2004 - landing, folder, file
            raise ObjectKeyError("it was delivered for another dataset")

    def _local(self, key: str, dataset: str, datasets: Collection[str]) -> Path:
        root = self.place.resolve()
        path = (self.place / PurePosixPath(key)).resolve()
        if not path.is_relative_to(root):
            raise ObjectKeyError("it is a link that leads out of the store")
        self._check(path.relative_to(root).as_posix(), dataset, datasets)
        if not path.is_file():
            raise UnknownKeyError(key)
        stat = path.stat()
        if not is_settled(LandingFile(path, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns), 0):
            raise BeingWrittenError(key)
        return path
