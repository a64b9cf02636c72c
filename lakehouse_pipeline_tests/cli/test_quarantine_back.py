import csv
import io
import time
from dataclasses import replace
from pathlib import Path

import pytest

from lakehouse_pipeline.lake.contract_store import ContractStore
from lakehouse_pipeline.names import Layer
from lakehouse_pipeline.orchestration.retention import apply_retention
from lakehouse_pipeline_tests.cli.commands import Command, in_process
from lakehouse_pipeline_tests.homes import (
    HEADER,
    Home,
    add_contract,
    contract_text,
    open_home,
    rows,
)

HEAD = "record,order_id,email,phone,amount,country\n"
Captured = pytest.CaptureFixture[str]
FIRST = ("--by", "Sam Steward", "--why", "checked with the supplier")


def batch_of(lakehouse: Command, name: str) -> str:
    return next(
        str(state["batch"])
        for state in lakehouse("batches", "orders", "--json").json
        if state["batch"].startswith(name)
    )


def exported(lakehouse: Command, batch: str) -> list[dict[str, str]]:
    text = lakehouse("quarantine", "export", "orders", "--batch", batch).out
    return list(csv.DictReader(io.StringIO(text)))


def sent_back(folder: Path, records: list[dict[str, str]]) -> Path:
    path = folder / "corrected.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(records[0]))
        writer.writeheader()
        writer.writerows(records)
    return path


def content(home: Path) -> dict[Layer, str]:
    with open_home(home) as opened:
        return opened.content()


def violations(home: Path) -> list[str]:
    with open_home(home) as opened:
        return [str(one) for one in opened.violations()]


def published(home: Path) -> list[tuple[int, bool]]:
    with open_home(home) as opened:
        sql = "SELECT _record, _released FROM t WHERE _batch_id LIKE 'a-%' ORDER BY _record"
        return opened.query(Layer.PUBLISHED, sql)


def test_corrected_records_join_their_batch_under_their_own_numbers(
    home: Path, lakehouse: Command, tmp_path: Path
) -> None:
    batch = batch_of(lakehouse, "a")
    records = exported(lakehouse, batch)
    numbers = [int(record["record"]) for record in records]
    assert numbers == [9, 10]
    records[0]["amount"] = "12.50"
    answer = lakehouse(
        "quarantine", "correct", "orders", batch, sent_back(tmp_path, records), "--json"
    )
    assert answer.code == 0, answer.err
    assert answer.json["corrected"] == 1
    assert (answer.json["unchanged"], answer.json["passed"]) == (1, 1)
    assert [number for number, _ in published(home)] == [1, 2, 3, 4, 5, 6, 7, 8, 9]
    assert violations(home) == []


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_a_spreadsheet_may_save_the_corrections_in_its_own_way(
    home: Path, lakehouse: Command, tmp_path: Path, delimiter: str
) -> None:
    batch, path = batch_of(lakehouse, "a"), tmp_path / "excel.csv"
    values = ["9", "9", "a@example.org", "+49, 1", "12.50", "DE"]
    lines = [delimiter.join(line) for line in (HEAD.strip().split(","), values)]
    path.write_bytes(b"\xef\xbb\xbf" + "".join(f"{line}\r\n" for line in lines).encode())
    answer = lakehouse("quarantine", "correct", "orders", batch, path, "--json")
    assert answer.code == 0, answer.err
    assert (answer.json["corrected"], answer.json["passed"]) == (1, 1)
    assert published(home)[-1] == (9, False)


def test_a_replay_keeps_corrections_and_releases_and_gives_the_same_layers(
    home: Path, lakehouse: Command, tmp_path: Path
) -> None:
    batch = batch_of(lakehouse, "a")
    records = exported(lakehouse, batch)
    records[0]["amount"] = "12.50"
    lakehouse("quarantine", "correct", "orders", batch, sent_back(tmp_path, records[:1]))
    released = lakehouse("quarantine", "release", "orders", batch, "--record", "10", *FIRST)
    assert released.code == 0, released.err
    assert published(home)[-2:] == [(9, False), (10, True)]
    before = content(home)
    assert lakehouse("replay", "orders", "--batch", batch).code == 0
    assert content(home) == before
    assert violations(home) == []


