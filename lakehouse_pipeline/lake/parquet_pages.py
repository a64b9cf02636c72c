"""The pages of a Parquet file, decompressed: what a search of its bytes alone would not see.

Dictionary pages are among them, so a value that no record has any more is found too. A page's
header is in Thrift's compact protocol, of which only two numbers are wanted here; the format is
https://github.com/apache/parquet-format.
"""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

_UNCOMPRESSED_SIZE, _COMPRESSED_SIZE, _DATA_PAGE_V2 = 2, 3, 8
_BOOLEANS, _BYTE, _INTEGERS, _DOUBLE, _BINARY = (1, 2), 3, (4, 5, 6), 7, 8
_LISTS, _STRUCT = (9, 10), 12
_LONG_LIST = 15


def pages(path: Path) -> Iterator[bytes]:
    """Yield the decompressed bytes of every page, column by column."""
    metadata = pq.read_metadata(path)
    with path.open("rb") as file:
        for group in range(metadata.num_row_groups):
            for index in range(metadata.num_columns):
                column = metadata.row_group(group).column(index)
                starts = [column.data_page_offset]
                if column.has_dictionary_page:
                    starts.append(column.dictionary_page_offset)
                file.seek(min(starts))
                yield from _pages(file.read(column.total_compressed_size), column.compression)


def _pages(chunk: bytes, compression: str) -> Iterator[bytes]:
    at = 0
    while at < len(chunk):
        header = _Header(chunk, at)
        start = header.end
        at = start + header.compressed
        yield _decompressed(chunk[start:at], compression, header)


def _decompressed(data: bytes, compression: str, header: "_Header") -> bytes:
    """Return a page's bytes; the levels of a page of version 2 are never compressed."""
    if compression == "UNCOMPRESSED" or header.is_plain:
        return data
    levels = data[: header.levels]
    size = header.uncompressed - header.levels
    body = data[header.levels :]
    name = "lz4_raw" if compression == "LZ4" else compression.lower()
    return levels + (pa.Codec(name).decompress(body, size).to_pybytes() if body else b"")


class _Header:
    """A page header that starts at a position: its two sizes and where it ends.

    `levels` is how many bytes at the start of a page of version 2 stand uncompressed, and
    `is_plain` whether such a page is not compressed at all.
    """

    def __init__(self, data: bytes, at: int) -> None:
        self._data = data
        self._at = at
        self.levels = 0
        self.is_plain = False
        sizes: dict[int, int] = {}
        for field, kind in self._fields():
            if field == _DATA_PAGE_V2 and kind == _STRUCT:
                self._read_v2()
            elif kind in _INTEGERS:
                sizes[field] = self._integer()
            else:
                self._skip(kind)
        self.uncompressed = sizes[_UNCOMPRESSED_SIZE]
        self.compressed = sizes[_COMPRESSED_SIZE]
        self.end = self._at

    def _read_v2(self) -> None:
        definition, repetition, compressed = 5, 6, 7
        for field, kind in self._fields():
            if field in (definition, repetition):
                self.levels += self._integer()
            elif field == compressed:
                self.is_plain = kind != _BOOLEANS[0]
            else:
                self._skip(kind)

    def _fields(self) -> Iterator[tuple[int, int]]:
        """Yield number and kind of each field; whoever takes one reads or skips its value."""
        field = 0
        while byte := self._byte():
            delta, kind = byte >> 4, byte & 15
            field = field + delta if delta else self._integer()
            yield field, kind

    def _byte(self) -> int:
        self._at += 1
        return self._data[self._at - 1]

    def _unsigned(self) -> int:
        value, shift = 0, 0
        while True:
            byte = self._byte()
            value |= (byte & 127) << shift
            if byte < 128:  # noqa: PLR2004 - the highest bit says that more follows
                return value
            shift += 7

    def _integer(self) -> int:
        value = self._unsigned()
        return (value >> 1) ^ -(value & 1)

    def _skip(self, kind: int) -> None:
        if kind in _INTEGERS:
            self._unsigned()
        elif kind == _BYTE:
            self._at += 1
        elif kind == _DOUBLE:
            self._at += 8
        elif kind == _BINARY:
            size = self._unsigned()
            self._at += size
        elif kind in _LISTS:
            self._skip_list()
        elif kind == _STRUCT:
            for _, inner in self._fields():
                self._skip(inner)

    def _skip_list(self) -> None:
        head = self._byte()
        size = self._unsigned() if head >> 4 == _LONG_LIST else head >> 4
        for _ in range(size):
            if head & 15 in _BOOLEANS:
                self._at += 1
            else:
                self._skip(head & 15)
