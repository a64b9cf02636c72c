"""Whatever bytes a file holds: nothing is lost, nothing is read in two ways."""

import csv
import io
import tempfile
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lakehouse_pipeline.contracts.model import Csv
from lakehouse_pipeline.errors import FileRefusedError
from lakehouse_pipeline.lake.csv_file import CsvFile, physical_lines_of
from lakehouse_pipeline.lake.csv_grammar import Grammar
from lakehouse_pipeline_tests.lake.csv_reading import Outcome, read_once
from lakehouse_pipeline_tests.properties import csv_reference
from lakehouse_pipeline_tests.properties.csv_reference import Read, Reference

DIALECTS = [
    Csv(header=False),
    Csv(header=False, delimiter=";", quote="'", escape="'"),
    Csv(header=False, escape="\\"),
    Csv(header=False, quote=""),
]
TOKENS = [b'"', b'"', b'""', b",", b",", b"\n", b"\n", b"\r\n", b"\r", b"\\", b"a", b"b,c\n"]
TOKENS += [b'x,"y\n', b'z"\n', b'",', b',"', b"\0", b"\xff", b"\xc3\xa4", b"\xc3", b" ", b"'", b";"]

hostile = st.lists(st.sampled_from(TOKENS), max_size=40).map(b"".join)
calm = st.lists(st.sampled_from(TOKENS[:13]), max_size=60).map(b"".join)
dialects = st.sampled_from(DIALECTS)
QUICK = settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))


def outcome_of(path: Path, columns: int, dialect: Csv, size: int, *, careful: bool) -> object:
    """Return what one way of reading gives, or which error it ends with."""
    names = [f"c{number}" for number in range(columns)]
    file = CsvFile(path, names, dialect, block_bytes=size, max_record_bytes=150)
    try:
        return read_once(file, careful=careful)
    except FileRefusedError as error:
        return type(error)


@QUICK
@given(
    content=hostile | calm,
    columns=st.integers(1, 3),
    dialect=dialects,
    size=st.integers(1, 64),
)
def test_every_way_of_reading_gives_what_the_rules_say(
    content: bytes, columns: int, dialect: Csv, size: int
) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(Grammar, "long_field_lines", 3)
        patch.setattr(csv_reference, "LINES_JUDGED", 3)
        path = Path(folder, "file.csv")
        path.write_bytes(content)
        ways = [
            outcome_of(path, columns, dialect, way, careful=careful)
            for way in (size, 1 << 20)
            for careful in (False, True)
        ]
        assert ways[1:] == ways[:-1]
        if isinstance(ways[0], Outcome):
            check_against_the_rules(ways[0], content, columns, dialect)
            assert ways[0].facts.physical_lines == physical_lines_of(path, dialect)


def check_against_the_rules(outcome: Outcome, content: bytes, columns: int, dialect: Csv) -> None:
    """Demand the records, lines and bytes of the reference."""
    reference = Reference(content, columns, dialect)
    expected = reference.read()
    assert len(outcome.records) == len(expected)
    assert [_as_read(one, other) for one, other in zip(outcome.records, expected, strict=True)] == (
        expected
    )
    assert outcome.facts.blank_lines == reference.blank_lines
    assert outcome.facts.physical_lines == len(reference.lines)


def _as_read(record: object, expected: Read) -> Read:
    if isinstance(record, tuple):
        return Read(record, "", expected.text)
    return Read(None, record.rule, record.bytes)  # type: ignore[attr-defined]  # it is Broken


@QUICK
@given(content=hostile, size=st.integers(1, 64), encoding=st.sampled_from(["cp1252", "utf-16-le"]))
def test_other_encodings_reconcile_in_blocks_of_any_size(
    content: bytes, size: int, encoding: str
) -> None:
    dialect = Csv(header=False, encoding=encoding)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "file.csv")
        text = content.decode("latin-1").encode(encoding) if "16" in encoding else content
        path.write_bytes(text)
        ways = [
            outcome_of(path, 2, dialect, way, careful=careful)
            for way in (size, 1 << 20)
            for careful in (False, True)
        ]
    assert ways[1:] == ways[:-1]


@QUICK
@given(content=hostile, size=st.integers(1, 64))
def test_carriage_returns_end_records_as_line_feeds_do(content: bytes, size: int) -> None:
    """The same file with CR and LF exchanged gives the same values, so exchanged."""
    plain = content.replace(b"\r\n", b"\n").replace(b"\r", b"")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "file.csv")
        path.write_bytes(plain)
        with_feeds = outcome_of(path, 2, Csv(header=False), size, careful=False)
        path.write_bytes(plain.replace(b"\n", b"\r"))
        returns = outcome_of(path, 2, Csv(header=False, line_end="cr"), size, careful=False)
    if isinstance(with_feeds, Outcome):
        assert isinstance(returns, Outcome)
        assert repr(with_feeds.records).replace(r"\n", r"\r") == repr(returns.records)
        assert with_feeds.facts.physical_lines == returns.facts.physical_lines


single = st.text(st.characters(exclude_characters="\0\n\r", exclude_categories=["Cs"]), max_size=8)
prose = st.lists(single.map(lambda line: line.replace(",", "")), min_size=2, max_size=4)
values = single | prose.map("\n".join) | st.sampled_from(['"', '""', ",", "\n", "", '"\n"', "\r"])


@settings(QUICK, max_examples=80)
@given(
    rows=st.lists(st.tuples(values, values, values), min_size=1, max_size=12),
    size=st.integers(1, 64),
    line_end=st.sampled_from(["\n", "\r\n"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
def test_what_a_writer_wrote_comes_back_and_duckdb_agrees(
    rows: list[tuple[str, ...]], size: int, line_end: str, quoting: int
) -> None:
    text = io.StringIO()
    if any("\r" in value for row in rows for value in row):  # csv.writer leaves it unquoted
        quoting = csv.QUOTE_ALL
    writer = csv.writer(text, lineterminator=line_end, quoting=quoting)  # type: ignore[arg-type]  # an int constant
    writer.writerows([("a", "b", "c"), *rows])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "file.csv")
        path.write_bytes(text.getvalue().encode())
        assert read_once(CsvFile(path, "abc", Csv(), block_bytes=size)).records == rows
        assert rows_by_duckdb(path) == rows


def test_a_byte_order_mark_in_a_value_stays_wherever_a_block_begins(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.write_text("a,b,c\n" + "\ufeffx,1,2\n" * 3, "utf-8")
    read = read_once(CsvFile(path, "abc", Csv(), block_bytes=1))
    assert read.records == [("\ufeffx", "1", "2")] * 3


def rows_by_duckdb(path: Path) -> list[tuple[str, ...]]:
    """Return the rows as DuckDB's strict parser reads them."""
    with duckdb.connect() as connection:
        return connection.execute(
            """SELECT coalesce(a, ''), coalesce(b, ''), coalesce(c, '') FROM read_csv(
                 ?, columns = {'a': 'VARCHAR', 'b': 'VARCHAR', 'c': 'VARCHAR'}, header = true,
                 auto_detect = false, delim = ',', quote = '"', escape = '"')""",
            [str(path)],
        ).fetchall()