def test_releasing_a_rule_lets_every_record_that_breaks_it_pass(
    home: Path, lakehouse: Command
) -> None:
    batch = batch_of(lakehouse, "a")
    answer = lakehouse("quarantine", "release", "orders", batch, "--rule", "amount.minimum", *FIRST)
    assert answer.code == 0, answer.err
    assert published(home)[-2:] == [(9, True), (10, True)]
    assert exported(lakehouse, batch) == []
    assert violations(home) == []


def test_a_batch_that_the_gate_refused_is_published_when_it_is_released(
    home: Path, lakehouse: Command
) -> None:
    batch = batch_of(lakehouse, "b")
    empty = lakehouse("quarantine", "release", "orders", batch, "--rule", "", *FIRST)
    assert (empty.code, "for the rule ''" in empty.err) == (2, True), empty.err
    answer = lakehouse("quarantine", "release", "orders", batch, *FIRST, "--json")
    assert answer.code == 0, answer.err
    assert answer.json["batch"]["state"] == "published"
    assert answer.json["batch"]["published"] == 4
    assert lakehouse("replay", "orders", "--batch", batch).code == 0
    assert violations(home) == []


def test_a_held_batch_is_withdrawn_at_once_and_stays_so_until_it_is_released(
    home: Path, lakehouse: Command
) -> None:
    batch = batch_of(lakehouse, "a")
    held = lakehouse("quarantine", "hold", "orders", batch, *FIRST, "--json")
    assert held.json["batch"]["state"] == "refused"
    assert "Sam Steward" in held.json["batch"]["why"]
    assert published(home) == []
    assert lakehouse("replay", "orders", "--batch", batch).code == 1
    assert published(home) == []
    back = lakehouse("quarantine", "release", "orders", batch, *FIRST, "--json")
    assert back.json["batch"]["state"] == "published"
    assert len(published(home)) == 8
    assert violations(home) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--record", "1"), "record 1 is not in quarantine"),
        (("--rule", "amount.minimun"), "Did you mean 'amount.minimum'?"),
        ((), "not held back"),
    ],
)
def test_what_cannot_be_released_says_why_and_changes_nothing(
    home: Path, lakehouse: Command, arguments: tuple[str, ...], message: str
) -> None:
    batch, before = batch_of(lakehouse, "a"), content(home)
    answer = lakehouse("quarantine", "release", "orders", batch, *arguments, *FIRST)
    assert answer.code in (1, 2)
    assert message in answer.err.replace("\n", " ")
    assert content(home) == before


