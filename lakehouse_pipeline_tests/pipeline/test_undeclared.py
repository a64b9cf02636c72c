"""Personal data that nobody declared: found by value and by name, never quoted."""

import time
from pathlib import Path

import duckdb
import pytest
from stdnum import luhn
from stdnum.de import idnr

from lakehouse_pipeline.contracts.infer.undeclared import FORMS, SCANNED
from lakehouse_pipeline.contracts.model import Contract
from lakehouse_pipeline.layers.undeclared import sampled
from lakehouse_pipeline.names import Layer
from lakehouse_pipeline.pipeline.outcomes import BatchRefused, BatchWarned, LayerWritten
from lakehouse_pipeline_tests.contracts.contract_text import contract_of, custom, messages_of
from lakehouse_pipeline_tests.contracts.contract_text import contract_text as text_of
from lakehouse_pipeline_tests.pipelines import drop, records, take

NOT_PERSONAL = "customProperties: [{property: notPersonal, value: {reason: shops}}]"
CARDS = [n + luhn.calc_check_digit(n) for n in (f"41111111111{i:04}" for i in range(9))]


def contract(compliance: str, kind: str = "string", more: str = "", name: str = "note") -> Contract:
    columns = (
        "      - {name: id, logicalType: integer}\n"
        f"      - {{name: {name}, logicalType: {kind}{more}}}\n"
    )
    return contract_of(columns, top=custom("compliance", compliance))


def found(tmp_path: Path, one: Contract, values: list[str]) -> list[str]:
    """Return what is said of a batch with these values."""
    name = one.columns[1].name
    text = f"id,{name}\n" + "".join(f"{n},{value}\n" for n, value in enumerate(values))
    outcomes = take(tmp_path, one, [drop(tmp_path, one, "a.csv", text)])
    said = [o.warnings for o in outcomes if isinstance(o, BatchWarned)]
    said += [o.reasons for o in outcomes if isinstance(o, BatchRefused)]
    return [sentence for one in said for sentence in one]


def test_under_gdpr_one_address_in_a_note_refuses_the_batch(tmp_path: Path) -> None:
    one = contract("gdpr")
    (said,) = found(tmp_path, one, ["nothing", "write to ann@shop.example.org!", ""])
    assert said == (
        "undeclared personal data: column 'note' holds e-mail addresses in 1 records; mark it with "
        "'classification: personal' and a technique, or say why it is not with the custom property "
        "notPersonal: {reason: ...}."
    )
    assert records(tmp_path, one, Layer.PUBLISHED) == []


@pytest.mark.parametrize("level", ["gdpr", "strict"])
def test_a_find_refuses_its_own_batch_and_no_other(tmp_path: Path, level: str) -> None:
    columns = (
        "      - {name: id, logicalType: integer}\n      - {name: note, logicalType: string}\n"
    )
    promise = "{quasiIdentifiers: [note], k: 2, sensitive: [], below: suppress}"
    privacy = f"{{property: privacy, value: {promise}}}"
    top = f"customProperties: [{{property: compliance, value: {level}}}, {privacy}]\n"
    one = contract_of(columns, top=top)
    files = {"a.csv": "id,note\n1,x\n2,x\n", "b.csv": "id,note\n3,ann@shop.example.org\n"}
    sound, other = (drop(tmp_path, one, name, text) for name, text in files.items())
    outcomes = take(tmp_path, one, [sound, other])
    assert [o.batch for o in outcomes if isinstance(o, BatchRefused)] == [other]
    written = [o for o in outcomes if isinstance(o, LayerWritten)]
    assert [o.batch for o in written if o.layer is Layer.PUBLISHED] == [sound]
    assert [row["id"] for row in records(tmp_path, one, Layer.PUBLISHED)] == [1, 2]


def test_under_standard_it_warns_and_publishes(tmp_path: Path) -> None:
    one = contract("standard")
    (said,) = found(tmp_path, one, ["ann@shop.example.org"])
    assert "ann@" not in said
    assert len(records(tmp_path, one, Layer.PUBLISHED)) == 1


def test_a_reason_why_it_is_not_personal_is_taken(tmp_path: Path) -> None:
    one = contract("gdpr", more=f", {NOT_PERSONAL}")
    assert found(tmp_path, one, ["ann@shop.example.org"]) == []
    assert len(records(tmp_path, one, Layer.PUBLISHED)) == 1


def test_a_column_is_found_by_its_name(tmp_path: Path) -> None:
    (said,) = found(tmp_path, contract("gdpr", name="date_of_birth"), ["x"])
    assert "column 'date_of_birth' is named like dates of birth" in said


def test_a_reason_is_taken_for_a_name_too(tmp_path: Path) -> None:
    one = contract("gdpr", name="date_of_birth", more=f", {NOT_PERSONAL}")
    assert found(tmp_path, one, ["x"]) == []


