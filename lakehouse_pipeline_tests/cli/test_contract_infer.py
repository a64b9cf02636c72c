"""`lakehouse contract infer`, and the way from a CSV file to a registered contract."""

from pathlib import Path

import pytest

from lakehouse_pipeline.contracts.load import load_file, load_text
from lakehouse_pipeline_tests.cli.commands import Command

PEOPLE = "customer_id,email,city,spent\n" + "".join(
    f"{n},p{n}@example.org,{'Berlin' if n % 2 else 'Paris'},{n}.50\n" for n in range(1, 201)
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "people.csv"
    path.write_text(PEOPLE)
    return path


def test_the_draft_goes_to_standard_output_and_the_hint_to_standard_error(
    lakehouse: Command, file: Path
) -> None:
    answer = lakehouse("contract", "infer", file, "--dataset", "people")
    assert answer.code == 0
    assert answer.out.startswith("# A draft for a person to read")
    contract = load_text(answer.out, "draft.yaml")
    assert (contract.dataset, contract.version, contract.status) == ("people", "0.1.0", "draft")
    assert "save it to a file" in answer.err
    assert "lakehouse contract add FILE" in answer.err


def test_from_a_file_to_published_records(lakehouse: Command, file: Path, tmp_path: Path) -> None:
    draft = tmp_path / "people.yaml"
    answer = lakehouse("contract", "infer", file, "-d", "people", "-o", draft)
    assert (answer.code, answer.out) == (0, "")
    assert f"lakehouse contract lint {draft}" in answer.err
    assert "\nLooked at: all 200 records of 1 file, " in answer.err
    assert lakehouse("contract", "lint", draft).code == 0
    draft.write_text(draft.read_text().replace("status: draft", "status: active"))
    assert lakehouse("contract", "add", draft).code == 0
    approved = ("--by", "Sam Steward", "--why", "read with the team")
    assert lakehouse("contract", "approve", "people", *approved).code == 0
    (batch,) = lakehouse("ingest", file, "-d", "people", "--json").json["batches"]
    assert (batch["records"], batch["validated"]) == (200, 200)


def test_a_file_that_stands_there_is_kept_without_force(
    lakehouse: Command, file: Path, tmp_path: Path
) -> None:
    draft = tmp_path / "people.yaml"
    draft.write_text("mine")
    answer = lakehouse("contract", "infer", file, "-d", "people", "-o", draft)
    assert (answer.code, draft.read_text()) == (2, "mine")
    assert "a file stands there already" in answer.err
    assert "--force" in answer.err
    assert lakehouse("contract", "infer", file, "-d", "people", "-o", draft, "--force").code == 0
    assert load_file(draft).dataset == "people"


def test_the_facts_are_json_without_any_value(
    lakehouse: Command, file: Path, tmp_path: Path
) -> None:
    draft = tmp_path / "people.yaml"
    facts = lakehouse("contract", "infer", file, "-d", "people", "-o", draft, "--json").json
    assert (facts["accepted"], facts["quarantined"]) == (200, 0)
    assert facts["sample"] == {
        "files": 1,
        "bytes": len(PEOPLE),
        "sampled_bytes": len(PEOPLE),
        "records": 200,
        "whole": True,
        "spread": False,
    }
    email = facts["columns"][1]
    assert (email["name"], email["personal"], email["technique"]) == ("email", "email", "hash")
    assert (email["distinct"], email["empty"]) == (200, 0)
    assert facts["draft"] == draft.read_text()
    assert "@example.org" not in str(facts)


def test_the_bound_on_records_is_said(lakehouse: Command, tmp_path: Path) -> None:
    file = tmp_path / "many.csv"
    file.write_text("id,x\n" + "".join(f"{n},abc\n" for n in range(200_000)))
    answer = lakehouse("contract", "infer", file, "-d", "many", "--sample-records", "5000")
    assert answer.code == 0
    draft = tmp_path / "many.yaml"
    arguments = ("infer", file, "-d", "many", "--sample-records", "5000", "-o", draft)
    told = lakehouse("contract", *arguments).err
    said = answer.out.splitlines()[1]
    assert said == draft.read_text().splitlines()[1] == f"# {told.splitlines()[1]}"
    assert "of 1 file (the beginning); the rest was not read." in said
    assert int(said.split()[3].replace(",", "")) <= 5000


@pytest.mark.parametrize(
    ("content", "code", "message"),
    [
        (None, 2, "no such file or directory"),
        ("", 1, "the file is empty"),
        ("\x00\x01\x02" * 99, 1, "it is binary, not text"),
        ("Dear all,\nthis is no CSV,\nbut a letter, you see, and\nlong\n", 1, "no delimiter"),
    ],
)
def test_what_is_no_csv_file_is_one_message(
    lakehouse: Command, tmp_path: Path, content: str | None, code: int, message: str
) -> None:
    file = tmp_path / "input.csv"
    if content is not None:
        file.write_text(content)
    answer = lakehouse("contract", "infer", file, "-d", "x")
    assert (answer.code, answer.out) == (code, "")
    assert message in answer.err
    assert "Traceback" not in answer.err


def test_a_folder_and_a_wrong_name_are_one_message(
    lakehouse: Command, file: Path, tmp_path: Path
) -> None:
    assert "is a folder" in lakehouse("contract", "infer", tmp_path, "-d", "x").err
    answer = lakehouse("contract", "infer", file, "-d", "no-name")
    assert (answer.code, "dataset name 'no-name'" in answer.err) == (2, True)


def test_a_place_that_cannot_be_written_is_one_message(
    lakehouse: Command, file: Path, tmp_path: Path
) -> None:
    answer = lakehouse("contract", "infer", file, "-d", "x", "-o", tmp_path / "no" / "x.yaml")
    assert answer.code == 2
    assert "no such file or directory" in answer.err
