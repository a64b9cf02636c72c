"""A search of a bucket and a home that shares nothing with the product's own.

Every object and every file is looked at as it is and unpacked: gzip, zstd, Parquet by value and
statistics, SQLite row by row.
"""

import gzip
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from lakehouse_pipeline.lake.objects import Objects


def holding(objects: Objects, home: Path, *values: str) -> list[str]:
    """Return the keys of the objects and the files of the home that hold one of the values.

    What goes while it is looked at (a write-ahead log whose database took it in) starts it anew.
    """
    deadline = time.monotonic() + 60
    while True:
        try:
            return _holding(objects, home, [value.encode() for value in values])
        except FileNotFoundError:
            if time.monotonic() > deadline:
                raise


def _holding(objects: Objects, home: Path, wanted: list[bytes]) -> list[str]:
    kept = [(one.key, objects.get(one.key)) for one in objects.under()]
    files = [path for path in home.rglob("*") if path.is_file()]
    kept += [(f"home/{path.relative_to(home)}", path.read_bytes()) for path in files]
    found = {name for name, content in kept if _stands_in(wanted, _unpacked(content))}
    databases = (path for path in files if path.read_bytes()[:13] == b"SQLite format")
    found |= {f"home/{p.relative_to(home)}" for p in databases if _stands_in(wanted, _rows(p))}
    return sorted(found)


def _stands_in(wanted: list[bytes], texts: Iterator[bytes]) -> bool:
    return any(value in text for text in texts for value in wanted)


def _unpacked(content: bytes) -> Iterator[bytes]:
    yield content
    source = pa.BufferReader(content)
    if content.startswith(b"\x1f\x8b"):
        yield gzip.decompress(content)
    elif content.startswith(b"\x28\xb5\x2f\xfd"):
        yield pa.CompressedInputStream(source, "zstd").read()
    elif content.startswith(b"PAR1"):
        file = pq.ParquetFile(source)
        yield str(file.metadata.to_dict()).encode()
        yield str(file.read().to_pylist()).encode()


def _rows(path: Path) -> Iterator[bytes]:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        yield from (line.encode() for line in database.iterdump())
