"""The bytes of a landing file: opened, hashed as they stand on disk, decompressed.

Encodings are in `csv_charset`, physical lines in `csv_lines`. What the operating system raises
is not caught: a disk that fails is not a file that is at fault.
"""

import gzip
import hashlib
import io
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pyarrow as pa

from lakehouse_pipeline.errors import CompressionError


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


def sha256_of(path: Path) -> str:
    """Return the SHA-256 (hex) of a file's bytes as they stand on disk."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class _HashedFile(io.RawIOBase):
    """A file that hashes and counts every byte read from it."""

    def __init__(self, file: io.FileIO) -> None:
        self._file = file
        self.digest = hashlib.sha256()
        self.size = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        data = self._file.read(size)
        self.digest.update(data)
        self.size += len(data)
        return data

    def close(self) -> None:
        self._file.close()
        super().close()


class Delivery:
    """One file as it was delivered: plain, `.gz` or `.zst` by the end of its name.

    `sha256` (hex, of the bytes on disk) and `size_bytes` hold once `chunks` is exhausted.
    """

    def __init__(self, path: Path, chunk_bytes: int) -> None:
        self.path = path
        self.sha256 = ""
        self.size_bytes = 0
        self._chunk_bytes = chunk_bytes

    def chunks(self) -> Iterator[bytes]:
        """Yield the decompressed bytes in order, each chunk non-empty.

        Raises:
            CompressionError: the file is cut short, damaged or not what its name says.
            OSError: the operating system cannot read it.
        """
        with _HashedFile(io.FileIO(self.path)) as raw:
            stream = self._decompressed(raw)
            while chunk := self._read(stream):
                yield chunk
            self.sha256 = raw.digest.hexdigest()
            self.size_bytes = raw.size

    def _decompressed(self, raw: _HashedFile) -> _Readable:
        match self.path.suffix.lower():
            case ".gz":
                return gzip.GzipFile(fileobj=raw, mode="rb")
            case ".zst":
                file = pa.PythonFile(raw, mode="r")
                stream: _Readable = pa.CompressedInputStream(file, "zstd")
                return stream
            case _:
                return raw

    def _read(self, stream: _Readable) -> bytes:
        try:
            return stream.read(self._chunk_bytes)
        except EOFError as error:
            raise CompressionError(self.path.name, "cut short, or damaged") from error
        except (gzip.BadGzipFile, zlib.error) as error:
            raise CompressionError(self.path.name, "damaged, or not gzip") from error
        except OSError as error:
            if error.errno is not None:  # the operating system's; pyarrow's own have no number
                raise
            cut = "Truncated" in str(error)
            problem = "cut short, or damaged" if cut else "damaged, or not zstd"
            raise CompressionError(self.path.name, problem) from error
