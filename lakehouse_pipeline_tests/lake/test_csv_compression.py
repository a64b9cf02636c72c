"""Compressed files: the same records, the digest of what lies on disk, no silent cut."""

import gzip
import os
from pathlib import Path

import pyarrow as pa
import pytest

from lakehouse_pipeline.contracts.model import Csv
from lakehouse_pipeline.errors import CompressionError, EmptyFileError
from lakehouse_pipeline.lake.csv_file import CsvFile, physical_lines_of
from lakehouse_pipeline_tests.lake.csv_reading import Broken, read, read_once

TEXT = b'a,b\n1,x\n2,"y\nz"\n3\n'
RECORDS = [("1", "x"), ("2", "y\nz"), Broken("record.fields", b"3")]


def zstd(data: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(data)
    return bytes(sink.getvalue().to_pybytes())


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("file.csv.gz", gzip.compress(TEXT)),
        ("FILE.CSV.GZ", gzip.compress(TEXT)),
        ("file.csv.zst", zstd(TEXT)),
        ("several.csv.gz", gzip.compress(TEXT[:9]) + gzip.compress(b"") + gzip.compress(TEXT[9:])),
        ("several.csv.zst", zstd(TEXT[:9]) + zstd(b"") + zstd(TEXT[9:])),
    ],
    ids=["gz", "capitals", "zst", "gz of several members", "zst of several frames"],
)
def test_a_compressed_file_is_read_as_its_text(tmp_path: Path, name: str, content: bytes) -> None:
    outcome = read(tmp_path, content, name=name, lines=5)
    assert outcome.records == RECORDS
    assert outcome.facts.name == name


@pytest.mark.parametrize("kind", ["gz", "zst"])
def test_a_truncated_file_is_refused_wherever_it_is_cut(tmp_path: Path, kind: str) -> None:
    compress = gzip.compress if kind == "gz" else zstd
    path = tmp_path / f"file.csv.{kind}"
    first, second = compress(TEXT), compress(os.urandom(3000).hex().encode())
    whole = first + second
    for size in {*range(1, len(whole), 13), *range(1, len(first) + 20)} - {len(first)}:
        path.write_bytes(whole[:size])
        with pytest.raises(CompressionError):
            list(CsvFile(path, "ab", Csv(), block_bytes=1000).batches())
    path.write_bytes(whole[:-1])
    with pytest.raises(CompressionError, match="cut short, or damaged"):
        physical_lines_of(path, Csv())


@pytest.mark.parametrize("name", ["file.csv.gz", "file.csv.zst"])
def test_a_file_that_is_not_what_its_name_says_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    kind = "gzip" if name.endswith("gz") else "zstd"
    content = gzip.compress(TEXT) if kind == "gzip" else zstd(TEXT)
    other_checksum = content[:-8] + bytes(4) + content[-4:] if kind == "gzip" else TEXT
    for wrong in (TEXT, content + b"something more", other_checksum):
        path.write_bytes(wrong)
        with pytest.raises(CompressionError) as refused:
            list(CsvFile(path, "ab", Csv()).batches())
        message = f"{name}: cannot be decompressed: damaged, or not {kind}. Deliver the file again."
        assert str(refused.value) == message


@pytest.mark.parametrize("name", ["file.csv.gz", "file.csv.zst"])
def test_a_compressed_file_of_nothing_is_empty(tmp_path: Path, name: str) -> None:
    for content in (b"", gzip.compress(b"") if name.endswith("gz") else zstd(b"")):
        with pytest.raises(EmptyFileError):
            read(tmp_path, content, name=name)


def test_what_the_system_cannot_read_is_not_called_damaged(tmp_path: Path) -> None:
    for name in ("missing.csv", "missing.csv.gz", "missing.csv.zst"):
        with pytest.raises(FileNotFoundError):
            list(CsvFile(tmp_path / name, "ab", Csv()).batches())
    with pytest.raises(IsADirectoryError):
        list(CsvFile(tmp_path, "ab", Csv()).batches())


def test_a_large_compressed_file_is_read_in_blocks(tmp_path: Path) -> None:
    text = b"a,b\n" + b"".join(b"%d,x\n" % number for number in range(100_000))
    for name, content in (("file.csv.gz", gzip.compress(text)), ("file.csv.zst", zstd(text))):
        (tmp_path / name).write_bytes(content)
        outcome = read_once(CsvFile(tmp_path / name, "ab", Csv(), block_bytes=10_000))
        assert outcome.records == [(str(number), "x") for number in range(100_000)]
