"""How a CSV file is written, guessed from its beginning: for drafts of contracts only.

Everywhere else the contract says it and nothing is sniffed. Each dialect that files are written
in is tried on the first lines with the product's own `csv_scan`; the one under which most records
have the header's number of fields wins. What was guessed is held against the whole sample later,
by the lossless reader. A header is told from a record in `csv_guess_header`.
"""

import codecs
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import cast

from lakehouse_pipeline.contracts.model import Csv
from lakehouse_pipeline.errors import NoDraftError
from lakehouse_pipeline.lake.csv_bytes import Delivery
from lakehouse_pipeline.lake.csv_charset import Charset
from lakehouse_pipeline.lake.csv_fast import line_starts
from lakehouse_pipeline.lake.csv_grammar import Grammar
from lakehouse_pipeline.lake.csv_guess_encoding import guess_encoding
from lakehouse_pipeline.lake.csv_guess_header import column_names, is_header
from lakehouse_pipeline.lake.csv_lines import swap_line_ends, swap_line_ends_in_text
from lakehouse_pipeline.lake.csv_scan import Scanner

DELIMITERS = (",", ";", "\t", "|", "^", "~")
_QUOTINGS = (('"', '"'), ('"', "\\"), ("'", "'"), ("", ""))
"""Quote and escape, the usual first: a later one must read more records as whole."""

_MAX_RECORD_BYTES = 1 << 26
_RECORDS = 1000  # that each dialect is tried on
_LEAST_WHOLE = 0.8  # of the records, or it is no CSV file
_NOT_CSV = (
    "no delimiter divides its lines evenly",
    "Expected one record per line, and a header on the first line without titles above it.",
)

Fields = list[str]


@dataclass(frozen=True, slots=True)
class Guess:
    """How a file is written, and the names of its columns in its order.

    `record_bytes` is how long its records are on average, line ends included.
    """

    dialect: Csv
    names: tuple[str, ...]
    record_bytes: float


@dataclass(frozen=True, slots=True)
class _Trial:
    """One dialect on the first records: those that could be split, and the share that is whole.

    `lines` is how many the records take, `record_bytes` how long one is on average.
    """

    dialect: Csv
    records: list[Fields]
    whole: float
    record_bytes: float
    lines: int

    @property
    def columns(self) -> int:
        return len(self.records[0]) if self.records else 0


@dataclass(frozen=True, slots=True)
class Head:
    """The first bytes of a file, decompressed; `complete` when they are all it has."""

    path: Path
    data: bytes
    complete: bool


def read_head(path: Path, size: int) -> Head:
    """Return at least the first `size` bytes of a file, or all it has.

    Raises:
        CompressionError: it cannot be decompressed.
        OSError: the operating system cannot read it.
    """
    parts: list[bytes] = []
    held = 0
    with closing(cast("Generator[bytes]", Delivery(path, size).chunks())) as chunks:
        for chunk in chunks:
            if held >= size:
                return Head(path, b"".join(parts), complete=False)
            parts.append(chunk)
            held += len(chunk)
    return Head(path, b"".join(parts), complete=True)


def guess(head: Head) -> Guess:
    """Return how the file of `head` is written.

    Raises: NoDraftError: it is empty, no text, no CSV, or a contract cannot name its columns.
    """
    path = head.path
    if not head.data.strip(b"\r\n"):
        raise NoDraftError(path, "the file is empty", "Give a file with a header and records.")
    plain = Csv(encoding=guess_encoding(path, head.data))
    if b"\n" not in head.data and b"\r" in head.data:
        plain = replace(plain, line_end="cr")
    trial = _best(head, plain)
    first, *others = trial.records
    header = is_header(first, others)
    if header and not others:
        raise NoDraftError(path, "it holds a header but no record", "Give a file with records.")
    names = column_names(path, first) if header else _numbered(len(first))
    dialect = trial.dialect if header else replace(trial.dialect, header=False)
    return Guess(dialect, names, trial.record_bytes)


def header_of(head: Head, dialect: Csv) -> tuple[tuple[str, ...], int]:
    """Return the fields of the first record under a known dialect, and the lines up to its end.

    No fields when it is broken.
    """
    trial = _trial(whole_lines(head, dialect), dialect, final=head.complete, records=1)
    return tuple(trial.records[0]) if trial.records else (), trial.lines


