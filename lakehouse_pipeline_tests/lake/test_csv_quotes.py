"""Quotes: what is inside them, what is broken about them, and what must not be swallowed."""

import time
from pathlib import Path

import pytest

from lakehouse_pipeline.contracts.model import Csv
from lakehouse_pipeline.lake.csv_file import CsvFile
from lakehouse_pipeline.lake.csv_scan import NOT_CLOSED, SWALLOWS, TEXT_AFTER
from lakehouse_pipeline_tests.lake.csv_reading import Broken, read, read_once


def lines(*numbers: int) -> bytes:
    return b"".join(b"%d,n%d,%d.50\n" % (n, n, n) for n in numbers)


def rows(*numbers: int) -> list[tuple[str, ...]]:
    return [(str(n), f"n{n}", f"{n}.50") for n in numbers]


def test_quoted_line_ends_and_delimiters_are_kept_as_they_stood(tmp_path: Path) -> None:
    outcome = read(tmp_path, b'a,b\n1,"x,\r\ny\nz\r"\n"2",y\n')
    assert outcome.records == [("1", "x,\r\ny\nz\r"), ("2", "y")]
    assert outcome.facts.embedded_lines == 2


def test_doubled_quotes_are_one(tmp_path: Path) -> None:
    outcome = read(tmp_path, b'a,b\n"say ""hi""",""""\n"""",""\n"""x""\n""",y\n')
    assert outcome.records == [('say "hi"', '"'), ('"', ""), ('"x"\n"', "y")]


def test_a_stray_quote_in_an_unquoted_field_is_text(tmp_path: Path) -> None:
    outcome = read(tmp_path, b'a,b\n5" screen,x"\nab"c"d, "y"\n')
    assert outcome.records == [('5" screen', 'x"'), ('ab"c"d', ' "y"')]


def test_text_after_the_closing_quote_breaks_the_record(tmp_path: Path) -> None:
    outcome = read(tmp_path, b'a,b\n"a"b,c\n1,"x" \n"2",y\n"3"\r')
    assert outcome.records == [
        Broken("record.quote", b'"a"b,c', TEXT_AFTER),
        Broken("record.quote", b'1,"x" ', TEXT_AFTER),
        ("2", "y"),
        Broken("record.quote", b'"3"\r', TEXT_AFTER),
    ]


def test_an_unclosed_quote_breaks_only_its_line(tmp_path: Path) -> None:
    content = b"a,b,c\n" + lines(*range(1, 500)) + b'500,"n,5\n' + lines(*range(501, 1001))
    outcome = read(tmp_path, content, "abc")
    assert outcome.records == [
        *rows(*range(1, 500)),
        Broken("record.quote", b'500,"n,5', NOT_CLOSED),
        *rows(*range(501, 1001)),
    ]


def test_an_unclosed_quote_at_the_last_line_breaks_only_that(tmp_path: Path) -> None:
    outcome = read(tmp_path, b'a,b\n1,x\n2,"y')
    assert outcome.records == [("1", "x"), Broken("record.quote", b'2,"y', NOT_CLOSED)]


def test_an_unclosed_quote_before_many_lines_is_judged_without_its_end(tmp_path: Path) -> None:
    content = b"a,b,c\n" + b'1,"n,5\n' + lines(*range(2, 1200))
    outcome = read(tmp_path, content, "abc")
    assert outcome.records == [
        Broken("record.quote", b'1,"n,5', SWALLOWS),
        *rows(*range(2, 1200)),
    ]


@pytest.mark.parametrize(
    ("closing", "outcome"),
    [
        (b'700,"n700",700.50', ("700", "n700", "700.50")),
        (b'700,n700",700.50', ("700", 'n700"', "700.50")),
        (b'700,n"700,700.50', ("700", 'n"700', "700.50")),
        (b'700,", n",700.50', ("700", ", n", "700.50")),
        (b'700,"n,700.50', Broken("record.quote", b'700,"n,700.50')),
        (b'700,",700.50', Broken("record.quote", b'700,",700.50')),
        (b'700,n,5"', ("700", "n", '5"')),
        (b'"700",n,5', ("700", "n", "5")),
    ],
)
def test_an_unclosed_quote_that_is_closed_later_swallows_no_record(
    tmp_path: Path, closing: bytes, outcome: object
) -> None:
    before, between, after = range(1, 500), range(501, 700), range(701, 1001)
    content = b'a,b,c\n%b500,"n,5\n%b%b\n%b' % (
        lines(*before),
        lines(*between),
        closing,
        lines(*after),
    )
    assert read(tmp_path, content, "abc").records == [
        *rows(*before),
        Broken("record.quote", b'500,"n,5'),
        *rows(*between),
        outcome,
        *rows(*after),
    ]


