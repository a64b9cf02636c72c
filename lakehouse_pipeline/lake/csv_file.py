"""One landing file as a stream of Arrow record batches for the raw layer, without loss.

One pass over the bytes, each module one step of it:

`csv_bytes` opens, hashes and decompresses; `csv_charset` makes UTF-8 of it; `csv_lines` counts
the physical lines and cuts blocks of whole ones; `csv_header` reads the header; `csv_fast` parses
every line that is provably one record by itself, in two threads; `csv_scan` reads the rest, by
the rules of `csv_grammar`, and says there what becomes of a quote that is not closed;
`csv_records` puts both in order, numbers the records and judges them; `csv_rows` makes Arrow.

At the end the physical lines, counted without any parser, must be those of the header, of the
records and the blank ones. Types and rules of the contract are not looked at here: `layers`.
Why there is a reader of our own: `docs/decisions/0003-reading-csv.md`.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import pyarrow as pa

from lakehouse_pipeline.contracts.model import Csv
from lakehouse_pipeline.errors import ReconcileError
from lakehouse_pipeline.lake.csv_bytes import Delivery, sha256_of
from lakehouse_pipeline.lake.csv_charset import Block, Charset
from lakehouse_pipeline.lake.csv_fast import FastParser, Parsed
from lakehouse_pipeline.lake.csv_grammar import Grammar
from lakehouse_pipeline.lake.csv_header import Header, HeaderReader
from lakehouse_pipeline.lake.csv_lines import LineCounter, cut, swap_line_ends
from lakehouse_pipeline.lake.csv_records import Records
from lakehouse_pipeline.lake.csv_rows import raw_schema

__all__ = ["CsvFile", "FileFacts", "physical_lines_of", "sha256_of"]

_THREADS = 2
_BLOCKS_AHEAD = 4
_BYTES_AHEAD = 64 << 20
_LARGEST_RECORD = 512 << 20  # a window holds twice that and Arrow's texts end at 2 GiB


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What is known about a file once it has been read to its end.

    `sha256` and `size_bytes` are of the file on disk, all lines of its decompressed text:
    `physical_lines = header_lines + blank_lines + records + embedded_lines`, where the last are
    line ends inside records. `broken` counts those of the `records` that have a defect.
    """

    name: str
    sha256: str
    size_bytes: int
    physical_lines: int
    header_lines: int
    blank_lines: int
    embedded_lines: int
    records: int
    broken: int


