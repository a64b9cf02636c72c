"""The header: the first record of a file, held against the contract's columns.

Names are compared exactly; a space or a capital more is a renamed column. Their order is free.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from lakehouse_pipeline.errors import (
    EmptyFileError,
    EncodingError,
    HeaderError,
    LineEndError,
    RecordTooLongError,
    UnreadableHeaderError,
)
from lakehouse_pipeline.lake.csv_charset import Block, Charset
from lakehouse_pipeline.lake.csv_fast import line_starts
from lakehouse_pipeline.lake.csv_grammar import Grammar
from lakehouse_pipeline.lake.csv_lines import swap_line_ends_in_text
from lakehouse_pipeline.lake.csv_scan import Record, RecordLimitError, Scanner


@dataclass(frozen=True, slots=True)
class Header:
    """What was found before the records: the columns in the file's order, and the lines used.

    `rest` is what the blocks read so far hold beyond the header.
    """

    names: tuple[str, ...]
    header_lines: int
    blank_lines: int
    rest: Block


class HeaderReader:
    """Reads the start of one file."""

    def __init__(
        self, file: str, grammar: Grammar, charset: Charset, columns: Sequence[str]
    ) -> None:
        self._file = file
        self._grammar = grammar
        self._charset = charset
        self._columns = tuple(columns)

    def read(self, blocks: Iterator[bytes], *, header: bool) -> Header:
        """Return the header, or the contract's order when the file has none.

        Blank lines before the header are counted and passed over.

        Raises:
            EmptyFileError: the file has no bytes, or with a header nothing but line ends.
            LineEndError: the file's lines end otherwise than the contract says.
            EncodingError, UnreadableHeaderError: the header is a broken record.
            HeaderError: it does not name each column of the contract once.
            RecordTooLongError: it is longer than the limit.
        """
        first = next(blocks, b"")
        block = self._charset.first_block(first)
        if not block.data:
            raise EmptyFileError(self._file, self._columns, header=header)
        self._check_line_ends(block.data)
        if not header:
            return Header(self._columns, 0, 0, block)
        return self._first_record(block, blocks)

    def _check_line_ends(self, data: bytes) -> None:
        end = data.find(b"\n")
        if end < 0:
            wrong = b"\r" in data
        else:  # what the swap made of CRLF
            wrong = not self._grammar.crlf and data.startswith(b"\r", end + 1)
        if wrong:
            raise LineEndError(self._file, "lf" if self._grammar.crlf else "cr")

    def _first_record(self, block: Block, blocks: Iterator[bytes]) -> Header:
        line, record = self._scan(block, final=False)
        while record is None:
            source = next(blocks, b"")
            more = self._charset.block(source)
            same = block.source is block.data and more.source is more.data
            data = block.data + more.data
            block = Block(data, data if same else block.source + more.source)
            line, record = self._scan(block, final=not source)
        starts = line_starts(block.data)
        start, end = int(starts[line]), int(starts[record.after])
        self._check_names(record, block.data[start:end])
        names = tuple(self._text(field) for field in record.fields or ())
        if sorted(names) != sorted(self._columns):
            raise HeaderError(self._file, self._columns, names)
        return Header(names, record.after - line, line, _after(block, end, record.after))

    def _scan(self, block: Block, *, final: bool) -> tuple[int, Record | None]:
        """Return the first line that is not blank, and the record there if it is all there."""
        starts = line_starts(block.data).tolist()
        scanner = Scanner(self._grammar, block.data, starts, final=final)
        for line, (start, end) in enumerate(pairwise(starts)):
            if self._grammar.content_end(block.data, start, end) > start:
                return line, self._record(scanner, line)
        if final:
            raise EmptyFileError(self._file, self._columns)
        return 0, None

    def _record(self, scanner: Scanner, line: int) -> Record | None:
        try:
            return scanner.record(line)
        except RecordLimitError as error:
            limit = self._grammar.max_record_bytes
            raise RecordTooLongError(self._file, 0, limit) from error

    def _check_names(self, record: Record, text: bytes) -> None:
        try:
            text.decode()
        except UnicodeDecodeError as error:
            problem = "the header holds bytes that are not of that encoding"
            raise EncodingError(self._file, self._charset.encoding, problem) from error
        if record.fields is None:
            raise UnreadableHeaderError(self._file, record.problem, self._columns)
        if b"\0" in text:
            problem = "it holds a NUL byte; is the file UTF-16?"
            raise UnreadableHeaderError(self._file, problem, self._columns)

    def _text(self, name: bytes) -> str:
        text = name.decode()
        return text if self._grammar.crlf else swap_line_ends_in_text(text)


def _after(block: Block, end: int, lines: int) -> Block:
    """Return what stands behind the first `lines` lines, which end at `end`."""
    data = block.data[end:]
    if block.source is block.data:
        return Block(data, data)
    return Block(data, block.source[int(line_starts(block.source)[lines]) :])
