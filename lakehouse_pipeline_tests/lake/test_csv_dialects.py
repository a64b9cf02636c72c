"""The dialect of the contract: line ends, delimiters, quotes and escapes."""

from pathlib import Path

import pytest

from lakehouse_pipeline.contracts.model import Csv
from lakehouse_pipeline.errors import LineEndError
from lakehouse_pipeline_tests.lake.csv_reading import Broken, read


def test_mixed_line_ends_both_end_a_record(tmp_path: Path) -> None:
    outcome = read(tmp_path, b'a,b\r\n1,x\n2,y\r\n"3","z"\r\n"4","w"\n5,v')
    assert outcome.records == [("1", "x"), ("2", "y"), ("3", "z"), ("4", "w"), ("5", "v")]


def test_a_lone_carriage_return_is_data(tmp_path: Path) -> None:
    outcome = read(tmp_path, b"a,b\n1,x\ry\n2,z\r\r\n\r,\r\n3,end\r")
    assert outcome.records == [("1", "x\ry"), ("2", "z\r"), ("\r", ""), ("3", "end\r")]


def test_carriage_returns_alone_are_refused_with_what_to_do(tmp_path: Path) -> None:
    for content in (b"a,b\r1,x\r2,y\r", b"a,b\r1,x\r2,y"):
        with pytest.raises(LineEndError) as refused:
            read(tmp_path, content)
    assert str(refused.value) == (
        "file.csv: its lines end in carriage returns alone (CR), as old Mac files do; the contract "
        "says `lineEnd: lf`. Set `lineEnd: cr` under `csv` in the contract, or deliver the file so."
    )


def test_carriage_returns_alone_end_records_when_the_contract_says_so(tmp_path: Path) -> None:
    content = b'a,b\r1,x\r2,"y\rz\nw"\r3\r\r4,v\n\r5,u'
    outcome = read(tmp_path, content, dialect=Csv(line_end="cr"), lines=8)
    assert outcome.records == [
        ("1", "x"),
        ("2", "y\rz\nw"),
        Broken("record.fields", b"3"),
        ("4", "v\n"),
        ("5", "u"),
    ]
    assert outcome.facts.blank_lines == 1
    assert outcome.facts.embedded_lines == 1


@pytest.mark.parametrize("content", [b"a,b\n1,x\n", b"a,b\r\n1,x\r\n", b"a,b\n1,x"])
def test_line_feeds_are_refused_when_the_contract_says_cr(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(LineEndError, match="Set `lineEnd: lf` under `csv`"):
        read(tmp_path, content, dialect=Csv(line_end="cr"))


@pytest.mark.parametrize("delimiter", [";", "\t", "|", ".", "^", "]", "-", " ", "\x01", "%"])
def test_any_delimiter_separates_fields(tmp_path: Path, delimiter: str) -> None:
    content = 'a,b\n1,x\n"2,2","y"\n3\n4,"z\nw"\n'.replace(",", delimiter).encode()
    outcome = read(tmp_path, content, dialect=Csv(delimiter=delimiter))
    assert outcome.records == [
        ("1", "x"),
        (f"2{delimiter}2", "y"),
        Broken("record.fields", b"3"),
        ("4", "z\nw"),
    ]


@pytest.mark.parametrize("quote", ["'", "|", "*", "^", "]", "-"])
def test_any_quote_quotes(tmp_path: Path, quote: str) -> None:
    content = "a,b\n1,'x,''y'''\n2,'z\nw'\n3,\"q\n'4'5,6\n".replace("'", quote).encode()
    outcome = read(tmp_path, content, dialect=Csv(quote=quote, escape=quote))
    assert outcome.records == [
        ("1", f"x,{quote}y{quote}"),
        ("2", "z\nw"),
        ("3", '"q'),
        Broken("record.quote", f"{quote}4{quote}5,6".encode()),
    ]


def test_without_a_quote_character_quotes_are_text(tmp_path: Path) -> None:
    outcome = read(tmp_path, b'"a",b\n"1","x"\n2,"y\n3",z,w\n', ('"a"', "b"), Csv(quote=""))
    assert outcome.records == [
        ('"1"', '"x"'),
        ("2", '"y'),
        Broken("record.fields", b'3",z,w'),
    ]


def test_an_escape_character_other_than_the_quote(tmp_path: Path) -> None:
    content = (
        b'a,b\n1,"say \\"hi\\""\n2,"back\\\\slash"\n"C:\\temp",\\"x\n3,"y\\\nz"\n'
        b'4,"x""y"\n5,"\\\\"\n6,"open\\"\n'
    )
    outcome = read(tmp_path, content, dialect=Csv(escape="\\"))
    assert outcome.records == [
        ("1", 'say "hi"'),
        ("2", "back\\slash"),
        ("C:\\temp", '\\"x'),
        ("3", "y\\\nz"),
        Broken("record.quote", b'4,"x""y"'),
        ("5", "\\"),
        Broken("record.quote", b'6,"open\\"'),
    ]


def test_an_empty_escape_means_doubled_quotes(tmp_path: Path) -> None:
    assert read(tmp_path, b'a,b\n1,"x""y"\n', dialect=Csv(escape="")).records == [("1", 'x"y')]
