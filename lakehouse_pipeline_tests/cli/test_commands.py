import csv
import subprocess
import sys
from pathlib import Path

import pytest

from lakehouse_pipeline_tests.cli.commands import Command, in_process
from lakehouse_pipeline_tests.homes import AMOUNT, HEADER, contract_text, open_home, rows


def batch_of(lakehouse: Command, stem: str) -> str:
    found = [s["batch"] for s in lakehouse("batches", "orders", "--json").json]
    return str(next(batch for batch in found if batch.startswith(f"{stem}-")))


def test_status_counts_batches_and_records_per_dataset(lakehouse: Command, home: Path) -> None:
    shown = lakehouse("status")
    assert shown.code == 0
    assert "1 published, 1 refused" in shown.out
    assert f"home: {home}" in shown.out
    assert "UI: not running; start it with: lakehouse up" in shown.out
    assert lakehouse("status", "--json").json == {
        "ui": None,
        "datasets": [
            {
                "dataset": "orders",
                "contract": "1.0.0",
                "contract_state": "active",
                "batches": 2,
                "records": 20,
                "validated": 12,
                "quarantined": 8,
                "published": 8,
                "fresh": "",
                "states": "1 published, 1 refused",
            }
        ],
        "refused": [],
        "ignored": [],
        "without_version": [],
    }


def test_status_names_files_that_will_never_be_read(lakehouse: Command, home: Path) -> None:
    (home / "landing" / "orders" / "may.xlsx").write_text("x")
    (home / "landing" / "orders" / "june.csv.part").write_text("x")
    (home / "landing" / "order").mkdir()
    (home / "landing" / "july.csv").write_text("x")
    landing = home / "landing"
    expected = [
        f"{landing}/orders/may.xlsx: not a .csv, .tsv or .txt file, plain, .gz or .zst",
        f"{landing}/july.csv: no dataset of this name",
        f"{landing}/order: no dataset of this name",
    ]
    assert lakehouse("status", "--json").json["ignored"] == expected
    shown = lakehouse("status").out
    assert all(f"ignored: {line}" in shown for line in expected)


def test_batches_shows_every_batch_and_why_one_was_refused(lakehouse: Command) -> None:
    shown = lakehouse("batches", "orders")
    assert shown.code == 0
    assert "orders: 2 batches" in shown.out
    assert "refused: maxQuarantinedPercent: 6 of 10 records (60.00 %) are quarantined" in shown.out
    first, second = lakehouse("batches", "orders", "--json").json
    assert (first["state"], first["records"], first["published"]) == ("published", 10, 8)
    assert (second["state"], second["published"], second["rules"]) == (
        "refused",
        None,
        {"amount.minimum": 6},
    )


