"""The landing folders: which files are there, which are complete, and what batch each one is.

A batch's id is `<file stem>-<8 hex digits of the content's SHA-256>`: the same content under the
same name is the same batch, new content is a new one. Files stay where they arrived. In a bucket
they are objects (`landing_objects.py`), and are read from local copies. A file that an erasure
rewrote is still the batch it was (`erased_records.py`).
"""

import fcntl
import os
import re
import shutil
import sys
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lakehouse_pipeline.errors import UnreadableFileError
from lakehouse_pipeline.lake.bucket_folder import objects_of
from lakehouse_pipeline.lake.contract_files import flush_folder
from lakehouse_pipeline.lake.csv_bytes import sha256_of
from lakehouse_pipeline.lake.erased_records import ErasedRecords
from lakehouse_pipeline.lake.landing_objects import LandingObjects
from lakehouse_pipeline.lake.objects import ObjectInfo, at_once

ABANDONED_SECONDS = 60.0
"""For how long nobody has written a draft whose writer is dead."""

SUFFIXES = (".csv", ".tsv", ".txt")
COMPRESSIONS = (".gz", ".zst")
TEMPORARY_SUFFIXES = (".part", ".tmp", ".temp", ".partial", ".filepart", ".crdownload", ".swp", "~")
ERASING = ".erasing-"
"""Before the name of a file that is being rewritten."""

_DRAFT = re.compile(r"\.(.+?)(?:\.[0-9a-f]{12})?\.part")
"""How a copy and an upload are called until they are whole."""

HASH_DIGITS = 8
STEM_CHARACTERS = 100


@dataclass(frozen=True, slots=True, order=True)
class LandingFile:
    """A file in a landing folder as `stat` sees it; times in nanoseconds since 1970 UTC.

    `changed_ns` is when the file came to stand there (its inode change), which a copy that keeps
    the modification time does not hide.
    """

    path: Path
    size: int
    modified_ns: int
    changed_ns: int

    @property
    def key(self) -> str:
        """What it is called in the dataset's folder; no two files are called the same."""
        return self.path.name

    @property
    def fingerprint(self) -> str:
        """What changes whenever the file is written or put there again."""
        return f"{self.size}-{self.modified_ns}-{self.changed_ns}"

    @property
    def url(self) -> str:
        """Where it is in a bucket, '' where it is in none."""
        return ""

    def version(self) -> str:
        """Return the id under which a bucket may keep it when it is deleted, '' without one."""
        return ""

    def local(self) -> Path:
        """Return where its bytes can be read. Raises: FileNotFoundError: it has gone."""
        return self.path

    def delete(self) -> None:
        """Delete the file, unless another one has taken its place since it was looked at."""
        try:
            stat = self.path.stat()
        except FileNotFoundError:
            return
        if self == LandingFile(self.path, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns):
            self.path.unlink()

    def draft(self) -> Path:
        """Return where a new content of the file may be written; no listing shows it."""
        return self.path.with_name(f"{ERASING}{self.path.name}")

    def replace(self, draft: Path) -> bool:
        """Put a draft in the file's place, whole or not at all.

        Returns: False when another file has taken that place since it was looked at; it stays.
        """
        with draft.open("rb") as file:
            os.fsync(file.fileno())
        try:
            stat = self.path.stat()
        except FileNotFoundError:
            stat = None
        mine = stat and LandingFile(self.path, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)
        if mine != self:
            draft.unlink()
            return False
        draft.replace(self.path)
        flush_folder(self.path.parent)
        return True


