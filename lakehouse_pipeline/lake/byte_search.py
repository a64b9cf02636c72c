"""Every byte below a folder or a bucket's prefix searched for a value, whatever wraps the value.

Files are searched as they are and, where they are packed, unpacked: Parquet page by page and value
by value (a number or a date as it is printed), gzip, zstd and zip (so Excel) as text, SQLite row by
row. The value is looked for in the encodings it may have been written in, and as JSON, CSV, XML and
URLs spell it. It is never written anywhere. Names of files and folders are searched too. An object
is searched in a copy that goes at once.
"""

import gzip
import json
import os
import shutil
import sqlite3
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from html import escape
from itertools import chain
from pathlib import Path
from urllib.parse import quote, quote_plus

import pyarrow as pa
import pyarrow.parquet as pq

from lakehouse_pipeline.lake.beyond_reach import beyond_reach, newest_version
from lakehouse_pipeline.lake.csv_guess_encoding import ENCODINGS
from lakehouse_pipeline.lake.engine import own_folder
from lakehouse_pipeline.lake.objects import ObjectInfo, Objects, at_once
from lakehouse_pipeline.lake.parquet_pages import pages
from lakehouse_pipeline.lake.unicode_forms import unicode_forms

_CHUNK = 8 << 20
_ENCODINGS = ("utf-8", "utf-16-le", "utf-16-be", "latin-1", *ENCODINGS)
_GZIP, _ZSTD, _ZIP = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PK\x03\x04"
_PARQUET, _SQLITE = b"PAR1", b"SQLite format 3\0"
_BROKEN = (
    OSError,
    EOFError,
    IndexError,
    zipfile.BadZipFile,
    zlib.error,
    sqlite3.Error,
    pa.ArrowException,
)


@dataclass(frozen=True, slots=True)
class FoundIn:
    """A file that holds the value, how often, and whether in its bytes or unpacked.

    `path` is the URL of an object.
    """

    path: str
    count: int
    unpacked: bool


@dataclass(frozen=True, slots=True)
class Searched:
    """How much was searched, and every file that holds the value.

    `unreadable` are files that say they are packed but could not be unpacked; their bytes as they
    are were searched. `named` are files, folders and objects that have the value in their name.
    `beyond_reach` says what a bucket may hold that nobody can search from here.
    """

    files: int
    bytes: int
    found: tuple[FoundIn, ...]
    unreadable: tuple[str, ...]
    named: tuple[str, ...] = ()
    beyond_reach: str = ""


def search(folders: list[Path], value: str) -> Searched:
    """Return where the value stands below `folders`. Files that go meanwhile are passed over.

    Links are followed, to folders too: landing may lie on another disk.
    """
    needles = _needles(value)
    found = sorted({path for folder in folders for path in _below(folder)})
    files = [path for path in found if path.is_file()]
    searched = joined(_looked_into(path, str(path), needles) for path in files)
    return replace(searched, named=tuple(str(path) for path in found if _names(path.name, needles)))


def _below(folder: Path) -> Iterator[Path]:
    """Yield all files and folders below one, none that a link leads back to a second time."""
    seen = set[Path]()
    for at, folders, files in os.walk(folder, followlinks=True):
        yield from (Path(at, name) for name in [*folders, *files])
        folders[:] = [name for name in folders if Path(at, name).resolve() not in seen]
        seen |= {Path(at, name).resolve() for name in folders}


def search_bucket(objects: Objects, value: str, temporary: Path) -> Searched:
    """Return where the value stands in a bucket. Objects that go meanwhile are passed over.

    Each is copied below `temporary` while it is searched: a copy that is there already may be
    another than the object. Raises: StorageError.
    """
    needles, listed = _needles(value), objects.under()
    temporary.mkdir(parents=True, exist_ok=True)
    folder = own_folder(temporary)

    def look(item: tuple[int, ObjectInfo]) -> Searched:
        number, info = item
        copy = folder / str(number)
        try:
            objects.download(info.key, copy)
        except FileNotFoundError:
            return _NOTHING
        try:
            return _looked_into(copy, objects.url_of(info.key), needles)
        finally:
            copy.unlink(missing_ok=True)

    try:
        searched = joined(at_once(look, list(enumerate(listed))))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    named = tuple(objects.url_of(info.key) for info in listed if _names(info.key, needles))
    said = beyond_reach(objects.url, newest_version(objects, listed))
    return replace(searched, named=named, beyond_reach=said)