@pytest.mark.parametrize(
    ("record", "rule"),
    [
        (1, "order_id.type"),
        (2, "email.pattern"),
        (3, "email.required"),
        (4, "email_is_short"),
        (7, "primaryKey"),
        (6, "record.fields"),
    ],
)
def test_a_type_a_key_a_broken_line_and_personal_data_are_never_released(
    strict: Path, record: int, rule: str, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    lakehouse, before = in_process(strict, monkeypatch, capsys), content(strict)
    batch = batch_of(lakehouse, "a")
    for option, problem in (
        (("--record", record), f"record {record} breaks {rule}"),
        (("--rule", rule), f"no record may break {rule}"),
    ):
        answer = lakehouse("quarantine", "release", "orders", batch, *option, *FIRST)
        assert answer.code == 1
        assert answer.err.replace("\n", " ").strip() == (
            f"{batch}: nothing was released: {problem}. A broken line and rules of a type, of a "
            "key or of personal data are never released: correct the records with: "
            f"lakehouse quarantine correct orders {batch} FILE"
        )
    assert content(strict) == before


def test_a_rule_of_several_columns_shows_the_value_of_each(
    strict: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    lakehouse = in_process(strict, monkeypatch, capsys)
    shown = {
        reason["rule"]: reason["value"]
        for record in lakehouse("quarantine", "show", "orders", "--json").json["records"]
        for reason in record["reasons"]
    }
    assert shown["primaryKey"] == "order_id: '9', country: 'DE'"
    assert shown["email_is_short"] == "email: 'much-too-long@example.org', phone: ''"
    assert shown["order_id.type"] == "x"
    assert shown["record.fields"] == "6,f@x.org"


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a home whose records but the fifth each break a rule that is never released."""
    text = contract_text(
        percent=90,
        columns="    quality: [{type: custom, engine: lakehouse, name: email_is_short, "
        "implementation: \"length(email) < 20 OR coalesce(phone, '') = '1'\"}]\n",
    )
    text = text.replace(
        "required: true, unique: true}", "primaryKey: true, primaryKeyPosition: 1}"
    ).replace(
        "name: country, logicalType: string,",
        "name: country, logicalType: string, primaryKey: true, primaryKeyPosition: 2,",
    )
    lines = ("x,a@x.org,,1,DE", "2,b,,1,DE", "3,,,1,DE", "4,much-too-long@example.org,,1,DE")
    with open_home(tmp_path_factory.mktemp("strict") / "home", text) as opened:
        first = HEADER + "".join(f"{line}\n" for line in lines)
        opened.drop("a.csv", first + "9,e@x.org,,1,DE\n6,f@x.org\n9,e@x.org,,1,DE\n")
        opened.settle()
        return opened.settings.home


def test_a_batch_with_nothing_in_quarantine_has_nothing_to_correct_or_release(
    home: Path, lakehouse: Command, tmp_path: Path
) -> None:
    with open_home(home) as opened:
        opened.drop("clean.csv", rows(5, first=100))
        opened.settle()
    batch, path = batch_of(lakehouse, "clean"), tmp_path / "back.csv"
    path.write_text(f"{HEAD}1,100,a@example.org,+49 1,9.50,DE\n", "utf-8")
    for answer in (
        lakehouse("quarantine", "correct", "orders", batch, path),
        lakehouse("quarantine", "release", "orders", batch, "--record", "1", *FIRST),
    ):
        assert (answer.code, "record 1 is not in quarantine" in answer.err) == (1, True)


def test_warnings_stand_apart_from_each_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    rule = "type: custom, engine: lakehouse, severity: warning, implementation: amount > 100, name"
    quality = f"    quality: [{{{rule}: high}}, {{{rule}: higher}}]\n"
    with open_home(tmp_path / "home", contract_text(columns=quality)) as opened:
        opened.drop("a.csv", rows(2))
        opened.settle()
    lakehouse = in_process(tmp_path / "home", monkeypatch, capsys)
    (state,) = lakehouse("batches", "orders", "--json").json
    assert state["warning"] == "high: broken by 2 records; higher: broken by 2 records"


def test_a_warning_over_published_data_does_not_hide_those_over_the_batch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    quality = (
        "    quality:\n"
        "      - {type: custom, engine: lakehouse, severity: warning, name: high, "
        "implementation: amount > 100}\n"
        "      - {type: sql, name: all, query: SELECT count(*) FROM orders, mustBe: 9, "
        "severity: warning, customProperties: [{property: over, value: published}]}\n"
    )
    with open_home(tmp_path / "home", contract_text(columns=quality)) as opened:
        opened.drop("a.csv", rows(2))
        opened.settle()
    lakehouse = in_process(tmp_path / "home", monkeypatch, capsys)
    (state,) = lakehouse("batches", "orders", "--json").json
    assert state["warning"] == ("high: broken by 2 records; all: the batch has 2, expected 9")


def test_a_check_of_a_module_in_the_settings_judges_and_its_error_refuses_the_batch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    (tmp_path / "house_checks.py").write_text(CHECKS, "utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("LAKEHOUSE_CHECK_MODULES", "house_checks")
    rule = "type: custom, engine: pandera, name"
    quality = (
        f"    quality:\n      - {{{rule}: cheap, implementation: "
        "{check: costs_at_most, columns: [amount], arguments: {most: 50}}}\n"
        f"      - {{{rule}: mails, implementation: {{check: can_be_mailed, columns: [email]}}}}\n"
    )
    lakehouse = in_process(tmp_path / "home", monkeypatch, capsys)
    with open_home(tmp_path / "home", contract_text(columns=quality)):
        pass
    sent = {
        "good": rows(3).replace("9.50", "99", 1),
        "dear": rows(3, first=4).replace("9.50", "666", 1),
        "post": rows(3, first=7).replace("p8@", "unknown@"),
    }
    for name, text in sent.items():
        (tmp_path / f"{name}.csv").write_text(text, "utf-8")
        lakehouse("ingest", tmp_path / f"{name}.csv", "-d", "orders")
    states = {s["batch"].split("-")[0]: s for s in lakehouse("batches", "orders", "--json").json}
    assert (states["good"]["state"], states["good"]["rules"]) == ("published", {"cheap": 1})
    assert (states["dear"]["state"], states["post"]["state"]) == ("refused", "refused")
    assert "raised ValueError: 666.00 is beyond belief. Mend the check" in states["dear"]["why"]
    assert "raised ValueError: its message is withheld" in states["post"]["why"]
    with open_home(tmp_path / "home") as opened:
        assert b"unknown@example.org" not in opened.everything_recorded()


CHECKS = """\
import pandas as pd
from pandera.extensions import register_check_method


@register_check_method(statistics=["most"])
def costs_at_most(values: pd.Series, *, most: int) -> pd.Series:
    if values.max() > 500:
        raise ValueError(f"{values.max()} is beyond belief")
    return values <= most


@register_check_method()
def can_be_mailed(values: pd.Series) -> pd.Series:
    for value in values:
        if value.startswith("unknown"):
            raise ValueError(f"no mailbox {value}")
    return values.notna()
"""


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"{HEAD}1,1,a@example.org,+49 1,9.50,DE\n", "not in quar"),
        (f"{HEAD}x,1,a@example.org,+49 1,9.50,DE\n", "not a number"),
        ("record,order_id\n9,9\n", "no column 'email'"),
        (f"{HEAD}9.4,9,a@b.de,+49 1,9.50,DE\n", "not a number"),
        (f"{HEAD}9,9,a@b.de,+49 1,9.50,DE\n9,9,a@b.de,+49 1,9.50,DE\n", "stands there twice"),
        (f"{HEAD}9,9,a@b.de,+49 1,9.50,DE\n09,9,a@b.de,+49 1,8.50,DE\n", "stands there twice"),
        (HEAD, "no record of batch"),
        (HEAD.replace("record", "nr"), "a column 'nr' that no report has"),
        (f"{HEAD}9,9,ä@b.de,+49 1,9.50,DE\n".encode("cp1252"), "save it again as 'CSV UTF-8'"),
        (f"{HEAD}9,9,a@b.de,+49 1,9.50,DE\n".encode("utf-16"), "save it again as 'CSV UTF-8'"),
        (f"batch,{HEAD}x,9,9,a@b.de,+49 1,9.50,DE\n", "a batch that orders does not have"),
    ],
)
def test_a_correction_that_does_not_fit_says_why_and_changes_nothing(
    home: Path, lakehouse: Command, tmp_path: Path, text: str | bytes, message: str
) -> None:
    batch, before = batch_of(lakehouse, "a"), content(home)
    path = tmp_path / "back.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    answer = lakehouse("quarantine", "correct", "orders", batch, path)
    assert answer.code == 1
    assert message in answer.err.replace("\n", " ")
    assert "contract" not in answer.err
    assert content(home) == before


def test_records_of_another_batch_are_left_out_of_a_correction(
    home: Path, lakehouse: Command, tmp_path: Path
) -> None:
    first, second = batch_of(lakehouse, "a"), batch_of(lakehouse, "b")
    path = tmp_path / "all.csv"
    assert lakehouse("quarantine", "export", "orders", "-o", path).code == 0
    path.write_text(path.read_text("utf-8").replace(",-1,", ",12.50,"), "utf-8")
    answer = lakehouse("quarantine", "correct", "orders", first, path, "--json").json
    assert (answer["corrected"], answer["passed"], answer["elsewhere"]) == (2, 2, 6)
    assert [number for number, _ in published(home)] == list(range(1, 11))
    said = lakehouse("quarantine", "correct", "orders", second, path)
    assert "record 9 is not in quarantine" not in said.err
    assert "6 corrected, 0 unchanged, 6 passed; 2 of other batches left out" in said.out
    assert violations(home) == []


def test_a_batch_without_quarantined_records_is_held_and_released_too(
    home: Path, lakehouse: Command
) -> None:
    with open_home(home) as opened:
        opened.drop("clean.csv", rows(5, first=100))
        opened.settle()
    before, batch = content(home), batch_of(lakehouse, "clean")
    held = lakehouse("quarantine", "hold", "orders", batch, *FIRST, "--json")
    assert (held.code, held.json["batch"]["state"]) == (0, "refused")
    assert content(home) != before
    back = lakehouse("quarantine", "release", "orders", batch, *FIRST, "--json")
    assert (back.code, back.json["batch"]["published"]) == (0, 5)
    assert content(home) == before
    assert violations(home) == []


def test_records_that_are_older_than_a_column_are_exported_and_corrected(
    home: Path, lakehouse: Command, tmp_path: Path
) -> None:
    with open_home(home) as opened:
        added = "      - {name: pieces, logicalType: integer}\n"
        add_contract(opened.settings, contract_text("1.1.0", columns=added))
    batch = batch_of(lakehouse, "a")
    records = exported(lakehouse, batch)
    assert [record["pieces"] for record in records] == ["", ""]
    records[0] |= {"amount": "12.50", "pieces": "3"}
    answer = lakehouse(
        "quarantine", "correct", "orders", batch, sent_back(tmp_path, records), "--json"
    )
    assert (answer.code, answer.json["passed"]) == (0, 1), answer.err
    with open_home(home) as opened:
        sql = "SELECT pieces FROM t WHERE _batch_id LIKE 'a-%' AND _record IN (1, 9) ORDER BY 1"
        assert opened.query(Layer.PUBLISHED, sql) == [(3,), (None,)]
    assert violations(home) == []


def test_a_value_unique_in_the_dataset_is_not_let_in_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    scope = "unique: true, customProperties: [{property: uniqueScope, value: dataset}]}"
    text = contract_text().replace("unique: true}", scope)
    with open_home(tmp_path / "home", text) as opened:
        opened.drop("a.csv", rows(2))
        opened.settle()
        opened.drop("b.csv", rows(2, first=2))
        opened.settle()
    lakehouse = in_process(tmp_path / "home", monkeypatch, capsys)
    before = content(tmp_path / "home")
    answer = lakehouse(
        "quarantine", "release", "orders", batch_of(lakehouse, "b"), "--record", "1", *FIRST
    )
    assert (answer.code, "record 1 breaks order_id.unique" in answer.err) == (1, True)
    assert lakehouse("replay", "orders").code == 0
    assert content(tmp_path / "home") == before


@pytest.mark.parametrize(("percent", "first"), [(50, rows(3)), (20, rows(4, broken=1))])
def test_a_batch_that_comes_back_leaves_out_what_another_has_published_since(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    percent: int,
    first: str,
) -> None:
    scope = "unique: true, customProperties: [{property: uniqueScope, value: dataset}]}"
    text = contract_text(percent=percent).replace("unique: true}", scope)
    with open_home(tmp_path / "home", text) as opened:
        opened.drop("a.csv", first)
        opened.settle()
    lakehouse = in_process(tmp_path / "home", monkeypatch, capsys)
    batch = batch_of(lakehouse, "a")
    if percent == 50:
        lakehouse("quarantine", "hold", "orders", batch, *FIRST)
    (tmp_path / "b.csv").write_text(rows(2, first=3))
    assert lakehouse("ingest", tmp_path / "b.csv", "-d", "orders").code == 0
    assert published(tmp_path / "home") == []
    released = lakehouse("quarantine", "release", "orders", batch, *FIRST, "--json")
    assert released.code == 0
    assert "order_id.unique" in released.json["batch"]["rules"]
    with open_home(tmp_path / "home") as opened:
        sql = "SELECT order_id FROM t ORDER BY _batch_id, order_id"
        assert opened.query(Layer.PUBLISHED, sql) == [(1,), (2,), (3,), (4,)]
    assert violations(tmp_path / "home") == []
    before = content(tmp_path / "home")
    assert lakehouse("replay", "orders").code == 0
    assert content(tmp_path / "home") == before


def test_a_correction_of_another_batch_alone_changes_nothing(
    home: Path, lakehouse: Command, tmp_path: Path
) -> None:
    first, second, path = batch_of(lakehouse, "a"), batch_of(lakehouse, "b"), tmp_path / "b.csv"
    lakehouse("quarantine", "export", "orders", "--batch", second, "-o", path)
    path.write_text(path.read_text("utf-8").replace(",-1,", ",12.50,"), "utf-8")
    before = content(home)
    answer = lakehouse("quarantine", "correct", "orders", first, path)
    assert (answer.code, f"no record of batch {first}" in answer.err) == (1, True)
    assert content(home) == before


def test_a_broken_line_is_corrected_in_its_columns_and_not_in_its_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with open_home(tmp_path / "home", contract_text(percent=90)) as opened:
        opened.drop("a.csv", rows(2) + "3,a@b.de,9.50,DE\n")
        opened.settle()
    lakehouse = in_process(tmp_path / "home", monkeypatch, capsys)
    batch = batch_of(lakehouse, "a")
    (record,) = exported(lakehouse, batch)
    assert record["text"] == "3,a@b.de,9.50,DE"
    before = content(tmp_path / "home")
    changed = record | {"text": "3,a@b.de,+49 3,9.50,DE"}
    refused = lakehouse("quarantine", "correct", "orders", batch, sent_back(tmp_path, [changed]))
    assert refused.code == 1
    assert "record 3 was changed in 'text'" in refused.err
    assert "a@b.de" not in refused.err
    assert content(tmp_path / "home") == before
    values = {"order_id": "3", "email": "a@b.de", "phone": "+49 3", "amount": "9.50"}
    written = changed | values | {"country": "DE"}
    taken = lakehouse("quarantine", "correct", "orders", batch, sent_back(tmp_path, [written]))
    assert "1 corrected, 0 unchanged, 1 passed" in taken.out


@pytest.mark.parametrize("word", ["by", "why"])
@pytest.mark.parametrize("step", ["hold", "release"])
def test_a_decision_without_who_or_why_is_none(
    home: Path, lakehouse: Command, step: str, word: str
) -> None:
    batch, before = batch_of(lakehouse, "a"), content(home)
    records = ("--record", "9") if step == "release" else ()
    answer = lakehouse("quarantine", step, "orders", batch, *records, *FIRST, f"--{word}", " ")
    assert (answer.code, f"'{word}' is empty" in answer.err) == (2, True)
    assert content(home) == before


@pytest.mark.parametrize("command", ["show", "export"])
def test_a_batch_that_is_none_has_nothing_in_quarantine_to_show(
    lakehouse: Command, tmp_path: Path, command: str
) -> None:
    output = ("-o", tmp_path / "x.csv") if command == "export" else ()
    answer = lakehouse("quarantine", command, "orders", "--batch", "nope", *output)
    assert (answer.code, "has no batch 'nope'" in answer.err) == (2, True)
    assert not (tmp_path / "x.csv").exists()


def test_a_report_that_cannot_be_written_says_so(lakehouse: Command, tmp_path: Path) -> None:
    missing = lakehouse("quarantine", "export", "orders", "-o", tmp_path / "no" / "x.csv")
    folder = lakehouse("quarantine", "export", "orders", "-o", tmp_path)
    assert (missing.code, "no such file or directory. Give" in missing.err) == (2, True)
    assert (folder.code, "is a directory. Give" in folder.err) == (2, True)


def test_a_repeat_is_freed_when_the_record_it_repeats_is_corrected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "home"
    text = (
        rows(10)
        .replace("\n9,", "\n3,")
        .replace("\n3,p3@example.org,+49 0000003,9.50", "\n3,p3@example.org,+49 0000003,-1")
    )
    with open_home(folder, contract_text(percent=90)) as opened:
        opened.drop("a.csv", text)
        opened.settle()
    lakehouse = in_process(folder, monkeypatch, capsys)
    batch = batch_of(lakehouse, "a")
    records = exported(lakehouse, batch)
    assert [record["record"] for record in records] == ["3", "9"]
    records[0] |= {"order_id": "300", "amount": "9.50"}
    lakehouse("quarantine", "correct", "orders", batch, sent_back(tmp_path, records[:1]))
    assert [number for number, _ in published(folder)] == list(range(1, 11))
    before = content(folder)
    assert lakehouse("replay", "orders").code == 0
    assert content(folder) == before


def test_the_history_of_a_record_tells_every_step_of_everyone(
    lakehouse: Command, tmp_path: Path
) -> None:
    batch = batch_of(lakehouse, "a")
    records = exported(lakehouse, batch)
    records[0]["amount"] = "-2"
    lakehouse("quarantine", "correct", "orders", batch, sent_back(tmp_path, records[:1]))
    lakehouse("quarantine", "release", "orders", batch, "--record", "9", *FIRST)
    history = lakehouse("record", "orders", batch, "9", "--json").json
    assert history["delivered"]["amount"] == "-1"
    assert history["layers"] == ["raw", "validated", "anonymized", "published"]
    assert history["released"] is True
    assert [step["what"] for step in history["steps"]] == [
        "judged under orders 1.0.0: in quarantine for amount.minimum",
        "corrected by corrected.csv: amount: '-1' to '-2'",
        "judged under orders 1.0.0: in quarantine for amount.minimum",
        "released from amount.minimum",
        "judged under orders 1.0.0: not in quarantine",
    ]
    assert history["steps"][3]["by"] == "Sam Steward"
    assert "now in: raw, validated" in lakehouse("record", "orders", batch, "9").out
    missing = lakehouse("record", "orders", batch, "11")
    assert (missing.code, "from 1 to 10" in missing.err) == (2, True)


def test_the_reasons_are_told_in_german_too(lakehouse: Command) -> None:
    batch = batch_of(lakehouse, "a")
    text = lakehouse("quarantine", "export", "orders", "--batch", batch, "--lang", "de").out
    assert "amount muss mindestens 0 sein." in text


def test_each_decision_leaves_its_event(home: Path, lakehouse: Command) -> None:
    batch = batch_of(lakehouse, "a")
    lakehouse("quarantine", "release", "orders", batch, "--rule", "amount.minimum", *FIRST)
    lakehouse("quarantine", "hold", "orders", batch, *FIRST)
    with open_home(home) as opened:
        events = said(opened)
    assert events == ["QuarantineReleased", "BatchQuarantined"]


def said(home: Home) -> list[str]:
    found = home.events(Layer.QUARANTINED)
    assert {event["actor"] for event in found} == {"Sam Steward"}
    assert {event["why"] for event in found} == {"checked with the supplier"}
    return [str(event["lakehouse/event"]) for event in found]


def test_corrections_and_releases_leave_with_raw_when_their_time_is_up(
    home: Path, lakehouse: Command
) -> None:
    batch = batch_of(lakehouse, "a")
    lakehouse("quarantine", "release", "orders", batch, "--rule", "amount.minimum", *FIRST)
    with open_home(home) as opened:
        contract = replace(
            ContractStore(opened.settings.contracts).active("orders"), retention={"raw": 1.0}
        )
        later = time.time() + 2 * 86_400
        removed = list(apply_retention(opened.instance, opened.settings, contract, later, "night"))
        assert {one.layer for one in removed} == {"raw", "releases"}
        assert opened.violations() == []
    assert not list(home.glob(f"lake/orders/releases/_batch_id={batch}"))


def take_out_of_raw(home: Path) -> None:
    """Let retention take everything out of raw and landing."""
    with open_home(home) as opened:
        active = ContractStore(opened.settings.contracts).active("orders")
        contract = replace(active, retention={"raw": 1.0, "landing": 1.0})
        later = time.time() + 2 * 86_400
        assert list(apply_retention(opened.instance, opened.settings, contract, later, "night"))


def test_what_retention_left_nothing_of_to_judge_stays_as_it_is(
    home: Path, lakehouse: Command, tmp_path: Path
) -> None:
    batch = batch_of(lakehouse, "a")
    path = sent_back(tmp_path, [{**exported(lakehouse, batch)[0], "amount": "12.50"}])
    take_out_of_raw(home)
    before = content(home)
    for answer in (
        lakehouse("quarantine", "correct", "orders", batch, path),
        lakehouse("quarantine", "release", "orders", batch, "--record", "9", *FIRST),
        lakehouse("quarantine", "release", "orders", batch, "--rule", "amount.minimum", *FIRST),
    ):
        assert answer.code == 1
        assert "its records left raw by retention" in answer.err.replace("\n", " ")
    assert content(home) == before
    assert violations(home) == []


def test_a_batch_that_left_raw_is_still_withdrawn_at_once(home: Path, lakehouse: Command) -> None:
    batch = batch_of(lakehouse, "a")
    take_out_of_raw(home)
    held = lakehouse("quarantine", "hold", "orders", batch, *FIRST, "--json")
    assert (held.code, held.json["batch"]["state"]) == (0, "refused")
    assert (held.json["batch"]["validated"], published(home)) == (8, [])
    assert violations(home) == []