@dataclass(frozen=True, slots=True, order=True)
class LandedObject(LandingFile):
    """An object in a landing folder of a bucket; `path` says what it is called, not where it is.

    An object stands there whole or not at all, and its `info` changes when it is put there again.
    """

    objects: LandingObjects
    info: ObjectInfo

    @property
    def key(self) -> str:
        """What it is called in the dataset's folder; several may have the same name."""
        return self.info.key.partition("/")[2]

    @property
    def fingerprint(self) -> str:
        """What changes whenever the object is written again, with the same content too.

        S3 makes the etag of the content alone.
        """
        return f"{self.info.content}-{self.modified_ns}"

    @property
    def url(self) -> str:
        """Where the object is."""
        return self.objects.objects.url_of(self.info.key)

    def version(self) -> str:
        """Return the id under which the bucket may keep it, '' when it gives none or it is gone."""
        now = self.objects.objects.head(self.info.key)
        return now.version if now else ""

    def local(self) -> Path:
        """Return a local copy. Raises: FileNotFoundError: the object has gone."""
        return self.objects.local(self.info)

    def delete(self) -> None:
        """Delete the object and its copy, unless another one has taken its place."""
        self.objects.delete(self.info)

    def draft(self) -> Path:
        """Return where a new content of the object may be written, on the local disk."""
        local = self.local()
        return local.with_name(f"{ERASING}{local.name}")

    def replace(self, draft: Path) -> bool:
        """Write a draft as the object and delete its copy; False when it was written since."""
        return self.objects.replace(self.info, draft)


