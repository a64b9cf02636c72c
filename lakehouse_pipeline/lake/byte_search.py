"""Every byte below a folder searched for a value, whatever the value is wrapped in.

Files are searched as they are and, where they are packed, unpacked: Parquet page by page and value
by value (a number or a date as it is printed), gzip and zstd as text, SQLite row by row. The value
is looked for in the encodings it may have been written in, and as JSON, CSV and URLs spell it. It
is never written anywhere. Names of files and folders are searched too.
"""

import gzip
import json
import os
import sqlite3
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pyarrow as pa
import pyarrow.parquet as pq

from lakehouse_pipeline.lake.parquet_pages import pages

_CHUNK = 8 << 20
_ENCODINGS = ("utf-8", "latin-1", "cp1252", "utf-16-le", "utf-16-be")
_GZIP, _ZSTD, _PARQUET, _SQLITE = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PAR1", b"SQLite format 3\0"


@dataclass(frozen=True, slots=True)
class FoundIn:
    """A file that holds the value, how often, and whether in its bytes or unpacked."""

    path: Path
    count: int
    unpacked: bool


@dataclass(frozen=True, slots=True)
class Searched:
    """How much was searched, and every file that holds the value.

    `unreadable` are files that say they are packed but could not be unpacked; their bytes as they
    are were searched. `named` are files and folders that have the value in their name.
    """

    files: int
    bytes: int
    found: tuple[FoundIn, ...]
    unreadable: tuple[Path, ...]
    named: tuple[Path, ...] = ()


def search(folders: list[Path], value: str) -> Searched:
    """Return where the value stands below `folders`. Files that go meanwhile are passed over."""
    needles = _needles(value)
    files, size, found, unreadable, named = 0, 0, [], [], []
    for path in sorted({path for folder in folders for path in folder.rglob("*")}):
        if any(needle in os.fsencode(path.name) for needle in needles):
            named.append(path)
        if path.is_symlink() or not path.is_file():
            continue
        try:
            files, size = files + 1, size + path.stat().st_size
            found += _plain(path, needles)
            found += _unpacked(path, needles)
        except FileNotFoundError:
            continue
        except (OSError, EOFError, zlib.error, pa.ArrowException, sqlite3.Error, IndexError):
            unreadable.append(path)
    return Searched(files, size, tuple(found), tuple(unreadable), tuple(named))


def _needles(value: str) -> list[bytes]:
    """Return the ways in which a value may be written, none inside another."""
    spelled = {
        value,
        json.dumps(value)[1:-1],
        json.dumps(json.dumps(value)[1:-1])[1:-1],
        value.replace('"', '""'),
        quote(value),
        quote(value, safe=""),
    }
    written: set[bytes] = set()
    for encoding in _ENCODINGS:
        for text in spelled:
            written.add(text.encode(encoding, "ignore") if text == value else text.encode())
    shortest_first = sorted(written - {b""}, key=len)
    return [
        one
        for n, one in enumerate(shortest_first)
        if not any(other in one for other in shortest_first[:n])
    ]


def _plain(path: Path, needles: list[bytes]) -> list[FoundIn]:
    with path.open("rb") as file:
        count = _count(iter(lambda: file.read(_CHUNK), b""), needles)
    return [FoundIn(path, count, unpacked=False)] if count else []


def _unpacked(path: Path, needles: list[bytes]) -> list[FoundIn]:
    with path.open("rb") as file:
        head = file.read(16)
    unpack = _unpacking(head)
    count = _count(unpack(path), needles) if unpack else 0
    return [FoundIn(path, count, unpacked=True)] if count else []


def _unpacking(head: bytes) -> Callable[[Path], Iterator[bytes]] | None:
    kinds = {_GZIP: _gunzip, _ZSTD: _unzstd, _PARQUET: _parquet, _SQLITE: _rows}
    return next((unpack for magic, unpack in kinds.items() if head.startswith(magic)), None)


def _count(chunks: Iterator[bytes], needles: list[bytes]) -> int:
    """Return how often a needle stands in the chunks, also where it lies across two of them."""
    overlap = max(map(len, needles)) - 1
    count, tail = 0, b""
    for chunk in chunks:
        data = tail + chunk
        count += sum(data.count(needle) - tail.count(needle) for needle in needles)
        tail = data[-overlap:] if overlap else b""
    return count


def _gunzip(path: Path) -> Iterator[bytes]:
    with gzip.open(path, "rb") as file:
        yield from iter(lambda: file.read(_CHUNK), b"")


def _unzstd(path: Path) -> Iterator[bytes]:
    with pa.OSFile(str(path)) as raw, pa.CompressedInputStream(raw, "zstd") as file:
        yield from iter(lambda: file.read(_CHUNK), b"")


def _parquet(path: Path) -> Iterator[bytes]:
    """Yield the pages, then the values as text: some encodings do not keep a text in one piece."""
    yield from pages(path)
    table = pq.ParquetFile(path)
    for rows in table.iter_batches():
        for column in rows.columns:
            yield b"\0".join([b"", *_texts(column), b""])


def _texts(column: pa.Array) -> Iterator[bytes]:
    if pa.types.is_struct(column.type) or pa.types.is_list(column.type):
        inner = column.flatten()
        for one in inner if isinstance(inner, list) else [inner]:
            yield from _texts(one)
    elif pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        yield from (text.encode() for text in column.to_pylist() if text is not None)
    elif pa.types.is_binary(column.type):
        yield from (data for data in column.to_pylist() if data is not None)
    else:
        yield from (str(value).encode() for value in column.to_pylist() if value is not None)


def _rows(path: Path) -> Iterator[bytes]:
    """Yield every row of every table: a long value lies over several pages of the file."""
    with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True)) as database:
        names = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        for (name,) in names:
            quoted = name.replace('"', '""')
            for row in database.execute(f'SELECT * FROM "{quoted}"'):
                cells = (c if isinstance(c, bytes) else str(c).encode() for c in row)
                yield b"\0".join([b"", *cells, b""])
