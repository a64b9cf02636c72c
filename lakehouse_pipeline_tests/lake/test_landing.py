import os
import subprocess
import time
from pathlib import Path

import pytest

from lakehouse_pipeline.errors import UnreadableFileError
from lakehouse_pipeline.lake.csv_bytes import sha256_of
from lakehouse_pipeline.lake.landing import (
    Landing,
    LandingFile,
    batch_id,
    is_settled,
)

SHA = "0123456789abcdef" * 4


@pytest.fixture
def landing(tmp_path: Path) -> Landing:
    (tmp_path / "landing" / "orders").mkdir(parents=True)
    return Landing(tmp_path / "landing")


def put(landing: Landing, name: str, text: str = "x") -> LandingFile:
    (landing.folder("orders") / name).write_text(text)
    (file,) = (file for file in landing.files("orders") if file.path.name == name)
    return file


@pytest.mark.parametrize(
    ("name", "batch"),
    [
        ("may.csv", "may-01234567"),
        ("May 2024 (1).CSV", "May_2024__1_-01234567"),
        ("may.csv.gz", "may-01234567"),
        ("may.tsv.zst", "may-01234567"),
        ("2024.05.csv", "2024.05-01234567"),
        ("a...b,c.csv", "a.b_c-01234567"),
        ("größe.txt", "gr__e-01234567"),
        ("....csv", "file-01234567"),
        (f"{'x' * 200}.csv", f"{'x' * 100}-01234567"),
    ],
)
def test_a_batch_is_named_after_file_and_content(name: str, batch: str) -> None:
    assert batch_id(name, SHA) == batch


def test_only_csv_files_that_are_whole_by_their_name_are_taken(landing: Landing) -> None:
    names = ["a.csv", "b.CSV.GZ", "c.tsv", "d.txt.zst"]
    others = ["e.xlsx", "f.csv.bak", "g.zip", "no suffix"]
    temporary = [".h.csv", "i.csv.part", "j.csv~", "k.csv.crdownload", "l.csv.filepart"]
    for name in (*names, *others, *temporary):
        (landing.folder("orders") / name).write_text("x")
    (landing.folder("orders") / "folder.csv").mkdir()
    assert [file.path.name for file in landing.files("orders")] == names
    assert {path.name for path in landing.ignored("orders")} == {*others, "folder.csv"}
    assert landing.files("unknown") == []
    assert landing.ignored("unknown") == []


def test_what_lies_beside_the_datasets_is_named(landing: Landing) -> None:
    (landing.root / "lost.csv").write_text("x")
    (landing.root / "order").mkdir()
    assert [path.name for path in landing.strangers(["orders"])] == ["lost.csv", "order"]


def test_a_file_is_settled_when_it_is_unchanged_for_a_while(landing: Landing) -> None:
    file = put(landing, "may.csv")
    assert is_settled(file, 0)
    assert not is_settled(file, 60)
    os.utime(file.path, (0, 0))
    assert not is_settled(put(landing, "may.csv"), 60)


def test_a_file_that_another_process_writes_is_not_settled(landing: Landing) -> None:
    file = put(landing, "may.csv")
    with subprocess.Popen(
        ["sh", "-c", f'exec 3>>"{file.path}"; echo ready; read line'],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"ready\n"
        assert not is_settled(file, 0)
        writer.communicate(b"done\n")
    assert is_settled(file, 0)


def test_a_file_that_someone_reads_is_settled(landing: Landing) -> None:
    file = put(landing, "may.csv")
    with file.path.open("rb"):
        assert is_settled(file, 0)


def test_the_fingerprint_changes_when_a_file_is_put_there_again(landing: Landing) -> None:
    first = put(landing, "may.csv")
    deadline = time.monotonic() + 10
    while put(landing, "may.csv").fingerprint == first.fingerprint:
        assert time.monotonic() < deadline
    assert landing.files("orders")[0].fingerprint == landing.files("orders")[0].fingerprint


def test_a_batch_is_found_by_name_and_among_alike_names_by_content(landing: Landing) -> None:
    one, other = put(landing, "may.csv", "1"), put(landing, "may.tsv", "2")
    alone = put(landing, "june.csv", "3")
    ids = [batch_id(f.path.name, sha256_of(f.path)) for f in (one, other, alone)]
    assert landing.find("orders", [*ids, "july-00000000", "may-00000000"]) == {
        ids[0]: one.path,
        ids[1]: other.path,
        ids[2]: alone.path,
        "july-00000000": None,
        "may-00000000": None,
    }


def test_a_placed_file_never_overwrites_another(landing: Landing, tmp_path: Path) -> None:
    source = tmp_path / "may.csv"
    source.write_text("1")
    first = landing.place("orders", source)
    assert first == landing.folder("orders") / "may.csv"
    assert landing.place("orders", source) == first
    assert landing.place("orders", first) == first
    source.write_text("2")
    second = landing.place("orders", source)
    assert second.name == f"may-{sha256_of(source)[:8]}.csv"
    assert batch_id(second.name, sha256_of(second)) == f"may-{sha256_of(source)[:8]}"
    assert (first.read_text(), second.read_text()) == ("1", "2")
    assert sorted(p.name for p in landing.folder("orders").iterdir()) == [second.name, first.name]


@pytest.mark.parametrize(
    ("name", "problem"), [("none.csv", "no such file or directory"), ("", "is a folder")]
)
def test_what_cannot_be_read_is_not_placed(
    landing: Landing, tmp_path: Path, name: str, problem: str
) -> None:
    with pytest.raises(UnreadableFileError, match=problem):
        landing.place("orders", tmp_path / name)
    assert list(landing.folder("orders").iterdir()) == []
