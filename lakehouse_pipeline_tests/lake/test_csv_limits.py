"""Large fields, long records and many rows: what is read, what is refused, what stays bounded."""

import time
from pathlib import Path

import pyarrow as pa
import pytest

from lakehouse_pipeline.contracts.model import Csv
from lakehouse_pipeline.errors import ReconcileError, RecordTooLongError
from lakehouse_pipeline.lake.csv_file import CsvFile, FileFacts, sha256_of
from lakehouse_pipeline.lake.csv_lines import LineCounter
from lakehouse_pipeline_tests.lake.csv_reading import Broken, read_once


@pytest.mark.parametrize(
    "field",
    [b"x" * (100 << 20), b'"' + (b"y" * 999 + b"\n") * (105 << 10) + b'"'],
    ids=["on one line", "over 100,000 lines"],
)
def test_a_field_of_100_mb_is_read(tmp_path: Path, field: bytes) -> None:
    path = tmp_path / "file.csv"
    path.write_bytes(b"a,b\n1," + field + b"\n2,y\n")
    file = CsvFile(path, "ab", Csv())
    started = time.process_time()
    table = pa.Table.from_batches(file.batches(), file.schema)
    assert time.process_time() - started < 10
    assert table["b"][0].as_buffer().to_pybytes() == field.strip(b'"')
    assert table["b"][1].as_py() == "y"
    assert file.facts.broken == 0
    assert file.facts.embedded_lines == field.count(b"\n")


@pytest.mark.parametrize("size", [1, 10, 1000])
@pytest.mark.parametrize(
    "record",
    [b"2," + b"x" * 99, b'2,"' + b"x\n" * 50 + b'"', b'2,"' + b"x\n" * 200, b"2," + b"x" * 5000],
)
def test_a_record_over_the_limit_refuses_the_file(tmp_path: Path, record: bytes, size: int) -> None:
    path = tmp_path / "file.csv"
    path.write_bytes(b"a,b\n1,x\n" + record + b"\n3,y\n")
    file = CsvFile(path, "ab", Csv(), block_bytes=size, max_record_bytes=100)
    with pytest.raises(RecordTooLongError) as refused:
        list(file.batches())
    assert str(refused.value) == (
        "file.csv, record 2: longer than 100 bytes. Is the delimiter or the line end another than "
        "the contract says? Expected one record per line."
    )


@pytest.mark.parametrize("size", [1, 10, 1000])
def test_a_record_at_the_limit_is_read(tmp_path: Path, size: int) -> None:
    path = tmp_path / "file.csv"
    path.write_bytes(b"a,b\n1," + b"x" * 97 + b"\n" + b'2,"' + b"y\n" * 47 + b'y"\n')
    file = CsvFile(path, "ab", Csv(), block_bytes=size, max_record_bytes=100)
    assert read_once(file).records == [("1", "x" * 97), ("2", "y\n" * 47 + "y")]


def test_a_header_over_the_limit_refuses_the_file(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.write_bytes(b"a" * 1000)
    with pytest.raises(RecordTooLongError, match=r"file\.csv, header: longer than 100 bytes"):
        list(CsvFile(path, "ab", Csv(), max_record_bytes=100).batches())


@pytest.mark.parametrize("limit", [0, (512 << 20) + 1])
def test_a_limit_that_cannot_be_kept_is_refused(tmp_path: Path, limit: int) -> None:
    with pytest.raises(ValueError, match="max_record_bytes must be 1 to 536870912"):
        CsvFile(tmp_path / "file.csv", "ab", Csv(), max_record_bytes=limit)


def test_an_unclosed_quote_holds_back_no_more_than_is_judged(tmp_path: Path) -> None:
    """A file far larger than the longest record is not refused for one quote."""
    path = tmp_path / "file.csv"
    path.write_bytes(b'a,b\n1,"x\n' + b"2,y\n" * 100_000)
    file = CsvFile(path, "ab", Csv(), block_bytes=1000, max_record_bytes=10_000)
    outcome = read_once(file)
    assert outcome.records == [Broken("record.quote", b'1,"x'), *[("2", "y")] * 100_000]


def test_batches_are_bounded_in_rows(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.write_bytes(b"a\n" + b"\n" * 300_000)
    file = CsvFile(path, "a", Csv())
    assert [batch.num_rows for batch in file.batches()] == [131_072, 131_072, 37_856]
    assert file.facts.physical_lines == 300_001


def test_many_broken_lines_are_read_in_seconds(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.write_bytes(b"a,b,c,d\n" + b"1,xyz,2024-01-01,4.5\0\n" * 200_000)
    file = CsvFile(path, "abcd", Csv())
    started = time.process_time()
    list(file.batches())
    assert time.process_time() - started < 8
    assert file.facts.broken == 200_000


def test_the_facts_are_those_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "may.csv"
    path.write_bytes(b'a,b\n1,x\n\n2,"y\nz"\n3\n')
    file = CsvFile(path, "ab", Csv())
    with pytest.raises(RuntimeError, match=r"may\.csv: the facts are known after the last batch"):
        _ = file.facts
    list(file.batches())
    assert file.facts == FileFacts(
        name="may.csv",
        sha256=sha256_of(path),
        size_bytes=19,
        physical_lines=6,
        header_lines=1,
        blank_lines=1,
        embedded_lines=1,
        records=3,
        broken=1,
    )


def test_a_file_can_be_read_again(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.write_bytes(b"a,b\n1,x\n")
    file = CsvFile(path, "ab", Csv())
    assert read_once(file) == read_once(file)


def test_lines_that_do_not_reconcile_refuse_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file.csv"
    path.write_bytes(b"a,b\n1,x\n2,y\n")
    monkeypatch.setattr(LineCounter, "lines", 4)
    with pytest.raises(ReconcileError) as refused:
        list(CsvFile(path, "ab", Csv()).batches())
    assert "file.csv: 4 physical lines, but 3 accounted for" in str(refused.value)
