"""Encodings: a byte order mark, other character sets, and bytes that are not of them."""

from pathlib import Path

import pytest

from lakehouse_pipeline.contracts.model import Csv
from lakehouse_pipeline.errors import EncodingError, HeaderError
from lakehouse_pipeline_tests.lake.csv_reading import Broken, read

TEXT = 'a,b\n1,Zoë\n2,"Grün,\r\nweiß ""x"""\n3\n4,é\n'
RECORDS = [("1", "Zoë"), ("2", 'Grün,\r\nweiß "x"'), ("4", "é")]


def test_a_byte_order_mark_is_not_part_of_the_header(tmp_path: Path) -> None:
    assert read(tmp_path, b"\xef\xbb\xbfa,b\n1,x\n").records == [("1", "x")]
    assert read(tmp_path, b'\xef\xbb\xbf"a",b\n1,x\n').records == [("1", "x")]


def test_a_byte_order_mark_is_not_part_of_the_first_record(tmp_path: Path) -> None:
    outcome = read(tmp_path, b"\xef\xbb\xbf1,x\n2\n", dialect=Csv(header=False))
    assert outcome.records == [("1", "x"), Broken("record.fields", b"2")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "UTF8"])
def test_every_name_of_utf_8_is_utf_8(tmp_path: Path, encoding: str) -> None:
    outcome = read(tmp_path, TEXT.encode(encoding), dialect=Csv(encoding=encoding))
    assert [row for row in outcome.records if isinstance(row, tuple)] == RECORDS


@pytest.mark.parametrize(
    "encoding",
    [
        "latin-1",
        "cp1252",
        "iso8859-15",
        "gb18030",
        "mac-roman",
        "utf-16",
        "utf-16-le",
        "utf-16-be",
        "utf-32",
        "utf-32-be",
        "cp037",
        "utf-7",
    ],
)
def test_the_encoding_of_the_contract_is_read(tmp_path: Path, encoding: str) -> None:
    outcome = read(
        tmp_path, TEXT.encode(encoding), dialect=Csv(encoding=encoding), lines=TEXT.count("\n")
    )
    short = "3".encode({"utf-16": "utf-16-le", "utf-32": "utf-32-le"}.get(encoding, encoding))
    assert outcome.records == [*RECORDS[:2], Broken("record.fields", short), RECORDS[2]]


@pytest.mark.parametrize("order", ["le", "be"])
def test_utf_16_with_a_byte_order_mark_gives_back_its_bytes(tmp_path: Path, order: str) -> None:
    content = "\ufeffa,b\n1,x\nÿ\U0001f600\n".encode(f"utf-16-{order}")
    for encoding in ("utf-16", f"utf-16-{order}"):
        outcome = read(tmp_path, content, dialect=Csv(encoding=encoding), lines=3)
        broken = Broken("record.fields", "ÿ\U0001f600".encode(f"utf-16-{order}"))
        assert outcome.records == [("1", "x"), broken]


@pytest.mark.parametrize("line_end", ["lf", "cr"])
def test_shift_jis_trail_bytes_are_no_delimiters(tmp_path: Path, line_end: str) -> None:
    dialect = Csv(encoding="shift_jis", delimiter="|", line_end="cr" if line_end == "cr" else "lf")
    text = 'a|b\n表|ポ\n"ソ|"|ア\n\x81'
    content = text[:-1].encode("shift_jis") + b"\x81\n1|2\nx|\x82\xa0\xff\n"
    if line_end == "cr":
        content = content.replace(b"\n", b"\r")
    assert b"|" in "ポ".encode("shift_jis")
    assert read(tmp_path, content, dialect=dialect, lines=6).records == [
        ("表", "ポ"),
        ("ソ|", "ア"),
        Broken("record.encoding", b"\x81", "bytes that are not shift_jis"),
        ("1", "2"),
        Broken("record.encoding", b"x|\x82\xa0\xff"),
    ]


def test_an_undefined_byte_of_cp1252_breaks_its_record(tmp_path: Path) -> None:
    content = b'a,b\n1,\x80\n2,\x81\n3,"x\n\x8d\ny"\n4,z\n'
    outcome = read(tmp_path, content, dialect=Csv(encoding="cp1252"))
    assert outcome.records == [
        ("1", "€"),
        Broken("record.encoding", b"2,\x81", "bytes that are not cp1252"),
        Broken("record.encoding", b'3,"x\n\x8d\ny"'),
        ("4", "z"),
    ]


def test_bytes_beyond_ascii_break_their_record_in_ascii(tmp_path: Path) -> None:
    outcome = read(tmp_path, b"a,b\n1,x\n2,\xc3\xa4\n", dialect=Csv(encoding="ascii"))
    assert outcome.records == [("1", "x"), Broken("record.encoding", b"2,\xc3\xa4")]


def test_every_defect_gives_back_the_bytes_as_delivered(tmp_path: Path) -> None:
    content = b'a,b\n\xe4\n"\xe4"\xe4,1\n\xe4\0,1\n\xe4,"\xe4\n\xe4",1\n"\xe4\n'
    outcome = read(tmp_path, content, dialect=Csv(encoding="latin-1"))
    assert outcome.records == [
        Broken("record.fields", b"\xe4"),
        Broken("record.quote", b'"\xe4"\xe4,1'),
        Broken("record.nul", b"\xe4\0,1"),
        Broken("record.fields", b'\xe4,"\xe4\n\xe4",1'),
        Broken("record.quote", b'"\xe4'),
    ]


@pytest.mark.parametrize(
    ("encoding", "content", "problem"),
    [
        ("utf-16", "a,b\n1,x\n".encode("utf-16") + b"\x00", "truncated data"),
        ("utf-16-le", b"a\0,\0b\0\n\0\x00\xdc\n\0", "illegal encoding"),
        ("utf-32", b"\xff\xfe\0\0a\0\0\0\n\0\0\0\xff\xff\xff\xff", "code point not in range"),
    ],
)
def test_a_bad_byte_in_a_stream_encoding_refuses_the_file(
    tmp_path: Path, encoding: str, content: bytes, problem: str
) -> None:
    with pytest.raises(EncodingError, match=f"file.csv: not readable as {encoding}: {problem}"):
        read(tmp_path, content, dialect=Csv(encoding=encoding))


@pytest.mark.parametrize(
    ("encoding", "problem"),
    [
        ("latin-42", "no encoding of that name is known"),
        ("hex", "no encoding of that name is known"),
        ("unicode_escape", "this is no encoding for files"),
        ("idna", "this is no encoding for files"),
    ],
)
def test_a_name_that_is_no_encoding_for_files_is_refused(
    tmp_path: Path, encoding: str, problem: str
) -> None:
    with pytest.raises(EncodingError, match=problem):
        read(tmp_path, b"a,b\n", dialect=Csv(encoding=encoding))


def test_a_header_that_is_not_of_the_encoding_refuses_the_file(tmp_path: Path) -> None:
    with pytest.raises(EncodingError, match="the header holds bytes that are not of that encoding"):
        read(tmp_path, "a,b\n1,x\n".encode("utf-16"))


def test_a_utf_8_mark_in_another_encoding_is_seen_in_the_header(tmp_path: Path) -> None:
    with pytest.raises(HeaderError, match="column 'a' is missing"):
        read(tmp_path, b"\xef\xbb\xbfa,b\n1,x\n", dialect=Csv(encoding="latin-1"))
