"""How a file is written, guessed from its beginning."""

from pathlib import Path

import pytest

from lakehouse_pipeline.contracts.model import Csv
from lakehouse_pipeline.errors import NoDraftError
from lakehouse_pipeline.lake.csv_guess import Guess, Head, guess

ROWS = [(n, f"name {n}", f"{n}.50") for n in range(50)]


def guessed(content: str | bytes, *, complete: bool = True) -> Guess:
    data = content.encode() if isinstance(content, str) else content
    return guess(Head(Path("a.csv"), data, complete))


def written(delimiter: str = ",", line_end: str = "\n", header: str = "id,name,price") -> str:
    lines = [header.replace(",", delimiter)] if header else []
    lines += [delimiter.join(map(str, row)) for row in ROWS]
    return line_end.join(lines) + line_end


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|", "^", "~"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_the_delimiter_is_found(delimiter: str, line_end: str) -> None:
    found = guessed(written(delimiter, line_end))
    assert found.dialect == Csv(delimiter=delimiter)
    assert found.names == ("id", "name", "price")


def test_old_mac_line_ends_are_found() -> None:
    found = guessed(written(line_end="\r"))
    assert (found.dialect, found.names) == (Csv(line_end="cr"), ("id", "name", "price"))


def test_a_decimal_comma_is_no_delimiter() -> None:
    assert guessed("a;b;c\n1,5;2,5;3,5\n" * 9).dialect.delimiter == ";"


def test_delimiters_and_line_ends_in_quotes_divide_nothing() -> None:
    found = guessed("id;text\n" + '1;"a, b, c;\nand ""more"""\n' * 20)
    assert found.dialect == Csv(delimiter=";")


@pytest.mark.parametrize(
    ("record", "quote", "escape"),
    [
        ('1,"he said ""x, y"""\n', '"', '"'),
        ('1,"he said \\"x, y\\", z"\n', '"', "\\"),
        ("1,'he said x, y'\n", "'", "'"),
        ("1,it's\n", '"', '"'),
        ('1,5" pipe\n', '"', '"'),
        ('1,"open\n', "", ""),
    ],
)
def test_the_quoting_is_found(record: str, quote: str, escape: str) -> None:
    dialect = guessed("id,text\n" + record * 30).dialect
    assert (dialect.quote, dialect.escape) == (quote, escape)


@pytest.mark.parametrize(
    ("encoding", "text", "found"),
    [
        ("utf-8", "Müller,Köln", "utf-8"),
        ("utf-8-sig", "Müller,Köln", "utf-8"),
        ("utf-16", "Müller,Köln", "utf-16"),
        ("utf-16-le", "Müller,Köln", "utf-16-le"),
        ("utf-32", "Müller,Köln", "utf-32"),
        ("cp1252", "Müller,Köln", "cp1252"),
        ("cp1252", "€uro,“quoted”", "cp1252"),
        ("cp1250", "Wałęsa,Nowy Sącz Kraków", "cp1250"),
        ("cp850", "Müller,Köln Straße", "cp850"),
        ("cp1251", "Иванов,Санкт-Петербург улица", "cp1251"),
        ("shift_jis", "山田太郎,東京都渋谷区", "shift_jis"),
        ("gb18030", "王小明,北京市朝阳区上海市", "gb18030"),
    ],
)
def test_the_encoding_is_found(encoding: str, text: str, found: str) -> None:
    lines = "name,city\n" + f"{text}\n" * 20
    dialect = guessed(lines.encode(encoding)).dialect
    assert dialect.encoding == found
    assert guessed(lines.encode(encoding)).names == ("name", "city")


def test_a_few_damaged_lines_leave_a_file_utf_8() -> None:
    lines = ["name,city", *["Müller,Köln"] * 20]
    content = "\n".join(lines).encode() + b"\nM\xfcller,K\xf6ln\n"
    assert guessed(content).dialect.encoding == "utf-8"


def test_a_character_cut_at_the_end_of_the_head_is_no_damage() -> None:
    for encoding in ("utf-8", "utf-16"):
        content = ("name,city\n" + "Müller,Köln\n" * 20).encode(encoding)
        for cut in (-1, -2, -3, -8, -9):
            assert guessed(content[:cut], complete=False).dialect.encoding == encoding


@pytest.mark.parametrize(
    ("content", "header"),
    [
        (written(), True),
        (written(header=""), False),
        ("2013,1,1,517\n2013,1,1,533\n", False),
        ("country,2013,2014\nDE,1,2\nFR,3,4\n", True),
        ("name,city\nAlice,Berlin\nBob,Paris\n", True),
        ("Alice,Berlin\nBob,Paris\nCarol,Berlin\n", False),
        ("name,city\nAlice,Berlin\nname,city\nBob,Paris\n", True),
        ("a@example.org,Berlin\nb@example.org,Paris\n", False),
        ("n\n1\n2\n", True),
        ("1\n2\n3\n", False),
    ],
)
def test_a_header_is_told_from_a_record(content: str, header: bool) -> None:
    assert guessed(content).dialect.header == header


def test_columns_without_a_header_are_numbered() -> None:
    assert guessed("1,a\n2,b\n").names == ("column_1", "column_2")


def test_a_title_above_the_header_is_no_csv() -> None:
    with pytest.raises(NoDraftError, match="no delimiter divides its lines evenly"):
        guessed("Sales of May\n\n" + written())
