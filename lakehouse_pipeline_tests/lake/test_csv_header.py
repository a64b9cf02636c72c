"""The header: each column once, in any order, under exactly its name."""

from pathlib import Path

import pytest

from lakehouse_pipeline.contracts.model import Csv
from lakehouse_pipeline.errors import EmptyFileError, HeaderError, UnreadableHeaderError
from lakehouse_pipeline_tests.lake.csv_reading import Broken, read

COLUMNS = ("id", "name", "amount")


@pytest.mark.parametrize("content", [b"", b"\n", b"\r\n\n\n", b"\xef\xbb\xbf"])
def test_an_empty_file_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(EmptyFileError) as refused:
        read(tmp_path, content, COLUMNS)
    assert str(refused.value) == (
        "file.csv: the file is empty; expected a header line with the columns id, name, amount. "
        "Deliver the file again."
    )


def test_an_empty_file_without_a_header_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EmptyFileError, match="expected records with the columns id, name, amount"):
        read(tmp_path, b"", COLUMNS, Csv(header=False))


@pytest.mark.parametrize(
    "content", [b"id,name,amount", b"id,name,amount\r\n", b"\nid,name,amount\n"]
)
def test_a_header_only_is_a_file_of_no_records(tmp_path: Path, content: bytes) -> None:
    outcome = read(tmp_path, content, COLUMNS)
    assert outcome.records == []
    assert outcome.facts.header_lines == 1


@pytest.mark.parametrize(
    ("header", "problem"),
    [
        (b"id,name", "column 'amount' is missing."),
        (b"id,name,amuont", "column 'amount' is missing (is it 'amuont'?)"),
        (b"id,name,AMOUNT", "column 'amount' is missing (is it 'AMOUNT'?)"),
        (b"id,name, amount", "column 'amount' is missing (is it ' amount'?)"),
        (b"id,name,amount,note", "column 'note' is not in the contract."),
        (b"id,name,amount,", "column '' is not in the contract."),
        (b"id,name,amount,name", "column 'name' stands there 2 times."),
        (b"id,name,name,name", "column 'amount' is missing; column 'name' stands there 3 times."),
    ],
)
def test_a_header_that_does_not_fit_is_refused(tmp_path: Path, header: bytes, problem: str) -> None:
    with pytest.raises(HeaderError) as refused:
        read(tmp_path, header + b"\n1,x,2\n", COLUMNS)
    message = str(refused.value)
    assert message.startswith(f"file.csv: the header does not fit the contract: {problem}")
    assert message.endswith(
        f"Expected: id, name, amount. Found: {header.decode().replace(',', ', ')}. "
        "Correct the header, or register a new contract version."
    )


def test_a_renamed_column_names_both_sides(tmp_path: Path) -> None:
    with pytest.raises(HeaderError) as refused:
        read(tmp_path, b"id,title,amount\n", COLUMNS)
    assert "column 'name' is missing; column 'title' is not in the contract" in str(refused.value)


@pytest.mark.parametrize("line", [b"7,Anna,12.50", b"id;name;amount", b"Anna"])
def test_a_first_line_that_is_no_header_is_not_quoted(tmp_path: Path, line: bytes) -> None:
    with pytest.raises(HeaderError) as refused:
        read(tmp_path, line + b"\n", COLUMNS)
    message = str(refused.value)
    assert message.startswith(
        "file.csv: the first line names none of the contract's columns; found "
        f"{line.count(b',') + 1} field"
    )
    assert "expected a header with the columns id, name, amount." in message
    assert "Is the header missing, or the delimiter another than the contract says?" in message
    assert "Anna" not in message
    assert "id;name" not in message


def test_reordered_columns_come_out_in_the_order_of_the_contract(tmp_path: Path) -> None:
    content = b'amount,id,name\n1.5,1,x\n2\n3.5,3,"z\nw"\n4.5,4,\xff\n'
    assert read(tmp_path, content, COLUMNS).records == [
        ("1", "x", "1.5"),
        Broken("record.fields", b"2"),
        ("3", "z\nw", "3.5"),
        Broken("record.encoding", b"4.5,4,\xff"),
    ]


def test_a_quoted_header_is_parsed_like_a_record(tmp_path: Path) -> None:
    outcome = read(tmp_path, b'"i""d",\'n\',"two\nlines"\r\n1,2,3\n', ('i"d', "'n'", "two\nlines"))
    assert outcome.records == [("1", "2", "3")]
    assert outcome.facts.header_lines == 2


@pytest.mark.parametrize(
    ("header", "problem"),
    [
        (b'"id,name,amount\n', "a quoted field is not closed before the end of the file"),
        (b'"id"x,name,amount\n', "text stands between the closing quote"),
        (b"id,name,amo\0unt\n", "it holds a NUL byte; is the file UTF-16?"),
    ],
)
def test_a_header_that_is_no_record_is_refused(tmp_path: Path, header: bytes, problem: str) -> None:
    with pytest.raises(UnreadableHeaderError, match="the header cannot be read: ") as refused:
        read(tmp_path, header + b"1,x,2\n", COLUMNS)
    assert problem in str(refused.value)
    assert "Expected the columns id, name, amount. Correct the header." in str(refused.value)


def test_without_a_header_the_columns_are_those_of_the_contract(tmp_path: Path) -> None:
    outcome = read(tmp_path, b"1,x,2\n\n3,y\n", COLUMNS, Csv(header=False))
    assert outcome.records == [("1", "x", "2"), Broken("record.fields", b"3,y")]
    assert outcome.facts.header_lines == 0
    assert outcome.facts.blank_lines == 1