def test_of_a_large_batch_an_even_part_is_searched_and_of_a_small_one_all() -> None:
    counts = {"large": 2 * SCANNED + 10, "small": 10}
    with duckdb.connect() as connection:
        for batch, count in counts.items():
            rows = f"SELECT '{batch}' AS _batch_id, range + 1 AS _record FROM range({count})"
            keep = "INSERT INTO t" if batch == "small" else "CREATE TABLE t AS"
            connection.execute(f"{keep} {rows}")
        sql = f"SELECT _batch_id, count(*), min(_record), max(_record) FROM {sampled('t', counts)}"
        found = connection.execute(f"{sql} GROUP BY 1 ORDER BY 1").fetchall()
    part = (2 * SCANNED + 10) // 3
    assert found == [("large", part, 3, 3 * part), ("small", 10, 1, 10)]


@pytest.mark.parametrize(
    ("kind", "values", "words"),
    [
        ("string", ["x", "DE89 3704 0044 0532 0130 00"], "bank accounts"),
        ("string", ["order AB12345678901234; DE89370400440532013000; thanks"], "bank accounts"),
        ("string", ["please pay to DE89 3704 0044 0532 0130 00 until May"], "bank accounts"),
        ("string", ["nach ES91 2100 0418 4502 0005 1332 bitte"], "bank accounts"),
        ("string", ["nach ES91 2100 0418 4502 0005 1333 bitte"], ""),
        ("string", ["用户@example.com"], "e-mail addresses"),
        ("string", ["info@bücher.example"], "e-mail addresses"),
        ("string", ["+49 (30) 1234567"], "phone numbers"),
        ("string", ["0049 30/1234567"], "phone numbers"),
        ("string", ["call Ann: +49 30 1234567; after 5"], "phone numbers"),
        ("string", ["2026-01-01T10:00:00+0100", "30+12345678", "+12 pieces (of 2026)"], ""),
        ("string", CARDS, "card numbers"),
        ("integer", CARDS, "card numbers"),
        ("string", ["36574261809"], ""),
        ("string", ["DE88 3704 0044 0532 0130 00"], ""),
        ("integer", [f"41111111111{n:05}" for n in range(40)], ""),
        ("string", ["2026-01-05", "A-1001", "10.5", "me@home"], ""),
    ],
)
def test_values_are_found_by_form_and_check_digit(
    tmp_path: Path, kind: str, values: list[str], words: str
) -> None:
    said = found(tmp_path, contract("gdpr", kind), values)
    assert [words in one for one in said] == ([True] if words else [])
    assert not any(value in one for value in values if len(value) > 1 for one in said)


def test_a_column_of_national_ids_is_found(tmp_path: Path) -> None:
    numbers = [n for n in (f"3657426{n:04}" for n in range(3000)) if idnr.is_valid(n)][:9]
    assert len(numbers) == 9
    (said,) = found(tmp_path, contract("gdpr"), numbers)
    assert "column 'note' holds national ids in about 9 records" in said
    grouped = [f"{n[:2]} {n[2:5]} {n[5:8]} {n[8:]}" for n in numbers]
    (said,) = found(tmp_path / "grouped", contract("gdpr"), grouped)
    assert "column 'note' holds national ids in about 9 records" in said


def test_every_form_says_what_it_is() -> None:
    assert all(form.words and form.pattern for form in FORMS.values())


def test_not_personal_needs_a_reason_and_a_column_that_is_not() -> None:
    column = "      - {name: a, logicalType: string, %s}\n"
    bare = column % "customProperties: [{property: notPersonal, value: {}}]"
    assert messages_of(text_of(bare)) == [
        "'notPersonal' needs a 'reason', such as {reason: numbers of machines}"
    ]
    both = column % f"classification: personal, {NOT_PERSONAL}"
    assert messages_of(text_of(both)) == [
        "column 'a' is 'notPersonal' and classified as personal; remove one"
    ]


def test_of_60_columns_each_is_searched_in_seconds(tmp_path: Path) -> None:
    columns = "".join(f"      - {{name: c{n}, logicalType: string}}\n" for n in range(60))
    one = contract_of(columns, top=custom("compliance", "standard"))
    holding = {9, 59}
    values = ["ann@shop.example.org" if n in holding else "x" for n in range(60)]
    header = ",".join(f"c{n}" for n in range(60))
    began = time.monotonic()
    outcomes = take(
        tmp_path, one, [drop(tmp_path, one, "a.csv", f"{header}\n{','.join(values)}\n")]
    )
    seconds = time.monotonic() - began
    (warned,) = [o for o in outcomes if isinstance(o, BatchWarned)]
    assert [said.split("'")[1] for said in warned.warnings] == ["c9", "c59"]
    assert len(records(tmp_path, one, Layer.PUBLISHED)) == 1
    assert seconds < 5  # one query for all columns ran out of memory