class CsvFile:
    """A CSV file under the dialect and the columns of its contract.

    `schema` is what `batches` yields: the columns as text in the contract's order, `_record`
    (int64, from 1 after the header) and `_defect` (rule, message, bytes). A whole record has no
    null column, an empty field is `""`, and its `_defect` is null. A broken record has null in
    every column; its `_defect` has the bytes as delivered, without the last line end.

    Args:
        path: the file; `.gz` and `.zst` are decompressed.
        columns: the contract's columns, in its order.
        dialect: how the file is written.
        block_bytes: how much is read and parsed at a time.
        max_record_bytes: a longer record refuses the file; at most 512 MiB.
    """

    def __init__(
        self,
        path: Path,
        columns: Sequence[str],
        dialect: Csv,
        *,
        block_bytes: int = 8 << 20,
        max_record_bytes: int = 256 << 20,
    ) -> None:
        if not 0 < max_record_bytes <= _LARGEST_RECORD:
            message = f"max_record_bytes must be 1 to {_LARGEST_RECORD}, not {max_record_bytes}"
            raise ValueError(message)
        self.path = path
        self.schema: pa.Schema = raw_schema(columns)
        self._columns = tuple(columns)
        self._dialect = dialect
        self._block_bytes = block_bytes
        self._grammar = Grammar.of(dialect, len(self._columns), max_record_bytes)
        self._facts: FileFacts | None = None

    @property
    def facts(self) -> FileFacts:
        """The file's facts. Raises: RuntimeError: `batches` has not been read to its end."""
        if self._facts is None:
            message = f"{self.path.name}: the facts are known after the last batch"
            raise RuntimeError(message)
        return self._facts

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield all records in the order of the file, up to 131,072 at a time.

        What was yielded counts only when the iteration ends without an error.

        Raises:
            FileRefusedError: the file cannot be read as the contract describes it; which
                subclass says why.
            ReconcileError: the physical lines do not add up.
            OSError: the operating system cannot read the file.
        """
        self._facts = None
        name = self.path.name
        delivery = Delivery(self.path, self._block_bytes)
        charset = Charset(name, self._dialect)
        counter = _line_counter(self._dialect)
        chunks = self._counted(charset.stream(delivery.chunks()), counter)
        blocks = cut(chunks, self._grammar.max_record_bytes)
        reader = HeaderReader(name, self._grammar, charset, self._columns)
        header = reader.read(blocks, header=self._dialect.header)
        places = [header.names.index(column) for column in self._columns]
        records = self._records(charset, places)
        for parsed in self._parsed(header, map(charset.block, blocks)):
            yield from records.add(parsed)
        yield from records.finish()
        self._facts = self._reconciled(delivery, counter.lines, header, records)

    def _records(self, charset: Charset, places: Sequence[int]) -> Records:
        """Return what puts the records in order; `csv_extents` also notes where they stand."""
        return Records(self.path.name, self._grammar, charset, places)

    def _counted(self, chunks: Iterator[bytes], counter: LineCounter) -> Iterator[bytes]:
        for chunk in chunks:
            counter.feed(chunk)
            yield chunk if self._grammar.crlf else swap_line_ends(chunk)

    def _parsed(self, header: Header, blocks: Iterator[Block]) -> Iterator[Parsed]:
        parser = FastParser(self._grammar, header.names, self._columns)
        rest = [header.rest] if header.rest.data else []
        return _in_order(parser.parse, chain(rest, blocks))

    def _reconciled(
        self, delivery: Delivery, lines: int, header: Header, records: Records
    ) -> FileFacts:
        accounted = header.header_lines + header.blank_lines + records.lines
        if lines != accounted:
            raise ReconcileError(self.path.name, lines, accounted)
        return FileFacts(
            name=self.path.name,
            sha256=delivery.sha256,
            size_bytes=delivery.size_bytes,
            physical_lines=lines,
            header_lines=header.header_lines,
            blank_lines=header.blank_lines + records.blank_lines,
            embedded_lines=records.embedded_lines,
            records=records.records,
            broken=records.broken,
        )


def physical_lines_of(path: Path, dialect: Csv) -> int:
    """Return the number of physical lines of a file; no parser has a part in it.

    A last line without a line end counts.

    Raises:
        CompressionError: the file cannot be decompressed.
        EncodingError: it is UTF-16 or the like and cannot be decoded.
        OSError: the operating system cannot read it.
    """
    counter = _line_counter(dialect)
    for chunk in Charset(path.name, dialect).stream(Delivery(path, 8 << 20).chunks()):
        counter.feed(chunk)
    return counter.lines


def _line_counter(dialect: Csv) -> LineCounter:
    return LineCounter(b"\n" if dialect.line_end == "lf" else b"\r")


def _in_order(parse: Callable[[Block], Parsed], blocks: Iterator[Block]) -> Iterator[Parsed]:
    """Yield the parsed blocks in order, parsing a few of them ahead."""
    ahead: deque[tuple[int, Future[Parsed]]] = deque()
    held = 0
    with ThreadPoolExecutor(_THREADS, "csv") as threads:
        for block in blocks:
            ahead.append((len(block.data), threads.submit(parse, block)))
            held += len(block.data)
            while len(ahead) > _BLOCKS_AHEAD or (len(ahead) > 1 and held > _BYTES_AHEAD):
                size, future = ahead.popleft()
                held -= size
                yield future.result()
        while ahead:
            yield ahead.popleft()[1].result()