def test_each_unclosed_quote_of_many_breaks_its_own_line(tmp_path: Path) -> None:
    content = b"a,b\n" + b'1,"x\n2,y\n3,z\n' * 50
    broken = Broken("record.quote", b'1,"x')
    assert read(tmp_path, content).records == [broken, ("2", "y"), ("3", "z")] * 50


@pytest.mark.parametrize(
    "text",
    [
        "Line one\nMain Street 5, Berlin\nGermany",
        "Paris, France\nBerlin, Germany\nRome, Italy\nand that is all",
        '{\n  "key": 1,\n  "other": [1,\n 2,\n 3]\n}',
        "\n".join(["one, two"] * 5 + ["and so on"]),
        "a,b\nc",
        "a\nc,d",  # its last line has two fields, but no line inside speaks against it
    ],
)
def test_text_over_several_lines_is_read_as_what_it_is(tmp_path: Path, text: str) -> None:
    quoted = '"' + text.replace('"', '""') + '"'
    outcome = read(tmp_path, b"id,text\n1," + quoted.encode() + b"\n2,y\n", ("id", "text"))
    assert outcome.records == [("1", text), ("2", "y")]


def test_a_table_inside_quotes_is_set_aside_and_not_lost(tmp_path: Path) -> None:
    """The documented price of noticing a quote that is closed by accident."""
    outcome = read(tmp_path, b'a,b\n1,"x,y\n2,y\n3,z"\n4,w\n')
    assert outcome.records == [
        Broken("record.quote", b'1,"x,y', SWALLOWS),
        ("2", "y"),
        ("3", 'z"'),
        ("4", "w"),
    ]


def test_a_field_of_more_lines_than_are_judged_is_kept_whole(tmp_path: Path) -> None:
    text = "\n".join(f"line {number}" for number in range(1200))
    outcome = read(tmp_path, f'a,b\n1,"{text}"\n2,y\n'.encode())
    assert outcome.records == [("1", text), ("2", "y")]
    assert outcome.facts.embedded_lines == 1199


@pytest.mark.parametrize(
    "pattern",
    [
        b'x,"y\n',
        b'x,"y\na,b\n',
        b'a","b\n',
        b'x,"\na,b\n',
        b'"\n',
        b'x,"y""\n',
        b'","\n',
        b'a,"""b\n',
    ],
)
def test_many_open_quotes_take_linear_time(tmp_path: Path, pattern: bytes) -> None:
    path = tmp_path / "file.csv"
    count = 200_000 if pattern.startswith(b'x,"y\n') else 50_000
    path.write_bytes(b"a,b\n" + pattern * (count // pattern.count(b"\n")) + b'z"\n')
    file = CsvFile(path, ["a", "b"], Csv())
    started = time.process_time()
    accounted = sum(batch.num_rows for batch in file.batches()) + file.facts.embedded_lines
    assert time.process_time() - started < 10
    assert accounted == count + 1


def test_a_chain_of_fields_that_ends_badly_takes_linear_time(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    chain = b'a","b\n' * 30_000
    path.write_bytes(b"a,b\n" + chain + b"1,2\n" * 30_000 + b'3,4"\n')
    file = CsvFile(path, ["a", "b"], Csv())
    started = time.process_time()
    outcome = read_once(file)
    assert time.process_time() - started < 10
    assert outcome.records[30_000:] == [("1", "2")] * 30_000 + [("3", '4"')]
    assert outcome.records[0] == Broken("record.quote", b'a","b', SWALLOWS)