def test_ingest_publishes_a_file_and_exits_with_0(lakehouse: Command, tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text(rows(5, first=30))
    (tmp_path / "d.csv").write_text(rows(6, first=40))
    shown = lakehouse("ingest", tmp_path / "c.csv", tmp_path / "d.csv", "-d", "orders")
    assert (shown.code, shown.err) == (0, "")
    assert "published" in shown.out
    again = lakehouse("ingest", tmp_path / "c.csv", "--dataset", "orders", "--json")
    assert again.code == 0
    assert [state["published"] for state in again.json["batches"]] == [5]
    assert again.json["known"] == [batch_of(lakehouse, "c")]
    shown = lakehouse("ingest", tmp_path / "c.csv", "-d", "orders")
    assert "this content was taken before; it was not read again" in shown.out


def test_ingest_exits_with_1_when_a_batch_is_refused(lakehouse: Command, tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text(rows(5, broken=4))
    shown = lakehouse("ingest", tmp_path / "c.csv", "-d", "orders")
    assert shown.code == 1
    assert "4 of 5 records (80.00 %) are quarantined, the contract allows 50 %" in shown.out


def test_ingest_of_a_file_with_a_wrong_header_says_what_it_found(
    lakehouse: Command, tmp_path: Path
) -> None:
    (tmp_path / "c.csv").write_text("order_id,mail,phone,amount,country\n1,a@b,,1,DE\n")
    answer = lakehouse("ingest", tmp_path / "c.csv", "-d", "orders", "--json")
    assert answer.code == 1
    (state,) = answer.json["batches"]
    assert (state["state"], state["records"]) == ("refused", None)
    assert "column 'email' is missing (is it 'mail'?)" in state["why"]


def test_new_content_under_a_name_that_is_taken_is_a_new_batch(
    lakehouse: Command, tmp_path: Path
) -> None:
    (tmp_path / "a.csv").write_text(rows(3, first=50))
    answer = lakehouse("ingest", tmp_path / "a.csv", "-d", "orders", "--json")
    assert answer.code == 0
    assert [state["published"] for state in answer.json["batches"]] == [3]
    assert len(lakehouse("batches", "orders", "--json").json) == 3
    assert lakehouse("verify").code == 0


def test_quarantine_shows_rules_and_records(lakehouse: Command) -> None:
    batch = batch_of(lakehouse, "a")
    shown = lakehouse("quarantine", "show", "orders", "--batch", batch)
    assert shown.code == 0
    assert "amount.minimum" in shown.out
    assert "amount must be at least 0" in shown.out
    answer = lakehouse("quarantine", "show", "orders", "--batch", batch, "--json").json
    assert answer["rules"] == {"amount.minimum": 2}
    assert [record["record"] for record in answer["records"]] == [9, 10]
    assert answer["records"][0]["values"]["amount"] == "-1"
    limited = lakehouse("quarantine", "show", "orders", "--limit", 1, "--json").json
    assert (limited["rules"], len(limited["records"])) == ({"amount.minimum": 8}, 1)


def test_quarantine_exports_a_csv_with_reasons_a_supplier_can_read(
    lakehouse: Command, tmp_path: Path
) -> None:
    file = tmp_path / "out.csv"
    assert lakehouse("quarantine", "export", "orders", "-o", file).out == f"8 records in {file}\n"
    answer = lakehouse("quarantine", "export", "orders", "-o", file, "--json").json
    assert answer == {"records": 8, "file": str(file)}
    with file.open(newline="") as lines:
        first = next(csv.DictReader(lines))
    assert first["record"] == "9"
    assert first["reasons"] == "amount must be at least 0."
    assert (first["email"], first["amount"]) == ("p9@example.org", "-1")


def test_export_to_standard_output_appends_where_the_shell_says_so(
    lakehouse: Command, tmp_path: Path
) -> None:
    report = tmp_path / "report.csv"
    report.write_text("kept\n")
    code = "from lakehouse_pipeline.cli.main import main; main()"
    with report.open("ab") as out:
        subprocess.run(
            [sys.executable, "-c", code, "quarantine", "export", "orders"],
            stdout=out,
            check=True,
        )
    lines = report.read_text().splitlines()
    assert lines[0] == "kept"
    assert lines[1].startswith("batch,record,reasons,order_id")
    assert len(lines) == 10
    assert len(lakehouse("quarantine", "export", "orders", "--json").json) == 8


def test_replay_judges_anew_under_the_contract_as_it_is_now(
    lakehouse: Command, tmp_path: Path
) -> None:
    assert lakehouse("replay", "orders").code == 1
    contract = tmp_path / "next.yaml"
    contract.write_text(contract_text("1.1.0", amount=AMOUNT.replace("minimum: 0", "minimum: -9")))
    assert lakehouse("contract", "add", contract).code == 0
    by = ("--by", "eve", "--why", "agreed")
    assert lakehouse("contract", "approve", "orders", *by).code == 0
    assert lakehouse("contract", "activate", "orders", "--breaking", *by).code == 0
    batch = batch_of(lakehouse, "b")
    answer = lakehouse("replay", "orders", "--batch", batch, "--json")
    assert answer.code == 0
    assert [(s["batch"], s["published"]) for s in answer.json] == [(batch, 10)]
    shown = lakehouse("replay", "orders", "--from", "raw")
    assert (shown.code, shown.out.count("published ")) == (0, 3)


def test_query_reads_published_and_with_all_layers_the_others_too(lakehouse: Command) -> None:
    answer = lakehouse("query", "SELECT count(*) AS n FROM orders.published", "--json")
    assert (answer.code, answer.json) == (0, [{"n": 8}])
    by_country = "SELECT country, count(*) AS n FROM orders.raw GROUP BY ALL"
    shown = lakehouse("query", by_country, "--all-layers")
    assert [word for word in shown.out.split() if "─" not in word] == ["country", "n", "DE", "20"]


def test_verify_counts_what_it_looked_at(lakehouse: Command) -> None:
    assert lakehouse("verify").out == "2 batches, 20 records, 0 violations\n"
    assert lakehouse("verify", "orders", "--json").json == {
        "batches": 2,
        "records": 20,
        "violations": [],
    }


def test_verify_names_a_lost_file_of_a_table_and_exits_with_1(
    lakehouse: Command, home: Path
) -> None:
    (part,) = (home / "lake" / "orders" / "published").rglob("part-*.parquet")
    (other,) = (home / "lake" / "orders" / "quarantined").rglob("_batch_id=a-*/part-*.parquet")
    assert part.exists()
    other.write_bytes(
        next((home / "lake/orders/quarantined").rglob("_batch_id=b-*/part-*.parquet")).read_bytes()
    )
    answer = lakehouse("verify", "--json")
    assert answer.code == 1
    assert {v["invariant"] for v in answer.json["violations"]} >= {1}
    assert "raw and validated + quarantined differ" in lakehouse("verify").out


def test_contract_add_registers_a_dataset(lakehouse: Command, home: Path, tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text(contract_text(dataset="refunds"))
    shown = lakehouse("contract", "add", tmp_path / "c.yaml", "--by", "ada")
    command = "lakehouse contract approve refunds 1.0.0 --by NAME --why TEXT"
    assert shown.out == (
        f"refunds 1.0.0 is registered. Drop files into {home / 'landing' / 'refunds'}\n"
        f"It is not active yet: {command}\n"
    )
    answer = lakehouse("contract", "add", tmp_path / "c.yaml", "--json").json
    named = {"dataset": "refunds", "version": "1.0.0"}
    assert answer == {**named, "state": "draft", "next": command}


def test_contract_lint_reports_every_problem_with_its_place(
    lakehouse: Command, tmp_path: Path
) -> None:
    file = tmp_path / "c.yaml"
    file.write_text(contract_text().replace("logicalType: integer", "logicalTipe: integer"))
    shown = lakehouse("contract", "lint", file)
    assert shown.code == 1
    assert f"{file}:15:26: " in shown.out
    assert "Did you mean 'logicalType'?" in shown.out
    missing, problem = lakehouse("contract", "lint", file, "--json").json
    assert "needs a 'logicalType'" in missing["message"]
    assert (problem["path"], problem["line"], problem["column"]) == (str(file), 15, 26)
    sound = lakehouse("contract", "lint")
    assert (sound.code, sound.out) == (0, "1 contract, 0 problems\n")


@pytest.mark.parametrize("command", ["quarantine show", "quarantine export", "batches", "replay"])
def test_a_dataset_without_batches_is_no_error(
    lakehouse: Command, tmp_path: Path, command: str
) -> None:
    (tmp_path / "c.yaml").write_text(contract_text(dataset="refunds"))
    lakehouse("contract", "add", tmp_path / "c.yaml")
    lakehouse("contract", "approve", "refunds", "--by", "eve", "--why", "agreed")
    options = ["-o", tmp_path / "out.csv"] if "export" in command else []
    answer = lakehouse(*command.split(), "refunds", *options)
    assert (answer.code, answer.err) == (0, "")
    if options:
        assert (tmp_path / "out.csv").read_text() == f"batch,record,reasons,{HEADER.strip()},text\n"


def test_a_rule_that_only_warns_is_told_beside_the_published_batch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "warned"
    warns = "    quality:\n      - {name: many, metric: rowCount, type: library, "
    warns += "mustBeGreaterThan: 5, severity: warning}\n"
    with open_home(folder, contract_text() + warns) as opened:
        opened.drop("few.csv", rows(3))
        opened.settle()
    lakehouse = in_process(folder, monkeypatch, capsys)
    (state,) = lakehouse("batches", "orders", "--json").json
    said = "many: the batch has 3 records, expected more than 5"
    assert (state["state"], state["why"], state["warning"]) == ("published", "", said)
    assert f"warning: {said}" in lakehouse("batches", "orders").out.replace("\n", " ")
