"""`lakehouse contract compare`, called as a person does."""

from pathlib import Path

import pytest

from lakehouse_pipeline.lake.contract_store import ContractStore
from lakehouse_pipeline.settings import Settings
from lakehouse_pipeline_tests.cli.commands import Command, in_process
from lakehouse_pipeline_tests.homes import AMOUNT, contract_text

CITY = "      - {name: city, logicalType: string}\n"
WIDER = AMOUNT.replace("DECIMAL(10,2)", "DECIMAL(12,2)")


@pytest.fixture
def compare(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    """Return the command on a home with two registered versions, 1.0.0 and 1.1.0."""
    monkeypatch.chdir(tmp_path)
    store = ContractStore(Settings(home=tmp_path / "home").contracts)
    for version, columns in (("1.0.0", ""), ("1.1.0", CITY)):
        store.add(write(tmp_path, f"{version}.yaml", contract_text(version, columns=columns)))
    command = in_process(tmp_path / "home", monkeypatch, capsys)
    return lambda *arguments: command("contract", "compare", *arguments)


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, "utf-8")
    return path


def test_registered_versions_are_compared_by_name(compare: Command) -> None:
    answer = compare("orders@1.0.0", "orders@1.1.0")
    assert (answer.code, answer.err) == (0, "")
    assert "orders 1.0.0 → 1.1.0: 1 compatible." in answer.out
    assert "The next version is 1.1.0 or above." in answer.out
    assert "evolves: column 'city'. Older batches hold null in it" in answer.out


def test_a_dataset_alone_is_the_version_batches_are_processed_under(
    compare: Command, tmp_path: Path
) -> None:
    new = write(tmp_path, "new.yaml", contract_text("1.2.0", columns=CITY, amount=WIDER))
    answer = compare("orders", new)
    assert answer.code == 0
    assert "orders 1.1.0 → 1.2.0: 1 compatible." in answer.out
    assert "evolves: column 'amount'. The next batch rewrites older ones" in answer.out


def test_breaking_changes_come_first_and_a_version_too_small_ends_with_1(
    compare: Command, tmp_path: Path
) -> None:
    text = contract_text("1.1.0", columns=CITY, percent=60)
    answer = compare("orders@1.0.0", write(tmp_path, "new.yaml", text))
    assert answer.code == 1
    assert answer.out.index("breaking\n") < answer.out.index("compatible\n")
    assert "Batches pass with at most 60 % quarantined, not 50 %." in answer.out
    assert "loosened" in answer.out
    assert "Replay with: lakehouse replay orders" in answer.out
    assert answer.err.strip() == (
        "version 1.1.0 is too small for breaking changes to 1.0.0: set 'version: 2.0.0'."
    )


def test_words_only_need_a_patch_and_leave_the_tables(compare: Command, tmp_path: Path) -> None:
    text = contract_text("1.0.1").replace("status: active", "status: active\ntags: [sales]")
    answer = compare("orders@1.0.0", write(tmp_path, "new.yaml", text))
    assert answer.code == 0
    assert "documentation\n" in answer.out
    assert "The next version is 1.0.1 or above." in answer.out
    assert "The tables stay as they are." in answer.out


def test_the_same_content_is_no_change(compare: Command, tmp_path: Path) -> None:
    answer = compare("orders@1.0.0", write(tmp_path, "new.yaml", contract_text("1.0.0")))
    assert (answer.code, answer.out.strip()) == (0, "orders 1.0.0 → 1.0.0: no change.")


def test_an_earlier_version_of_the_same_content_is_refused(
    compare: Command, tmp_path: Path
) -> None:
    answer = compare("orders@1.0.0", write(tmp_path, "new.yaml", contract_text("0.9.0")))
    assert answer.code == 1
    assert "version 0.9.0 comes before 1.0.0, although nothing is changed." in answer.err


def test_json_has_every_fact(compare: Command, tmp_path: Path) -> None:
    new = write(tmp_path, "new.yaml", contract_text("1.1.1", amount=WIDER))
    answer = compare("orders", new, "--json")
    assert (answer.code, answer.err) == (1, "")
    assert {key: value for key, value in answer.json.items() if key != "changes"} == {
        "dataset": "orders",
        "old": "1.1.0",
        "new": "1.1.1",
        "next_version": "2.0.0",
        "is_enough": False,
    }
    removed, widened = answer.json["changes"]
    assert removed == {
        "where": "column 'city'",
        "what": "The column is removed; files must not name it.",
        "kind": "breaking",
        "promise": "columns",
        "direction": "changed",
        "breaks": ["consumers"],
        "effect": "replay",
        "tables": "Older batches keep it until they are replayed, newer ones hold null.",
    }
    assert (widened["kind"], widened["effect"]) == ("compatible", "evolves")


@pytest.mark.parametrize(
    ("named", "message"),
    [
        ("ordres", "'ordres' is neither a file nor a registered dataset. Did you mean 'orders'?"),
        ("ordres@1.0.0", "is neither a file nor a registered dataset. Did you mean 'orders'?"),
        ("orders@1.0.1", "dataset 'orders' has no version '1.0.1'. Did you mean '1.0.0'?"),
        ("orders@", "dataset 'orders' has no version ''. Registered: 1.0.0, 1.1.0."),
        ("missing.yaml", "missing.yaml: No such file or directory"),
        ("other.yaml", "the contracts describe two datasets, 'orders' and 'other'"),
    ],
)
def test_what_cannot_be_compared_is_an_error_of_the_call(
    compare: Command, tmp_path: Path, named: str, message: str
) -> None:
    write(tmp_path, "other.yaml", contract_text(dataset="other"))
    answer = compare("orders", named)
    assert answer.code == 2
    assert message in answer.err


def test_a_file_that_is_no_contract_says_every_problem(compare: Command, tmp_path: Path) -> None:
    text = contract_text().replace("status: active", "status: activ")
    answer = compare("orders", write(tmp_path, "bad.yaml", text))
    assert answer.code == 1
    assert "bad.yaml:6:9: status 'activ' is not known. Did you mean 'active'?" in answer.err
