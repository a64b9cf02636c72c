"""Which texts name an erased subject: the rows of a relation, and what stands in broken records.

A text is turned into forms (`layers/subject_forms.py`) and these into keyed hashes, which alone are
compared: no SQL, no predicate and no log ever holds the value.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence

import duckdb
import pyarrow as pa

from lakehouse_pipeline.contracts.model import Csv
from lakehouse_pipeline.contracts.subjects import SubjectColumns
from lakehouse_pipeline.contracts.types import ColumnType
from lakehouse_pipeline.lake.csv_guess_encoding import ENCODINGS
from lakehouse_pipeline.lake.engine import STREAM_ROWS
from lakehouse_pipeline.lake.erased_subjects import Suppressed
from lakehouse_pipeline.layers.subject_forms import NUMBER, text_forms
from lakehouse_pipeline.names import BATCH_ID, RECORD, identifier

Hit = tuple[str, int, str]
"""A batch, a record's number in it, and the erasure whose subject it names."""

FormsOf = Callable[[str, Sequence[ColumnType]], list[str]]

JOINED = 4
"""How many pieces between delimiters are also looked at as one value with delimiters in it."""

_DELIMITERS = ",;|\t"
_BETWEEN = (rf"[{_DELIMITERS}\r\n\"]", rf"[{_DELIMITERS}\r\n\"']")
"""What stands between values, also where a file has another delimiter than its contract says."""


def named_in(
    connection: duckdb.DuckDBPyConnection,
    source: str,
    columns: SubjectColumns,
    suppressed: Suppressed,
    forms_of: FormsOf = text_forms,
) -> Iterator[Hit]:
    """Yield the records of `source` (SQL) one of whose subject columns names an erased subject."""
    present = set(connection.sql(f"SELECT * FROM {source} LIMIT 0").columns)
    forms = [
        form
        for name, kinds in columns.items()
        if name in present
        for form in forms_of(identifier(name), kinds)
    ]
    if not forms:
        return
    listed = ", ".join(f"{form} AS f{n}" for n, form in enumerate(forms))
    sql = f"SELECT {BATCH_ID}, {RECORD}, {listed} FROM {source}"
    for rows in connection.sql(sql).to_arrow_reader(STREAM_ROWS):
        yield from _hits(pa.Table.from_batches([rows]), len(forms), suppressed)


def named_in_broken(
    connection: duckdb.DuckDBPyConnection,
    broken: Sequence[tuple[str, int, bytes]],
    columns: SubjectColumns,
    dialect: Csv,
    suppressed: Suppressed,
) -> Iterator[Hit]:
    """Yield the broken records (batch, number, bytes) in which a subject stands as a word.

    Where columns end is not known there, so every piece between delimiters, quotes and spaces is
    held against the list.
    """
    words = [(b, n, word) for b, n, data in broken for word in words_of(data, dialect)]
    if not words:
        return
    batches, numbers, texts = zip(*words, strict=True)
    table = pa.table({BATCH_ID: batches, RECORD: numbers, "word": texts})
    kinds = dict.fromkeys([NUMBER, *(kind for one in columns.values() for kind in one)])
    connection.register("broken_words", table)
    try:
        yield from named_in(connection, "broken_words", {"word": tuple(kinds)}, suppressed)
    finally:
        connection.unregister("broken_words")


def words_of(data: bytes, dialect: Csv) -> set[str]:
    """Return the pieces of a broken record that may be a value, with and without spaces around.

    A piece between two delimiters is one as it stands and without its quotes, and so are up to
    `JOINED` of them together, as in `"Lovelace, Ada"`; so is every word of it.
    """
    found: set[str] = set()
    for text in _decoded(data, dialect.encoding):
        for between in _BETWEEN:
            parts = re.split(f"{between}|{re.escape(dialect.delimiter)}", text)
            found.update(part.strip() for part in parts)
            found.update(word for part in parts for word in part.split())
        for lines in dict.fromkeys([text.rstrip("\r\n"), *text.splitlines()]):
            for delimiter in dict.fromkeys([dialect.delimiter, *_DELIMITERS]):
                found.update(_fields(lines, delimiter, dialect))
    return found - {""}


def _fields(text: str, delimiter: str, dialect: Csv) -> Iterator[str]:
    """Yield what may have been meant to be a field, as it stands and as it is unquoted."""
    pieces = text.split(delimiter)
    for count in range(1, JOINED + 1):
        for first in range(len(pieces) - count + 1):
            field = delimiter.join(pieces[first : first + count])
            yield from (field, field.strip())
            if quote := dialect.quote:
                bare = field.strip().removeprefix(quote).removesuffix(quote)
                plain = bare.replace(dialect.escape + quote, quote)
                yield from (bare, bare.strip(), plain, plain.strip())


def _decoded(data: bytes, encoding: str) -> Iterable[str]:
    """Return what the bytes may say: in the contract's encoding, or in another one."""
    codecs = [encoding, "utf-8"]
    try:
        data.decode(encoding)
    except UnicodeDecodeError:
        codecs += [*ENCODINGS, "latin-1"]
    return dict.fromkeys(data.decode(codec, "replace") for codec in codecs)


def _hits(rows: pa.Table, forms: int, suppressed: Suppressed) -> Iterator[Hit]:
    found = suppressed.hits([rows.column(f"f{n}").combine_chunks() for n in range(forms)])
    batches, numbers = rows.column(BATCH_ID), rows.column(RECORD)
    for row, erasure in enumerate(found):
        if erasure is not None:
            yield batches[row].as_py(), numbers[row].as_py(), erasure
