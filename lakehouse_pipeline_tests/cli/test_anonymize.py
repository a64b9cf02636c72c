"""`lakehouse anonymize`, called as people do: dry run, approval, application, going back."""

import shutil
from pathlib import Path

import pytest

from lakehouse_pipeline.lake.byte_search import search
from lakehouse_pipeline_tests.anonymizations import NEW, activate, filled, lines, told
from lakehouse_pipeline_tests.cli.commands import Command, in_process
from lakehouse_pipeline_tests.homes import open_home

MADE = "CanaryAnn"


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("anonymize") / "home"
    with filled(folder, lines(6), lines(4, 21)):
        pass
    return folder


@pytest.fixture
def home(ready: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(ready, tmp_path / "home"))


@pytest.fixture
def lakehouse(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    return in_process(home, monkeypatch, capsys)


def test_the_way_of_an_anonymization_from_dry_run_to_rollback(
    lakehouse: Command, home: Path
) -> None:
    before = lakehouse("query", "SELECT * EXCLUDE (_released) FROM orders ORDER BY id", "--json")
    tried = lakehouse("anonymize", "--dry-run", "orders", "--contract", NEW, "--by", "ada")
    assert tried.code == 0, tried.err
    assert "2 batches, 10 records" in tried.out
    assert MADE in tried.out
    assert "(not published)" in tried.out
    assert "made up for this dry run, others when applied: email" in tried.out
    assert "warning: tokenize of 'email': pseudonymous" in tried.out
    (one,) = lakehouse("anonymize", "orders", "--list", "--json").json
    name = one["id"]
    assert (one["stage"], one["version"], one["records"]) == ("dry run", NEW, 10)
    approve = ("anonymize", "orders", "--approve", name, "--why", "looked at it", "--by")
    assert "somebody else has to approve it" in lakehouse(*approve, "Ada").err
    assert f"--apply {name}" in lakehouse(*approve, "ben").out
    apply = ("anonymize", "orders", "--apply", name, "--by", "ada")
    early = lakehouse(*apply)
    assert (early.code, "is draft and not active" in early.err) == (1, True)
    with open_home(home) as opened:
        activate(opened)
    done = lakehouse(*apply, "--json")
    assert done.code == 0, done.err
    assert [state["anonymized_under"] for state in done.json["batches"]] == [NEW, NEW]
    assert lakehouse("verify").code == 0
    back = ("anonymize", "orders", "--rollback", name, "--by", "ben")
    assert "'why' is empty" in lakehouse(*back).err
    said = lakehouse(*back, "--why", "a mistake")
    assert said.code == 0, said.err
    assert f"{name} is rolled back by ben: a mistake" in said.out
    assert "The active version is still the same" in said.out
    assert f"anonymization {name} was rolled back: 1.0.0" in lakehouse("batches", "orders").out
    assert lakehouse("verify").code == 0
    again = ("contract", "activate", "orders", "1.0.0", "--breaking", "--by", "ben", "--why", "x")
    assert lakehouse(*again).code == 0
    assert lakehouse("verify").code == 0
    after = lakehouse("query", "SELECT * EXCLUDE (_released) FROM orders ORDER BY id", "--json")
    assert after.json == before.json
    assert "rolled back" in lakehouse("anonymize", "orders", "--list").out
    with open_home(home) as opened:
        assert len(told(opened)) == 4


def test_a_dry_run_of_named_batches_under_the_active_version_answers_in_json(
    lakehouse: Command,
) -> None:
    batches = [state["batch"] for state in lakehouse("batches", "orders", "--json").json]
    done = lakehouse("anonymize", "--dry-run", "orders", "--batch", batches[1], "--json")
    assert done.code == 0
    assert (done.json["batches"], done.json["records"]) == ([batches[1]], 4)
    assert {one["batch"] for one in done.json["sample"]} == {batches[1]}
    assert done.json["sample"][0]["before"]["email"].startswith(MADE)


def test_a_sample_is_printed_and_stands_nowhere_else(lakehouse: Command, home: Path) -> None:
    def places() -> dict[str, int]:
        found = search([home], MADE).found + search([home], "CanaryTel").found
        return {f"{one.path} {one.unpacked}": one.count for one in found}

    before = places()
    assert before
    assert lakehouse("anonymize", "--dry-run", "orders", "--contract", NEW).code == 0
    assert lakehouse("anonymize", "--dry-run", "orders", "--contract", NEW, "--json").code == 0
    assert places() == before
    assert not any("anonymizations" in place or "dagster" in place for place in before)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("orders",), "give one of --dry-run"),
        (("orders", "--dry-run", "--list"), "give one of --dry-run"),
        (("orders", "--list", "--contract", NEW), "go with --dry-run"),
        (("order", "--dry-run"), "Did you mean 'orders'?"),
        (("order", "--list"), "Did you mean 'orders'?"),
        (("orders", "--dry-run", "--contract", "9.0.0"), "has no version '9.0.0'"),
        (("orders", "--dry-run", "--batch", "x"), "has no batch 'x'"),
        (("orders", "--dry-run", "--by", " "), "'by' is empty"),
        (("orders", "--apply", "x", "--by", "ada"), "has no dry run 'x'"),
        (("orders", "--rollback", "x", "--by", "ada", "--why", "y"), "has no dry run 'x'"),
    ],
)
def test_a_call_that_lacks_something_says_so_and_changes_nothing(
    lakehouse: Command, home: Path, arguments: tuple[str, ...], said: str
) -> None:
    answer = lakehouse("anonymize", *arguments)
    assert (answer.code, said in " ".join(answer.err.split())) == (2, True), answer.err
    assert not list((home / "anonymizations").glob("*.json"))