_NOTHING = Searched(0, 0, (), ())


def joined(parts: Iterable[Searched]) -> Searched:
    """Return several searches as one, in their order."""
    every = list(parts)
    return Searched(
        sum(part.files for part in every),
        sum(part.bytes for part in every),
        tuple(chain.from_iterable(part.found for part in every)),
        tuple(chain.from_iterable(part.unreadable for part in every)),
        tuple(chain.from_iterable(part.named for part in every)),
        "".join(part.beyond_reach for part in every),
    )


def _names(name: str, needles: list[bytes]) -> bool:
    return any(needle in os.fsencode(name) for needle in needles)


def _looked_into(path: Path, shown: str, needles: list[bytes]) -> Searched:
    """Search one file, which is called `shown`."""
    size, found = 0, list[FoundIn]()
    unreadable: tuple[str, ...] = ()
    try:
        size = path.stat().st_size
        found += _plain(path, shown, needles)
        found += _unpacked(path, shown, needles)
    except FileNotFoundError:
        return Searched(0, 0, tuple(found), ())
    except _BROKEN:
        unreadable = (shown,)
    return Searched(1, size, tuple(found), unreadable)


def _needles(value: str) -> list[bytes]:
    """Return the ways in which a value may be written, none inside another."""
    spelled = {one for text in unicode_forms(value) for one in _spelled(text)}
    written = {_encoded(text, encoding) for text in spelled for encoding in _ENCODINGS}
    shortest_first = sorted(written - {b""}, key=len)
    return [
        one
        for n, one in enumerate(shortest_first)
        if not any(other in one for other in shortest_first[:n])
    ]


def _spelled(value: str) -> set[str]:
    """Return the value as it is, and as JSON, CSV, XML and URLs spell it.

    Where letters stay as they are in JSON, quotes and line ends still do not.
    """
    spelled = {value, value.replace('"', '""'), escape(value), escape(value, quote=False)}
    for is_ascii in (True, False):
        once = json.dumps(value, ensure_ascii=is_ascii)[1:-1]
        spelled |= {once, json.dumps(once, ensure_ascii=is_ascii)[1:-1]}
    return spelled | {quote(value), quote(value, safe=""), quote_plus(value)}


def _encoded(text: str, encoding: str) -> bytes:
    """Return the text's bytes, none where the encoding has not all of its characters."""
    try:
        return text.encode(encoding)
    except UnicodeEncodeError:
        return b""


def _plain(path: Path, shown: str, needles: list[bytes]) -> list[FoundIn]:
    with path.open("rb") as file:
        count = _count(iter(lambda: file.read(_CHUNK), b""), needles)
    return [FoundIn(shown, count, unpacked=False)] if count else []


def _unpacked(path: Path, shown: str, needles: list[bytes]) -> list[FoundIn]:
    with path.open("rb") as file:
        head = file.read(16)
    unpack = _unpacking(head)
    count = _count(unpack(path), needles) if unpack else 0
    return [FoundIn(shown, count, unpacked=True)] if count else []


def _unpacking(head: bytes) -> Callable[[Path], Iterator[bytes]] | None:
    kinds = {
        _GZIP: _gunzip,
        _ZSTD: _unzstd,
        _ZIP: _unzip,
        _PARQUET: _parquet,
        _SQLITE: _rows,
    }
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


def _unzip(path: Path) -> Iterator[bytes]:
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            try:
                file = archive.open(name)
            except RuntimeError as error:  # it has a password, or a compression nobody knows here
                raise zipfile.BadZipFile from error
            with file:
                yield b"\0"
                yield from iter(partial(file.read, _CHUNK), b"")


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
