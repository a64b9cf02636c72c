"""What becomes of single records: whole, short, long, with bad bytes or NUL, blank."""

from pathlib import Path

import pytest

from lakehouse_pipeline.contracts.model import Csv
from lakehouse_pipeline.lake.csv_file import CsvFile
from lakehouse_pipeline_tests.lake.csv_reading import Broken, read, read_once


def test_a_whole_file_comes_back_as_it_stood(tmp_path: Path) -> None:
    outcome = read(tmp_path, b'a,b\n1,x\n 2 ,"y"\n,""\n')
    assert outcome.records == [("1", "x"), (" 2 ", "y"), ("", "")]
    assert outcome.facts.header_lines == 1


def test_a_file_without_a_newline_at_its_end_keeps_its_last_record(tmp_path: Path) -> None:
    assert read(tmp_path, b"a,b\n1,x\n2,y").records == [("1", "x"), ("2", "y")]
    assert read(tmp_path, b'a,b\n1,"x"').records == [("1", "x")]
    assert read(tmp_path, b"a,b\n1,").records == [("1", "")]


def test_a_short_row_is_broken_and_kept(tmp_path: Path) -> None:
    outcome = read(tmp_path, b"a,b,c\n1,2,3\n4,5\n7,8,9\n", "abc")
    message = "2 fields where the contract has 3 columns"
    assert outcome.records == [
        ("1", "2", "3"),
        Broken("record.fields", b"4,5", message),
        ("7", "8", "9"),
    ]


def test_a_long_row_is_broken_and_kept(tmp_path: Path) -> None:
    outcome = read(tmp_path, b"a,b\n1,2\r\n3,4,5,6\r\n7,8\r\n")
    message = "4 fields where the contract has 2 columns"
    assert outcome.records == [("1", "2"), Broken("record.fields", b"3,4,5,6", message), ("7", "8")]


def test_a_row_of_one_field_is_named_in_the_singular(tmp_path: Path) -> None:
    assert read(tmp_path, b"a,b\nx\n").messages == ["1 field where the contract has 2 columns"]
    message = "2 fields where the contract has 1 column"
    assert read(tmp_path, b"a\nx,y\n", "a").messages == [message]


def test_a_row_with_the_wrong_number_of_fields_may_span_lines(tmp_path: Path) -> None:
    outcome = read(tmp_path, b'a,b\n1,"x\r\ny",3\r\n4,5\n')
    message = "3 fields where the contract has 2 columns, over 2 lines; is a quote not closed?"
    assert outcome.records == [Broken("record.fields", b'1,"x\r\ny",3', message), ("4", "5")]
    assert outcome.facts.embedded_lines == 1


@pytest.mark.parametrize("bad", [b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xc0\x80", b"\xf5\x80"])
def test_bad_bytes_break_only_their_record(tmp_path: Path, bad: bytes) -> None:
    outcome = read(tmp_path, b"a,b\n1,\xc3\xa4\n2,x" + bad + b"\n3,y\n")
    assert outcome.records == [
        ("1", "ä"),
        Broken("record.encoding", b"2,x" + bad, "bytes that are not utf-8"),
        ("3", "y"),
    ]


def test_bad_bytes_inside_a_quoted_record_break_all_of_it(tmp_path: Path) -> None:
    outcome = read(tmp_path, b'a,b\n1,"x\n\xff\ny"\n3,y\n')
    assert outcome.records == [Broken("record.encoding", b'1,"x\n\xff\ny"'), ("3", "y")]


def test_a_nul_byte_breaks_its_record(tmp_path: Path) -> None:
    outcome = read(tmp_path, b'a,b\n1,x\n2,\0\n3,"\0"\n\0\n4,y\n')
    assert outcome.records == [
        ("1", "x"),
        Broken("record.nul", b"2,\0", "a NUL byte"),
        Broken("record.nul", b'3,"\0"'),
        Broken("record.nul", b"\0"),
        ("4", "y"),
    ]


def test_blank_lines_hold_no_record_but_are_counted(tmp_path: Path) -> None:
    outcome = read(tmp_path, b"\na,b\n\n1,x\n\r\n2,y\n\n")
    assert outcome.records == [("1", "x"), ("2", "y")]
    assert outcome.facts.blank_lines == 4
    assert outcome.facts.header_lines == 1


def test_a_line_of_spaces_is_not_blank(tmp_path: Path) -> None:
    assert read(tmp_path, b"a,b\n  \n").records == [Broken("record.fields", b"  ")]
    assert read(tmp_path, b'a,b\n""\n').records == [Broken("record.fields", b'""')]


def test_a_blank_line_in_one_column_is_an_empty_value(tmp_path: Path) -> None:
    outcome = read(tmp_path, b"a\nx\n\n\r\ny\n\n", "a")
    assert outcome.records == [("x",), ("",), ("",), ("y",), ("",)]
    assert outcome.facts.blank_lines == 0


def test_a_blank_line_inside_quotes_belongs_to_the_value(tmp_path: Path) -> None:
    outcome = read(tmp_path, b'a,b\n1,"x\n\n\ny"\n')
    assert outcome.records == [("1", "x\n\n\ny")]
    assert outcome.facts.embedded_lines == 3


def test_one_column_with_every_kind_of_defect(tmp_path: Path) -> None:
    outcome = read(tmp_path, b'a\n"x\ny"\n1,2\n\xff\n"z"w\n"open\n', "a")
    assert outcome.records == [
        ("x\ny",),
        Broken("record.fields", b"1,2"),
        Broken("record.encoding", b"\xff"),
        Broken("record.quote", b'"z"w'),
        Broken("record.quote", b'"open'),
    ]


def test_many_columns_are_read(tmp_path: Path) -> None:
    columns = [f"c{number}" for number in range(1500)]
    line = ",".join(f'"{number}"' for number in range(1500)).encode()
    outcome = read(tmp_path, ",".join(columns).encode() + b"\n" + line + b"\nx\n", columns)
    assert outcome.records == [tuple(map(str, range(1500))), Broken("record.fields", b"x")]


def test_no_message_holds_a_value(tmp_path: Path) -> None:
    secret = b"anna@example.org"
    lines = [b"%s", b"%s,2,3", b"%s\xff,2", b"%s\0,2", b'"%s"x,2', b'1,"%s']
    outcome = read(tmp_path, b"a,b\n" + b"\n".join(lines).replace(b"%s", secret) + b"\n")
    assert len(outcome.messages) == len(lines)
    assert all("anna" not in message for message in outcome.messages)


def test_records_after_many_misfits_keep_their_numbers(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    lines = [b"1" if number % 7 == 0 else b"%d,x" % number for number in range(200_000)]
    path.write_bytes(b"a,b\n" + b"\n".join(lines) + b"\n")
    outcome = read_once(CsvFile(path, "ab", Csv()))
    for number, record in enumerate(outcome.records):
        whole = (str(number), "x")
        assert record == (whole if number % 7 else Broken("record.fields", b"1"))
