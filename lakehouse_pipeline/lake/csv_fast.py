"""The fast parser: every line that is provably one record by itself, by pyarrow.

`FastParser` proves first and parses second. What it cannot prove it marks, and leaves to
`csv_scan`, which alone decides what a line outside the proof means. Blocks are parsed as if a
record started at each; `csv_records` drops the rows of a block that turn out to lie inside a
quoted field opened in an earlier one.
"""

import codecs
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from lakehouse_pipeline.lake.csv_charset import Block
from lakehouse_pipeline.lake.csv_grammar import Grammar

Mask = npt.NDArray[np.bool_]
Positions = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Parsed:
    """A block after the fast parser.

    `table` holds one row for each line that is a record of all columns, in order. `good` says
    which lines those are; None when all are.
    """

    block: Block
    table: pa.Table
    good: Mask | None


@dataclass(slots=True)
class _Misfits:
    """The rows that pyarrow found to have another number of fields."""

    numbers: list[int] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)

    def __call__(self, row: pa.csv.InvalidRow) -> str:
        self.numbers.append(row.number - 1)
        self.texts.append(row.text)
        return "skip"


def line_starts(data: bytes) -> Positions:
    """Return where each physical line of `data` starts, and last the length of `data`."""
    ends = np.flatnonzero(np.frombuffer(data, np.uint8) == ord("\n")) + 1
    after = [len(data)] if not len(ends) or ends[-1] != len(data) else []
    return np.concatenate(([0], ends, after)).astype(np.int64)


class FastParser:
    """Parses blocks of one file; keeps nothing between blocks, so that threads may share it.

    `names` are the columns in the file's order, `columns` in the contract's.
    """

    def __init__(self, grammar: Grammar, names: Sequence[str], columns: Sequence[str]) -> None:
        self._grammar = grammar
        self._names = list(names)
        self._nothing = pa.schema([(name, pa.string()) for name in columns]).empty_table()
        self._convert = pa.csv.ConvertOptions(
            column_types=dict.fromkeys(columns, pa.string()),
            include_columns=list(columns),
            strings_can_be_null=False,
            check_utf8=True,
        )

    def parse(self, block: Block) -> Parsed:
        """Return the records of every line that is provably one, and which lines those are."""
        data, grammar = block.data, self._grammar
        if len(data) > grammar.max_record_bytes:
            return self.unparsed(block)
        clean = _is_utf8(data) and _is_clean(data, grammar)
        parsed = None
        if clean and not (grammar.quote and grammar.quote in data):
            parsed = self._all_lines(block)
        return parsed or self._proven_lines(block, clean=clean) or self.unparsed(block)

    def unparsed(self, block: Block) -> Parsed:
        """Return the block with every line left to the scanner."""
        lines = len(line_starts(block.data)) - 1
        return Parsed(block, self._nothing, np.zeros(lines, np.bool_))

    def _all_lines(self, block: Block) -> Parsed | None:
        """Parse a clean block without quotes: each line is a record, whatever it holds."""
        data = block.data
        lines = data.count(b"\n") + (not data.endswith(b"\n"))
        read = self._read(data, lines, quoting=False)
        if read is None:
            return None
        table, misfits = read
        if not misfits.numbers:
            return Parsed(block, table, None)
        return self._without(block, table, np.ones(lines, np.bool_), misfits)

    def _proven_lines(self, block: Block, *, clean: bool) -> Parsed | None:
        """Prove line by line, then parse the proven ones."""
        starts = line_starts(block.data)
        good = self._prove(block.data, starts, clean=clean)
        count = int(np.count_nonzero(good))
        if not count:
            return None
        data = block.data if count == len(good) else _lines_of(block.data, starts, good)
        read = self._read(data, count, quoting=bool(self._grammar.quote))
        if read is None:
            return None
        table, misfits = read
        if not misfits.numbers and count == len(good):
            return Parsed(block, table, None)
        return self._without(block, table, good, misfits)

    def _prove(self, data: bytes, starts: Positions, *, clean: bool) -> Mask:
        """Say of each line whether it is one record; in a clean block only quotes are doubtful."""
        offsets = pa.py_buffer(starts.astype(np.int32))
        lines = pa.StringArray.from_buffers(len(starts) - 1, offsets, pa.py_buffer(data))
        doubtful = _lines_with(self._grammar.quote, data, starts) if clean else None
        if doubtful is None:
            good = self._matches(lines)
            return good if clean else good & _lines_in_utf8(data, starts)
        good = np.ones(len(lines), np.bool_)
        good[doubtful] = self._matches(lines.take(pa.array(doubtful)))
        return good

    def _matches(self, lines: pa.StringArray) -> Mask:
        proven = pc.match_substring_regex(lines, self._grammar.one_record_line)
        return np.asarray(proven.to_numpy(zero_copy_only=False), dtype=np.bool_)

    def _read(self, data: bytes, lines: int, *, quoting: bool) -> tuple[pa.Table, _Misfits] | None:
        """Return the rows of `lines` records, or None when pyarrow does not read it as such."""
        if data.startswith(codecs.BOM_UTF8):  # a value in the midst of the file; pyarrow cuts it
            return None
        misfits = _Misfits()
        try:
            table = pa.csv.read_csv(
                pa.py_buffer(data),
                self._read_options(len(data)),
                self._parse_options(misfits, quoting=quoting),
                self._convert,
            )
        except pa.ArrowInvalid:
            return None
        return (table, misfits) if table.num_rows + len(misfits.numbers) == lines else None

    def _read_options(self, size: int) -> pa.csv.ReadOptions:
        return pa.csv.ReadOptions(column_names=self._names, use_threads=False, block_size=size + 1)

    def _parse_options(self, misfits: _Misfits, *, quoting: bool) -> pa.csv.ParseOptions:
        return pa.csv.ParseOptions(
            delimiter=self._grammar.delimiter.decode(),
            quote_char=self._grammar.quote.decode() if quoting else False,
            double_quote=self._grammar.doubles_quotes,
            escape_char=False,
            ignore_empty_lines=False,
            invalid_row_handler=misfits,
        )

    def _without(
        self, block: Block, table: pa.Table, good: Mask, misfits: _Misfits
    ) -> Parsed | None:
        """Mark the misfits among the lines parsed; None when pyarrow numbered them otherwise."""
        lines = np.flatnonzero(good)[misfits.numbers]
        starts = line_starts(block.data)
        for line, text in zip(lines.tolist(), misfits.texts, strict=True):
            start, end = int(starts[line]), int(starts[line + 1])
            end = self._grammar.content_end(block.data, start, end)
            if block.data[start:end] != text.encode():
                return None
        good = good.copy()
        good[lines] = False
        return Parsed(block, table, good)