def _numbered(columns: int) -> tuple[str, ...]:
    return tuple(f"column_{number}" for number in range(1, columns + 1))


def whole_lines(head: Head, dialect: Csv) -> bytes:
    """Return the whole lines of `head` as the parsers take them.

    That is UTF-8 without a byte order mark, each line ended by LF.
    """
    data = head.data
    if is_wide(dialect):
        decoder = codecs.getincrementaldecoder(dialect.encoding)("replace")
        data = decoder.decode(data, final=head.complete).encode()
    if dialect.line_end == "cr":
        data = swap_line_ends(data)
    if not head.complete:
        data = data[: data.rfind(b"\n") + 1] or data
    decoded = replace(dialect, encoding="utf-8") if is_wide(dialect) else dialect
    return Charset(head.path.name, decoded).first_block(data).data


def is_wide(dialect: Csv) -> bool:
    """Return whether a character of the encoding takes two bytes or more, line ends too."""
    return dialect.encoding.startswith(("utf-16", "utf-32"))


def _best(head: Head, plain: Csv) -> _Trial:
    text = whole_lines(head, plain)
    dialects = [
        replace(plain, delimiter=delimiter, quote=quote, escape=escape)
        for quote, escape in _QUOTINGS
        for delimiter in DELIMITERS
        if delimiter.encode() in text and _may_quote(quote, escape, text)
    ]
    trials = [_trial(text, dialect, final=head.complete) for dialect in dialects]
    several = [trial for trial in trials if trial.columns > 1 and trial.whole >= _LEAST_WHOLE]
    if several:
        found = max(several, key=lambda trial: (round(trial.whole, 3), trial.columns))
        return _with_usual_quotes(found)
    single = _trial(text, plain, final=head.complete)
    if single.columns != 1 or single.whole < _LEAST_WHOLE:
        raise NoDraftError(head.path, *_NOT_CSV)
    return single


def _may_quote(quote: str, escape: str, text: bytes) -> bool:
    """The usual quoting may be that of any file; another one must be seen in it."""
    return (quote, escape) == _QUOTINGS[0] or {*quote.encode(), *escape.encode()} <= {*text}


def _with_usual_quotes(trial: _Trial) -> _Trial:
    """Without any quote in the text the next file may still hold some, written as usual."""
    if trial.dialect.quote:
        return trial
    quoted = any('"' in field for fields in trial.records for field in fields)
    usual = replace(trial.dialect, quote='"', escape='"')
    return trial if quoted else replace(trial, dialect=usual)


def _trial(text: bytes, dialect: Csv, *, final: bool, records: int = _RECORDS) -> _Trial:
    starts = line_starts(text).tolist()
    one = Scanner(Grammar.of(dialect, 1, _MAX_RECORD_BYTES), text, starts, final=final)
    first = next((fields for fields, _ in _scanned(one, starts, dialect)), None)
    columns = len(first) if first else 1
    scanner = Scanner(Grammar.of(dialect, columns, _MAX_RECORD_BYTES), text, starts, final=final)
    found = list(islice(_scanned(scanner, starts, dialect), records))
    split = [fields for fields, _ in found if fields is not None]
    whole = sum(len(fields) == columns for fields in split) / len(found) if found else 0.0
    lines = found[-1][1] if found else 0
    return _Trial(dialect, split if first else [], whole, starts[lines] / len(found or "?"), lines)


def _scanned(
    scanner: Scanner, starts: list[int], dialect: Csv
) -> Iterator[tuple[Fields | None, int]]:
    """Yield each record's fields, None for a broken one, and the line behind it; no blank lines."""
    line = 0
    while line < len(starts) - 1:
        record = scanner.record(line)
        if record is None:
            return
        line = record.after
        if record.fields != [b""]:
            yield _decoded(record.fields, dialect), line


def _decoded(fields: list[bytes] | None, dialect: Csv) -> Fields | None:
    if fields is None:
        return None
    texts = [field.decode("utf-8", "replace") for field in fields]
    return [swap_line_ends_in_text(t) for t in texts] if dialect.line_end == "cr" else texts
