"""An upload on its way into a landing folder: whole under a free name, or not there at all.

Bytes go to a hidden `.part` file of their own; only a complete one gets its name, by a link that
never takes the place of another file. Which names are CSV files is in `landing.py`, who may upload
in `signing.py`.
"""

import hashlib
import os
import re
import secrets
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from lakehouse_pipeline.errors import LakehouseError
from lakehouse_pipeline.lake.contract_files import flush_folder
from lakehouse_pipeline.lake.csv_bytes import sha256_of
from lakehouse_pipeline.lake.landing import COMPRESSIONS, SUFFIXES, batch_id, is_csv

MAX_NAME_BYTES = 180
FLUSH_BYTES = 128 * 2**20
"""After how many bytes a file is flushed while more of it arrives, so that little is left to do."""
_DRAFT = re.compile(r"\.[0-9a-f]{12}\.part$")


class FileNameError(LakehouseError):
    """A name that no file in a landing folder can have."""

    def __init__(self, problem: str) -> None:
        super().__init__(f"file name: {problem}. Expected a plain name such as sales_2024_01.csv.")


class NotCsvError(LakehouseError):
    """What is uploaded is no CSV file, by its name or by its type."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} is no CSV file. Send .csv, .tsv or .txt, plain, .gz or .zst.")


class PartOfFileError(LakehouseError):
    """An upload is a part of a file; taken as a whole one it would lose the other records."""

    def __init__(self) -> None:
        super().__init__(
            "a part of a file (Content-Range) is not taken. Nothing was kept; send it whole."
        )


class TooLargeError(LakehouseError):
    """An upload has more bytes than it may have; nothing of it is kept."""

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(
            f"the upload is larger than the {limit_bytes} bytes that are allowed. Nothing was "
            "kept; split the file or ask for a larger limit."
        )


def require_csv_name(name: str) -> None:
    """Check the name that an uploaded file is to have.

    Raises: FileNameError: it is no plain name. NotCsvError: it is not that of a CSV file.
    """
    if not name or len(name.encode()) > MAX_NAME_BYTES:
        raise FileNameError(f"empty, or longer than {MAX_NAME_BYTES} bytes")
    if "/" in name or "\\" in name or name.startswith(".") or not name.isprintable():
        raise FileNameError("it has a slash, a control character, or a dot at its start")
    if not is_csv(name):
        raise NotCsvError("a file of this name")


@dataclass(frozen=True, slots=True)
class Landed:
    """An upload that is on the disk; `is_new` is false when the same file stood there already."""

    path: Path
    batch: str
    bytes: int
    sha256: str
    is_new: bool


@dataclass(slots=True)
class Upload:
    """The target of one upload, used in a `with` block; nothing is kept unless it is landed."""

    folder: Path
    name: str
    limit_bytes: int
    _bytes: int = 0
    _flushing: Future[None] | None = None
    _flush_at: int = FLUSH_BYTES
    _flusher: ThreadPoolExecutor = field(init=False)
    _file: BinaryIO = field(init=False)
    _draft: Path = field(init=False)
    _digest: "hashlib._Hash" = field(init=False)

    def __enter__(self) -> Self:
        """Open the draft."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._draft = self.folder / f".{self.name}.{secrets.token_hex(6)}.part"
        self._file = self._draft.open("xb")
        self._digest = hashlib.sha256()
        self._flusher = ThreadPoolExecutor(1, "flush")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the draft and take it away, without waiting for a flush that nobody needs."""
        self._flusher.shutdown(wait=False)
        self._file.close()
        self._draft.unlink(missing_ok=True)

    def write(self, chunk: bytes | memoryview) -> None:
        """Add bytes.

        Raises: TooLargeError: they are more than may be. OSError: the disk does not take them.
        """
        self._bytes += len(chunk)
        if self._bytes > self.limit_bytes:
            raise TooLargeError(self.limit_bytes)
        self._digest.update(chunk)
        self._file.write(chunk)
        if self._bytes >= self._flush_at:
            self._flush()

    def _flush(self) -> None:
        """Begin to flush what is written, beside what is still to come."""
        if self._flushing is not None:
            self._flushing.result()  # the system reports a failed flush once: it is asked each time
        self._flushing = self._flusher.submit(os.fsync, self._file.fileno())
        self._flush_at = self._bytes + FLUSH_BYTES

    def land(self) -> Landed:
        """Give the file its name, on the disk when this returns.

        A different file of that name stays: this one is then called as its batch is. The same
        content under the same name is there once.
        """
        self._file.flush()
        if self._flushing is not None:
            self._flushing.result()
        os.fsync(self._file.fileno())
        digest = self._digest.hexdigest()
        batch = batch_id(self.name, digest)
        for target in (self.folder / self.name, self.folder / _named_as(batch, self.name)):
            is_new = self._link(target)
            if is_new or sha256_of(target) == digest:
                flush_folder(self.folder)
                return Landed(target, batch, self._bytes, digest, is_new)
        raise FileExistsError(target)

    def _link(self, target: Path) -> bool:
        try:
            os.link(self._draft, target)
        except FileExistsError:
            return False
        return True


def _named_as(batch: str, name: str) -> str:
    """Return the name of a file that is called as its batch is, with the endings of `name`."""
    bare = name.lower()
    packed = next((ending for ending in COMPRESSIONS if bare.endswith(ending)), "")
    bare = bare.removesuffix(packed)
    ending = next(ending for ending in SUFFIXES if bare.endswith(ending))
    return f"{batch}{name[-len(ending + packed) :]}"


def sweep(root: Path) -> int:
    """Take away what uploads left behind that were killed; call when none is going on."""
    left = [path for path in root.glob("*/.*.part") if _DRAFT.search(path.name)]
    for path in left:
        path.unlink(missing_ok=True)
    return len(left)