def _is_utf8(data: bytes) -> bool:
    if data.isascii():
        return True
    offsets = pa.array([0, len(data)], pa.int32()).buffers()[1]
    try:
        pa.StringArray.from_buffers(1, offsets, pa.py_buffer(data)).validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def _lines_in_utf8(data: bytes, starts: Positions) -> Mask:
    """Say of each line whether it is UTF-8."""
    if _is_utf8(data):
        return np.ones(len(starts) - 1, np.bool_)
    edges = starts.tolist()
    lines = (_is_utf8(data[a:b]) for a, b in pairwise(edges))
    return np.fromiter(lines, np.bool_, len(edges) - 1)


def _is_clean(data: bytes, grammar: Grammar) -> bool:
    """Whether `data` has no NUL, no CR but in a CRLF, and no blank line where that matters.

    Then every line without a quote is a record by itself.
    """
    if b"\0" in data:
        return False
    array = np.frombuffer(data, np.uint8)
    ends = array == ord("\n")
    if b"\r" in data and not (grammar.crlf and _only_in_line_ends(array == ord("\r"), ends)):
        return False
    return grammar.columns == 1 or not (ends[0] or (ends[1:] & ends[:-1]).any())


def _lines_with(quote: bytes, data: bytes, starts: Positions) -> Positions | None:
    """Return the lines that hold a quote; None when most do, or the block has no such line."""
    quotes = np.frombuffer(data, np.uint8) == ord(quote) if quote else np.zeros(0, np.bool_)
    count = int(np.count_nonzero(quotes))
    if not 0 < count < len(starts) // 2:
        return None
    return np.unique(np.searchsorted(starts, np.flatnonzero(quotes), side="right") - 1)


def _only_in_line_ends(returns: Mask, ends: Mask) -> bool:
    """Whether every CR stands before an LF and after something else than a line end."""
    if returns[0] or returns[-1] or (returns[:-1] & ~ends[1:]).any():
        return False
    return not (ends[:-1] & returns[1:]).any()


def _lines_of(data: bytes, starts: Positions, wanted: Mask) -> bytes:
    """Return the wanted lines of `data`, joined."""
    edges = np.flatnonzero(np.diff(wanted, prepend=False, append=False))
    first, after = starts[edges[0::2]].tolist(), starts[edges[1::2]].tolist()
    view = memoryview(data)
    return b"".join(view[a:b] for a, b in zip(first, after, strict=True))