class Landing:
    """The folders below `root`, one per dataset; `erased` knows the files that were rewritten."""

    def __init__(self, root: Path, erased: ErasedRecords | None = None) -> None:
        self.root = root
        self._erased = erased
        objects = objects_of(root)
        self._objects = LandingObjects(objects, root) if objects else None

    def folder(self, dataset: str) -> Path:
        """Return the landing folder of a dataset."""
        return self.root / dataset

    def files(self, dataset: str) -> list[LandingFile]:
        """Return the dataset's CSV files by name; temporary names and folders are left out."""
        return [file for file in self._entries(dataset) if is_csv(file.path.name)]

    def unheld(self, dataset: str, held: Collection[str]) -> Iterator[tuple[str, LandingFile]]:
        """Yield the CSV files whose content is none of the batches `held`, each with its batch.

        Every file is read for that; from a bucket it is copied first.
        """
        contents = {batch[-HASH_DIGITS:] for batch in held}
        for file in self.files(dataset):
            sha256 = _sha256(file)
            if sha256 and sha256[:HASH_DIGITS] not in contents:
                batch = self.batch_of(dataset, file.path.name, sha256)
                if batch not in held:
                    yield batch, file

    def no_csv(self, dataset: str) -> list[LandingFile]:
        """Return the files that no reader takes, for their names; drafts of our own among them."""
        return [file for file in self._entries(dataset) if not is_csv(file.path.name)]

    def ignored(self, dataset: str) -> list[Path]:
        """Return what lies in the folder but will never be read: neither CSV nor temporary."""
        folder = self.folder(dataset)
        if self._objects:
            names = self._objects.names(dataset)
            return [folder / name for name in names if not (is_temporary(name) or is_csv(name))]
        if not folder.is_dir():
            return []
        return sorted(
            path
            for path in folder.iterdir()
            if not is_temporary(path.name) and not (path.is_file() and is_csv(path.name))
        )

    def strangers(self, datasets: Sequence[str]) -> list[Path]:
        """Return what lies beside the folders of `datasets`: files, and folders of no dataset."""
        if self._objects:
            return [self.root / name for name in self._objects.strangers(datasets)]
        if not self.root.is_dir():
            return []
        return sorted(p for p in self.root.iterdir() if p.name not in datasets or p.is_file())

    def find(self, dataset: str, batches: Sequence[str]) -> dict[str, Path | None]:
        """Return where the file of each batch can be read, as `found` has them.

        From a bucket all of them are copied to the local disk.
        """
        found = self.found(dataset, batches)
        there = {batch: file for batch, file in found.items() if file}
        paths = at_once(lambda file: file.local(), list(there.values()))
        return dict.fromkeys(batches) | dict(zip(there, paths, strict=True))

    def found(self, dataset: str, batches: Sequence[str]) -> dict[str, LandingFile | None]:
        """Return the file of each batch, None where no file of its name is there.

        Only where several files share a name's stem are they told apart by content; the reader
        checks the content of the others when it has read them.
        """
        by_stem: dict[str, list[LandingFile]] = {}
        for file in self.files(dataset):
            by_stem.setdefault(stem_of(file.path.name), []).append(file)
        return {
            batch: self._match(
                dataset, batch, [*by_stem.get(_stem(batch), []), *by_stem.get(batch, [])]
            )
            for batch in batches
        }

    def holding(
        self, dataset: str, batches: Mapping[str, Sequence[str]]
    ) -> dict[str, list[LandingFile]]:
        """Return the files with the content of each batch, looked at before they were read.

        Args:
            dataset: whose folder.
            batches: to each batch the names of files, beside its own, that may hold its content.

        Returns:
            The batches in order, without those that have no file; a file counts only when its
            content is that of the batch.
        """
        wanted: dict[str, list[str]] = {}
        for batch, copies in batches.items():
            for name in {_stem(batch), batch, *map(stem_of, copies)}:
                wanted.setdefault(name, []).append(batch)
        found: dict[str, list[LandingFile]] = {batch: [] for batch in batches}
        for file in self.files(dataset):
            maybe = wanted.get(stem_of(file.path.name))
            sha256 = _sha256(file) if maybe else None
            if not maybe or not sha256:
                continue
            rewritten = self.rewritten(dataset, sha256)
            for batch in maybe:
                if batch in rewritten or batch.endswith(f"-{sha256[:HASH_DIGITS]}"):
                    found[batch].append(file)
        return {batch: files for batch, files in found.items() if files}

    def batch_of(self, dataset: str, name: str, sha256: str) -> str:
        """Return the id of the batch that a landing file of this name and content is."""
        stem, rewritten = stem_of(name), self.rewritten(dataset, sha256)
        mine = [batch for batch in rewritten if stem in (batch, _stem(batch))]
        return next(iter([*mine, *rewritten]), batch_id(name, sha256))

    def rewritten(self, dataset: str, sha256: str) -> list[str]:
        """Return the batches of which an erasure rewrote a file to this content, mostly none."""
        return self._erased.batches_of(dataset, sha256) if self._erased else []

    def lost_records(self, dataset: str, batch: str) -> bool:
        """Return whether records were erased from a batch."""
        return self._erased is not None and batch in self._erased.of(dataset)

    def forget_copies(self, dataset: str) -> None:
        """Delete the copies on this machine of objects that are not in the bucket any more."""
        if self._objects:
            self._objects.forget_copies(dataset)

    def _match(self, dataset: str, batch: str, candidates: list[LandingFile]) -> LandingFile | None:
        if len(candidates) == 1:
            return candidates[0]
        for file in candidates:
            if self.batch_of(dataset, file.path.name, sha256_of(file.local())) == batch:
                return file
        return None

    def place(self, dataset: str, source: Path, sha256: str | None = None) -> Path:
        """Copy `source` into the dataset's folder under its own name, whole or not at all.

        A different file of that name is not overwritten: the copy is then called as its batch is.
        `sha256` is the content's, where the caller knows it.
        Raises: UnreadableFileError: `source` is missing, a folder, or not readable.
        """
        readable(source)
        if self._objects:
            return self.folder(dataset) / self._objects.place(
                dataset, source, sha256 or sha256_of(source), _named_after
            )
        folder = self.folder(dataset)
        folder.mkdir(parents=True, exist_ok=True)
        target = folder / source.name
        if target.exists() and target.samefile(source):
            return target
        if target.exists():
            digest = sha256 or sha256_of(source)
            if sha256_of(target) == digest:
                return target
            target = folder / _named_after(source.name, digest)
        draft = folder / f".{target.name}.part"
        try:
            shutil.copyfile(source, draft)
            with draft.open("rb") as file:
                os.fsync(file.fileno())
            draft.replace(target)
        finally:
            draft.unlink(missing_ok=True)
        return target

    def _entries(self, dataset: str) -> list[LandingFile]:
        if self._objects is None:
            return _entries(self.folder(dataset))
        return [_landed(self.root, self._objects, info) for info in self._objects.entries(dataset)]


