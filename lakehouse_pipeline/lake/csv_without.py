"""A landing file written anew without some of its records; every other byte of its text stays.

Lines are left out whole, so quotes, line ends and blank lines around them stay as they are. The new
file is read once more before it counts: a quote that is not closed is judged by the lines after it,
so leaving one out could change how another record is read.
"""

import gzip
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Protocol

import pyarrow as pa

from lakehouse_pipeline.contracts.model import Csv
from lakehouse_pipeline.errors import FileRefusedError, ReconcileError
from lakehouse_pipeline.lake.csv_bytes import Delivery
from lakehouse_pipeline.lake.csv_charset import Block, Charset
from lakehouse_pipeline.lake.csv_extents import Extent, extents_of
from lakehouse_pipeline.lake.csv_fast import line_starts
from lakehouse_pipeline.lake.csv_file import FileFacts
from lakehouse_pipeline.lake.csv_lines import cut, swap_line_ends

_BLOCK_BYTES = 8 << 20
_LONGEST_LINE = 512 << 20


class _Writable(Protocol):
    def write(self, data: bytes, /) -> object: ...


def write_without(
    path: Path, draft: Path, columns: Sequence[str], dialect: Csv, numbers: Sequence[int]
) -> FileFacts | None:
    """Write `path` to `draft` without the records of these numbers, compressed as it is.

    Returns: the facts of the new file; None when it would not be read as the old one was, or the
    old one cannot be read at all. The draft then counts for nothing.
    """
    try:
        extents, before = extents_of(path, columns, dialect, numbers)
        gone = {line for e in extents.values() for line in range(e.line, e.line + e.lines)}
        write_without_lines(path, draft, dialect, gone)
        _, after = extents_of(draft, columns, dialect, ())
    except (FileRefusedError, ReconcileError):
        return None
    return after if len(extents) == len(set(numbers)) and _fits(before, after, extents) else None


def blocks_of(path: Path, dialect: Csv) -> Iterator[Block]:
    """Yield a file's text in blocks of whole lines, as far as it is text at all.

    Raises: FileRefusedError: it cannot be unpacked or decoded.
    """
    charset = Charset(path.name, dialect)
    yield from map(charset.block, _blocks(path, dialect, charset))


def write_without_lines(path: Path, draft: Path, dialect: Csv, gone: AbstractSet[int]) -> None:
    """Write `path` to `draft` without these physical lines, counted from 0; compressed as it is.

    Raises: FileRefusedError: it cannot be unpacked or decoded.
    """
    charset = Charset(path.name, dialect)
    with _compressed(path, draft) as file:
        first, line = True, 0
        for block in _blocks(path, dialect, charset):
            lines = len(line_starts(block)) - 1
            kept = _without(block, {n - line for n in gone if line <= n < line + lines})
            text = swap_line_ends(kept) if dialect.line_end == "cr" else kept
            file.write(charset.delivered(text, first=first))
            first, line = False, line + lines


def _blocks(path: Path, dialect: Csv, charset: Charset) -> Iterator[bytes]:
    chunks = charset.stream(Delivery(path, _BLOCK_BYTES).chunks())
    swapped = dialect.line_end == "cr"
    return cut((swap_line_ends(c) if swapped else c for c in chunks), _LONGEST_LINE)


def _fits(before: FileFacts, after: FileFacts, gone: Mapping[int, Extent]) -> bool:
    """Return whether the new file holds what the old one did but for these records."""
    expected = (
        before.records - len(gone),
        before.broken - sum(extent.broken for extent in gone.values()),
        before.embedded_lines - sum(extent.lines - 1 for extent in gone.values()),
        before.blank_lines,
        before.physical_lines - sum(extent.lines for extent in gone.values()),
    )
    found = (after.records, after.broken, after.embedded_lines, after.blank_lines)
    return expected == (*found, after.physical_lines)


def _without(block: bytes, gone: set[int]) -> bytes:
    """Return a block of whole lines without some of them."""
    if not gone:
        return block
    starts = line_starts(block).tolist()
    return b"".join(block[a:b] for n, (a, b) in enumerate(pairwise(starts)) if n not in gone)


@contextmanager
def _compressed(path: Path, draft: Path) -> Iterator[_Writable]:
    """Yield `draft` to write to; it is compressed as `path` is, the same text to the same bytes."""
    with draft.open("wb") as file:
        match path.suffix.lower():
            case ".gz":
                with gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0) as stream:
                    yield stream
            case ".zst":
                with pa.CompressedOutputStream(pa.PythonFile(file, mode="w"), "zstd") as stream:
                    yield stream
            case _:
                yield file
