import io
import json
import shutil
import sys
from pathlib import Path

import pytest

from lakehouse_pipeline_tests.cli.commands import Command, in_process
from lakehouse_pipeline_tests.erasures import SUBJECT, erasing_contract
from lakehouse_pipeline_tests.homes import open_home, rows

WHO = ("--by", "ada", "--why", "asked by letter")


@pytest.fixture(scope="module")
def with_subjects(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("subjects") / "home"
    with open_home(folder, erasing_contract()) as home:
        home.drop("a.csv", rows(5, broken=1))
        home.settle()
    return folder


@pytest.fixture
def lakehouse(
    with_subjects: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Command:
    home = Path(shutil.copytree(with_subjects, tmp_path / "home"))
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(f"{SUBJECT}\n".encode())))
    return in_process(home, monkeypatch, capsys)


def test_a_subject_from_stdin_is_erased_with_a_certificate_that_does_not_name_it(
    lakehouse: Command, tmp_path: Path
) -> None:
    answer = lakehouse("erase", "--subject-file", "-", "--all", *WHO, "--json")
    assert answer.code == 0, answer.err
    done = answer.json
    assert [*done["records"]["orders"].values()] == [[3]]
    assert SUBJECT not in answer.out + answer.err
    certificate = tmp_path / "home" / "erasures" / f"{done['id']}.json"
    assert json.loads(certificate.read_text()) == done
    assert certificate.stat().st_mode & 0o777 == 0o600
    assert done["id"] in lakehouse("erase", "--list").out
    shown = lakehouse("erase", "--show", done["id"]).out
    assert "1 records, completed" in shown
    assert "asked by letter" in shown
    gone = lakehouse("record", "orders", next(iter(done["records"]["orders"])), 3)
    assert (gone.code, f"erase --show {done['id']}" in gone.err) == (1, True)
    assert lakehouse("verify").code == 0


def test_a_subject_who_was_erased_before_has_a_certificate_that_names_the_first(
    lakehouse: Command,
) -> None:
    asked = ("erase", "--subject", SUBJECT, "-d", "orders", *WHO)
    first = lakehouse(*asked, "--json").json
    assert "erased before" not in lakehouse("erase", "--show", first["id"]).out
    second = lakehouse(*asked)
    assert second.code == 0, second.err
    assert ": 0 records, completed" in second.out
    assert f"erased before: {first['id']} (1 records)" in second.out
    assert lakehouse("verify").code == 0


def test_verify_says_which_files_hold_the_value_and_ends_with_1(
    lakehouse: Command, tmp_path: Path
) -> None:
    file = tmp_path / "subject.txt"
    file.write_text(SUBJECT)
    before = lakehouse("erase", "--verify", "--subject-file", file)
    assert before.code == 1
    assert "a.csv" in before.out
    assert lakehouse("erase", "--subject", SUBJECT, "-d", "orders", *WHO).code == 0
    after = lakehouse("erase", "--verify", "--subject-file", file)
    assert (after.code, "stands in 0 files" in after.out) == (0, True)
    (tmp_path / "home" / f"{SUBJECT}.txt").touch()
    named = lakehouse("erase", "--verify", "--subject-file", file)
    assert (named.code, "the value stands in the name" in named.out) == (1, True)


def test_neither_mark_nor_last_line_end_of_a_file_is_part_of_the_subject(
    lakehouse: Command, tmp_path: Path
) -> None:
    file = tmp_path / "subject.txt"
    file.write_bytes(f"\ufeff{SUBJECT}\r\n".encode())
    answer = lakehouse("erase", "--subject-file", file, "--all", *WHO, "--json")
    assert [*answer.json["records"]["orders"].values()] == [[3]]


def test_line_ends_inside_a_subject_stay_as_they_are(lakehouse: Command, tmp_path: Path) -> None:
    file = tmp_path / "subject.txt"
    file.write_bytes(b"two\r\nlines\n")
    (tmp_path / "home" / "note.txt").write_bytes(b"xtwo\r\nlinesx")
    assert "note.txt" in lakehouse("erase", "--verify", "--subject-file", file).out


def test_a_file_that_is_not_utf_8_is_refused_without_telling_what_is_in_it(
    lakehouse: Command, tmp_path: Path
) -> None:
    file = tmp_path / "subject.txt"
    file.write_bytes("Jürgen".encode("latin-1"))
    answer = lakehouse("erase", "--verify", "--subject-file", file)
    assert (answer.code, "expected text in UTF-8" in answer.err) == (2, True)
    assert "rgen" not in answer.out + answer.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--subject", SUBJECT, *WHO), "give --dataset D or --all"),
        (("--subject", SUBJECT, "--all", "--by", "ada"), "'why' is empty"),
        (("--subject", " ", "--all", *WHO), "the subject is empty"),
        (("--subject", SUBJECT, "-d", "order", *WHO), "Did you mean 'orders'?"),
        (("--show", "nothing"), "unknown erasure 'nothing'"),
    ],
)
def test_a_call_that_lacks_something_says_so_and_changes_nothing(
    lakehouse: Command, tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    answer = lakehouse("erase", *arguments)
    assert answer.code == 2
    assert said in answer.err
    assert not (tmp_path / "home" / "erasures").exists()
