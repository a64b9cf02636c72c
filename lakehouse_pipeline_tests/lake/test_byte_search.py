import gzip
import json
import sqlite3
import zipfile
from contextlib import closing
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lakehouse_pipeline.lake.byte_search import search

VALUE = "jürgen.p777@example.org"
TABLE = pa.table({"a": [f"p{n}@example.org" for n in range(3000)] + [VALUE], "b": range(3001)})


@pytest.mark.parametrize("compression", ["zstd", "snappy", "gzip", "lz4", "brotli", "none"])
@pytest.mark.parametrize("version", ["1.0", "2.0"])
@pytest.mark.parametrize("dictionary", [True, False])
def test_a_value_is_found_in_every_kind_of_parquet(
    tmp_path: Path, compression: str, version: str, dictionary: bool
) -> None:
    path = tmp_path / "part.parquet"
    pq.write_table(
        TABLE,
        path,
        compression=compression,
        data_page_version=version,
        use_dictionary=dictionary,
        write_statistics=False,
    )
    searched = search([tmp_path], VALUE)
    assert {one.path for one in searched.found} == {str(path)}
    assert searched.unreadable == ()


@pytest.mark.parametrize(
    "encoding", ["utf-8", "latin-1", "utf-16-le", "cp850", "mac_roman", "gb18030"]
)
def test_a_value_is_found_in_text_of_every_encoding_packed_or_not(
    tmp_path: Path, encoding: str
) -> None:
    text = f"1,{VALUE},x\n".encode(encoding)
    (tmp_path / "a.csv").write_bytes(text)
    (tmp_path / "b.csv.gz").write_bytes(gzip.compress(text))
    (tmp_path / "c.csv.zst").write_bytes(pa.compress(text, "zstd", asbytes=True))
    names = {Path(one.path).name for one in search([tmp_path], VALUE).found}
    assert names == {"a.csv", "b.csv.gz", "c.csv.zst"}


def test_a_value_is_found_in_json_and_in_a_long_cell_of_a_database(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"x": "j\\u00fcrgen.p777@example.org"}')
    with closing(sqlite3.connect(tmp_path / "b.db")) as database:
        database.execute("CREATE TABLE t (a)")
        database.execute("INSERT INTO t VALUES (?)", ("x" * 4070 + VALUE + "y" * 9000,))
        database.commit()
    assert {Path(one.path).name for one in search([tmp_path], VALUE).found} == {"a.json", "b.db"}


@pytest.mark.parametrize("is_ascii", [True, False])
@pytest.mark.parametrize("value", ['Jürgen "Jo" Größe', "Jürgen\nGröße", "back\\slash é"])
def test_quotes_and_line_ends_are_found_in_json_and_in_json_within_json(
    tmp_path: Path, value: str, is_ascii: bool
) -> None:
    once = json.dumps({"x": value}, ensure_ascii=is_ascii)
    (tmp_path / "once.json").write_text(once)
    (tmp_path / "twice.json").write_text(json.dumps({"y": once}, ensure_ascii=is_ascii))
    assert len(search([tmp_path], value).found) == 2


def test_a_value_is_found_in_a_workbook_of_excel(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.csv", "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr("xl/sharedStrings.xml", f"<t>{'no' * 99}</t><t>Smith &amp; {VALUE}</t>")
    (tmp_path / "b.zip").write_bytes(b"PK\x03\x04 not a zip")
    searched = search([tmp_path], f"Smith & {VALUE}")
    assert [(one.path, one.unpacked) for one in searched.found] == [(f"{tmp_path}/a.csv", True)]
    assert searched.unreadable == (f"{tmp_path}/b.zip",)


@pytest.mark.parametrize(("field", "value"), [(6, 1), (8, 99)], ids=["password", "compression"])
def test_an_archive_that_nobody_can_open_is_unreadable(
    tmp_path: Path, field: int, value: int
) -> None:
    """A flag and the compression stand in the head of a file and, 2 bytes later, in the list."""
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.csv", "1,ann@example.org\n" * 9)
    data = bytearray((tmp_path / "a.zip").read_bytes())
    data[data.index(b"PK\x03\x04") + field] = value
    data[data.index(b"PK\x01\x02") + field + 2] = value
    (tmp_path / "a.zip").write_bytes(data)
    assert search([tmp_path], "ann@example.org").unreadable == (f"{tmp_path}/a.zip",)


def test_a_value_is_found_behind_links_and_links_in_a_circle_end(tmp_path: Path) -> None:
    home, disk = tmp_path / "home", tmp_path / "disk"
    home.mkdir()
    (disk / "orders").mkdir(parents=True)
    (disk / "orders" / "a.csv").write_text(VALUE)
    (home / "landing").symlink_to(disk)
    (disk / "orders" / "back").symlink_to(home)
    (home / "nowhere").symlink_to(tmp_path / "gone")
    assert [one.path for one in search([home], VALUE).found] == [f"{home}/landing/orders/a.csv"]


def test_what_an_encoding_cannot_write_is_not_left_out_of_the_value(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("7")
    assert search([tmp_path], "山田7").found == ()


@pytest.mark.parametrize(
    ("value", "column"),
    [
        ("739184620", pa.array([None, 739184620])),
        ("7391846.20", pa.array([Decimal("7391846.20")])),
        ("739184620.5", pa.array([739184620.5])),
        ("1873-04-17", pa.array([date(1873, 4, 17)])),
        ("1873-04-17 05:06", pa.array([datetime(1873, 4, 17, 5, 6, tzinfo=UTC)])),
        ("739184620", pa.array([[1], [2, 739184620]])),
    ],
)
def test_a_number_or_a_date_is_found_as_it_is_printed(
    tmp_path: Path, value: str, column: pa.Array
) -> None:
    pq.write_table(pa.table({"a": column}), tmp_path / "part.parquet", write_statistics=False)
    assert [one.unpacked for one in search([tmp_path], value).found] == [True]


def test_a_number_is_found_in_a_database(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "b.db")) as database:
        database.execute("CREATE TABLE t (a)")
        database.execute("INSERT INTO t VALUES (739184620)")
        database.commit()
    assert len(search([tmp_path], "739184620").found) == 1


def test_a_value_across_two_chunks_counts_once(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * ((8 << 20) - 5) + VALUE.encode() + b"y")
    (found,) = search([tmp_path], VALUE).found
    assert found.count == 1


def test_a_file_that_is_not_what_it_says_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.gz").write_bytes(b"\x1f\x8bnot gzip")
    assert search([tmp_path], VALUE).unreadable == (str(tmp_path / "a.gz"),)


@pytest.mark.parametrize("name", [f"{VALUE}.csv", "j%C3%BCrgen.p777%40example.org", VALUE])
def test_a_value_in_a_name_is_told(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    (tmp_path / name / "part").write_text("nothing")
    searched = search([tmp_path], VALUE)
    assert (searched.found, searched.named) == ((), (str(tmp_path / name),))