def _landed(root: Path, objects: LandingObjects, info: ObjectInfo) -> LandedObject:
    """Return an object as a file; a store that counts whole seconds is taken at their end."""
    ns = int(info.modified.timestamp() * 1e6) * 1000
    ns += 0 if info.modified.microsecond else 999_999_999
    return LandedObject(root / info.key, info.size, ns, ns, objects, info)


def _named_after(name: str, sha256: str) -> str:
    """Return what a file is called whose own name is taken: as its batch."""
    bare, suffix = _split(name)
    return f"{bare}-{sha256[:HASH_DIGITS]}{suffix}"


def _stem(batch: str) -> str:
    return batch[: -HASH_DIGITS - 1]


def _sha256(file: LandingFile) -> str | None:
    """Return the hash of a file's content, None when the file has gone meanwhile."""
    try:
        return sha256_of(file.local())
    except FileNotFoundError:
        return None


def readable(path: Path) -> None:
    """Check that `path` is a file that can be opened. Raises: UnreadableFileError: it is not."""
    if path.is_dir():
        raise UnreadableFileError(path, "is a folder")
    try:
        path.open("rb").close()
    except OSError as error:
        raise UnreadableFileError(path, (error.strerror or str(error)).lower()) from error


def is_temporary(name: str) -> bool:
    """Return whether a name says that someone is still writing the file."""
    return name.startswith(".") or name.lower().endswith(TEMPORARY_SUFFIXES)


def is_left_over(file: LandingFile) -> bool:
    """Return whether a process of ours wrote the file, died and never gave it its name.

    Ask under the dataset's lock, without which nothing is rewritten.
    """
    name = file.path.name
    if name.startswith(ERASING):
        return True
    draft = _DRAFT.fullmatch(name)
    if draft is None or isinstance(file, LandedObject) or not is_csv(draft[1]):
        return False
    return is_settled(file, ABANDONED_SECONDS)


def is_csv(name: str) -> bool:
    """Return whether a name is one of a CSV file, plain or compressed, and not temporary."""
    bare = name.lower()
    for compression in COMPRESSIONS:
        bare = bare.removesuffix(compression)
    return bare.endswith(SUFFIXES) and not is_temporary(name)


def stem_of(name: str) -> str:
    """Return the part of a batch id that comes from the file's name: `[A-Za-z0-9_.-]` only."""
    bare = re.sub(r"[^A-Za-z0-9_.-]", "_", bare_name(name))
    return re.sub(r"\.{2,}", ".", bare).strip(".")[:STEM_CHARACTERS] or "file"


def batch_id(name: str, sha256: str) -> str:
    """Return the id of the batch that a file of this name and content is.

    A file that is called as its batch is (`may-3b8b15db.csv`) is that batch.
    """
    stem, digits = stem_of(name), f"-{sha256[:HASH_DIGITS]}"
    return stem if stem.endswith(digits) else stem + digits


def bare_name(name: str) -> str:
    """Return a CSV file's name without its endings."""
    return _split(name)[0]


def _split(name: str) -> tuple[str, str]:
    """Return a CSV file's name without and with only its endings."""
    bare = name
    for suffix in (*COMPRESSIONS, *SUFFIXES):
        bare = bare[: -len(suffix)] if bare.lower().endswith(suffix) else bare
    return bare, name[len(bare) :]


def is_settled(file: LandingFile, settle_seconds: float) -> bool:
    """Return whether the file is whole: unchanged for a while, and open for writing by nobody.

    The second part is known on Linux, for files on local disks; elsewhere time alone decides. An
    object that is listed is whole.
    """
    if isinstance(file, LandedObject):
        return True
    newest = max(file.modified_ns, file.changed_ns) / 1e9
    return time.time() - newest >= settle_seconds and not _has_writer(file.path)


def _has_writer(path: Path) -> bool:
    """Ask the kernel for a read lease, which it denies while the file is open for writing."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        with path.open("rb") as file:
            fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_RDLCK)
            fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def _entries(folder: Path) -> list[LandingFile]:
    if not folder.is_dir():
        return []
    found = []
    for entry in os.scandir(folder):
        if entry.is_file():
            stat = entry.stat()
            found.append(
                LandingFile(Path(entry.path), stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)
            )
    return sorted(found)
