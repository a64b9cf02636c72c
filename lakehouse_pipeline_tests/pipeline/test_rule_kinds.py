"""Rules over more than one record: each with passing, failing, null and boundary records."""

from dataclasses import asdict
from pathlib import Path

import pandas as pd
import pytest
from pandera.extensions import register_check_method  # type: ignore[attr-defined]  # pandera

from lakehouse_pipeline.contracts.load import load_text
from lakehouse_pipeline.contracts.model import Contract
from lakehouse_pipeline.lake import engine
from lakehouse_pipeline.names import Layer
from lakehouse_pipeline.pipeline.outcomes import BatchJudged, BatchRefused, BatchWarned
from lakehouse_pipeline_tests.contracts.contract_text import contract_of, contract_text
from lakehouse_pipeline_tests.pipelines import drop, judged, records, take

COLUMNS = """\
      - {name: id, logicalType: integer}
      - {name: city, logicalType: string}
      - {name: amount, logicalType: number, physicalType: "DECIMAL(10,2)"}
"""
TEXT = "id,city,amount\n1,Bonn,1.50\n2,,2.00\n3,Bonn,\n4,Jena,4.00\n"


def quarantined(home: Path, contract: Contract) -> list[tuple[int, list[str]]]:
    return [
        (row["_record"], [reason["rule"] for reason in row["_reasons"]])
        for row in records(home, contract, Layer.QUARANTINED)
    ]


def refusals(home: Path, contract: Contract, text: str = TEXT) -> tuple[str, ...]:
    """Return why a batch is refused, empty when it is published."""
    outcomes = take(home, contract, [drop(home, contract, "may.csv", text)])
    found = [o.reasons for o in outcomes if isinstance(o, BatchRefused)]
    assert bool(found) != bool(records(home, contract, Layer.PUBLISHED))
    return found[0] if found else ()


def rule(text: str) -> Contract:
    return contract_of(COLUMNS, quality=f"      - {{{text}}}\n")


def column_rule(column: str, text: str) -> Contract:
    columns = COLUMNS.replace(
        f"name: {column}, logicalType: ",
        f"name: {column}, quality: [{{type: library, name: n, {text}}}], logicalType: ",
    )
    return contract_of(columns)


@pytest.mark.parametrize(
    ("column", "text", "limit", "value"),
    [
        ("city", "metric: nullValues", "mustBe: 1", "1 nullValues"),
        ("city", "metric: nullValues", "mustBeLessThan: 2", "1 nullValues"),
        ("city", "metric: nullValues, unit: percent", "mustBeLessOrEqualTo: 25", "25 %"),
        (
            "city",
            "metric: missingValues, arguments: {missingValues: [null, Jena]}",
            "mustBe: 2",
            "",
        ),
        ("city", "metric: invalidValues, arguments: {validValues: [Bonn]}", "mustBe: 1", ""),
        ("city", 'metric: invalidValues, arguments: {pattern: "^B"}', "mustBe: 1", ""),
        ("amount", "metric: invalidValues, arguments: {validValues: [1.5, 2]}", "mustBe: 1", ""),
        ("city", "metric: duplicateValues", "mustBeBetween: [1, 2]", "1 duplicateValues"),
        ("id", "metric: duplicateValues, unit: percent", "mustBe: 0", ""),
    ],
)
def test_a_metric_passes_at_its_limit_and_refuses_the_batch_beyond(
    tmp_path: Path, column: str, text: str, limit: str, value: str
) -> None:
    assert refusals(tmp_path / "good", column_rule(column, f"{text}, {limit}")) == ()
    beyond = f"{text}, mustBe: 99" if "percent" not in text else f"{text}, mustBe: 99.5"
    (said,) = refusals(tmp_path / "bad", column_rule(column, beyond))
    assert said.startswith("n: the batch has")
    assert value in said


def test_duplicates_of_several_columns_are_counted_as_a_key(tmp_path: Path) -> None:
    text = "type: library, metric: duplicateValues, arguments: {properties: [id, city]}"
    repeated = TEXT + "1,Bonn,9.00\n2,,9.00\n"
    assert refusals(tmp_path / "good", rule(f"{text}, mustBe: 1"), repeated) == ()
    assert len(refusals(tmp_path / "bad", rule(f"{text}, mustBe: 0"), repeated)) == 1


@pytest.mark.parametrize(
    ("query", "good", "bad"),
    [
        ("SELECT sum(amount) FROM orders", "mustBe: 7.5", "mustBeLessThan: 7.5"),
        ("SELECT count(*) FROM orders WHERE city IS NULL", "mustBe: 1", "mustBe: 0"),
        ("SELECT max(amount) FROM orders WHERE id > 99", "", "mustBeGreaterThan: 0"),
    ],
)
def test_an_sql_rule_judges_its_number_and_no_number_keeps_no_limit(
    tmp_path: Path, query: str, good: str, bad: str
) -> None:
    text = f'type: sql, name: q, query: "{query}"'
    if good:
        assert refusals(tmp_path / "good", rule(f"{text}, {good}")) == ()
    (said,) = refusals(tmp_path / "bad", rule(f"{text}, {bad}"))
    assert said.startswith("q: ")


def test_an_sql_rule_over_published_sees_the_batches_before_and_this_one(tmp_path: Path) -> None:
    text = (
        "type: sql, name: all, mustBeLessOrEqualTo: 6, "
        "customProperties: [{property: over, value: published}], "
        'query: "SELECT count(*) FROM orders"'
    )
    contract = rule(text)
    first = drop(tmp_path, contract, "a.csv", TEXT)
    second = drop(tmp_path, contract, "b.csv", TEXT.replace("1,", "5,"))
    outcomes = take(tmp_path, contract, [first, second])
    refused = [o for o in outcomes if isinstance(o, BatchRefused)]
    assert [(o.batch, o.layer) for o in refused] == [(second, Layer.PUBLISHED)]
    assert {row["_batch_id"] for row in records(tmp_path, contract, Layer.PUBLISHED)} == {first}
    warned = rule(f"{text}, severity: warning")
    outcomes = take(tmp_path, warned, [second])
    assert [o.batch for o in outcomes if isinstance(o, BatchWarned)] == [second]
    assert len(records(tmp_path, contract, Layer.PUBLISHED)) == 8


def test_a_composite_primary_key_may_stand_once_and_needs_all_its_parts(tmp_path: Path) -> None:
    contract = contract_of(
        "      - {name: a, logicalType: integer, primaryKey: true, primaryKeyPosition: 1}\n"
        "      - {name: b, logicalType: string, primaryKey: true, primaryKeyPosition: 2}\n"
    )
    text = "a,b\n1,x\n1,y\n1,x\n2,\n2,\n"
    take(tmp_path, contract, [drop(tmp_path, contract, "may.csv", text)])
    assert quarantined(tmp_path, contract) == [
        (3, ["primaryKey"]),
        (4, ["b.required"]),
        (5, ["b.required"]),
    ]


def test_a_key_of_the_dataset_may_not_repeat_one_that_another_batch_published(
    tmp_path: Path,
) -> None:
    contract = contract_of(
        "      - {name: id, logicalType: integer, unique: true, "
        "customProperties: [{property: uniqueScope, value: dataset}]}\n"
        "      - {name: note, logicalType: string}\n"
    )
    first = drop(tmp_path, contract, "a.csv", "id,note\n1,a\n2,b\n,c\n")
    second = drop(tmp_path, contract, "b.csv", "id,note\n2,d\n3,e\n3,f\n,g\n")
    take(tmp_path, contract, [first, second])
    assert quarantined(tmp_path, contract) == [(1, ["id.unique"]), (3, ["id.unique"])]
    before = records(tmp_path, contract, Layer.PUBLISHED)
    take(tmp_path, contract, [first, second])
    assert records(tmp_path, contract, Layer.PUBLISHED) == before


def test_a_foreign_key_quarantines_what_points_nowhere(tmp_path: Path) -> None:
    hashed = "customProperties: [{property: anonymize, value: {technique: hash}}]"
    text = contract_text(f"      - {{name: id, logicalType: integer, {hashed}}}\n")
    text = text.replace("orders", "customers")
    path = tmp_path / "contracts" / "customers" / "1.0.0.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(text, "utf-8")
    customers = load_text(text, str(path))
    orders = contract_of(
        "      - {name: customer, logicalType: integer, "
        "relationships: [{type: foreignKey, to: customers.id}]}\n"
        "      - {name: note, logicalType: string}\n"
    )
    batch = drop(tmp_path, orders, "may.csv", "customer,note\n1,a\n9,b\n,c\nx,d\n")
    (refused,) = [o for o in take(tmp_path, orders, [batch]) if isinstance(o, BatchRefused)]
    assert "nothing of 'customers' is published yet" in refused.reasons[0]
    take(tmp_path, customers, [drop(tmp_path, customers, "c.csv", "id\n1\n2\n")])
    take(tmp_path, orders, [batch])
    assert quarantined(tmp_path, orders) == [
        (2, ["customer.foreignKey"]),
        (4, ["customer.type"]),
    ]


def test_a_foreign_key_to_a_dataset_that_waits_for_approval_refuses_the_batch_alone(
    tmp_path: Path,
) -> None:
    gdpr = "customProperties: [{property: compliance, value: gdpr}]\n"
    text = contract_text(top=gdpr).replace("orders", "customers")
    path = tmp_path / "contracts" / "customers" / "1.0.0.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(text, "utf-8")
    orders = contract_of(
        "      - {name: customer, logicalType: integer, "
        "relationships: [{type: foreignKey, to: customers.id}]}\n"
    )
    batch = drop(tmp_path, orders, "may.csv", "customer\n1\n")
    (refused,) = [o for o in take(tmp_path, orders, [batch]) if isinstance(o, BatchRefused)]
    assert "no version of 'customers' was active yet" in refused.reasons[0]


def test_a_rule_of_severity_warning_counts_and_lets_the_record_pass(tmp_path: Path) -> None:
    columns = COLUMNS.replace(
        "name: amount,",
        "name: amount, logicalTypeOptions: {maximum: 2}, "
        "customProperties: [{property: severity, value: {maximum: warning}}],",
    )
    contract = contract_of(
        columns,
        quality="      - {type: custom, engine: lakehouse, name: town, severity: warning, "
        "implementation: \"city <> 'Jena'\"}\n",
    )
    batch = drop(tmp_path, contract, "may.csv", TEXT)
    said = judged(take(tmp_path, contract, [batch]))[batch]
    assert said.warned == {"amount.maximum": 1, "town": 1}
    assert (said.quarantined, said.verdict.refused) == (0, False)
    assert any("town: broken by 1 record" in warning for warning in said.verdict.warnings)


@register_check_method(statistics=["town"])  # type: ignore[untyped-decorator]  # pandera's own
def is_not_the_town(values: pd.Series, *, town: str) -> pd.Series:
    if (values == "Raise").any():
        raise ValueError("the check does not know what to say")
    return values != town


def test_a_pandera_check_quarantines_what_it_says_no_to(tmp_path: Path) -> None:
    contract = rule(
        "type: custom, engine: pandera, name: town, "
        "implementation: {check: is_not_the_town, columns: [city], arguments: {town: Bonn}}"
    )
    assert refusals(tmp_path, contract) == ()
    assert quarantined(tmp_path, contract) == [(1, ["town"]), (3, ["town"])]


def test_a_pandera_check_that_raises_refuses_its_batch_alone(tmp_path: Path) -> None:
    contract = rule(
        "type: custom, engine: pandera, name: town, "
        "implementation: {check: is_not_the_town, columns: [city], arguments: {town: Bonn}}"
    )
    bad = drop(tmp_path, contract, "a.csv", TEXT.replace("Jena", "Raise"))
    good = drop(tmp_path, contract, "b.csv", TEXT)
    (refused,) = [o for o in take(tmp_path, contract, [bad, good]) if isinstance(o, BatchRefused)]
    assert refused.batch == bad
    assert "does not know what to say" in refused.reasons[0]
    assert {row["_batch_id"] for row in records(tmp_path, contract, Layer.PUBLISHED)} == {good}


def test_a_check_that_raises_over_personal_data_quotes_no_value(tmp_path: Path) -> None:
    personal = COLUMNS.replace("name: city,", "name: city, classification: personal,")
    contract = contract_of(
        personal,
        quality="      - {type: custom, engine: pandera, name: town, implementation: "
        "{check: quotes_all_values, columns: [city, amount]}}\n",
    )
    (refused,) = refusals(tmp_path, contract)
    assert "check 'quotes_all_values' raised ValueError: its message is withheld" in refused
    assert "Bonn" not in refused


@register_check_method
def quotes_all_values(values: pd.DataFrame) -> pd.Series:
    raise ValueError(str(values.to_dict()))


SEEN: list[int] = []


@register_check_method
def counts_what_it_sees(values: pd.Series) -> pd.Series:
    SEEN.append(len(values))
    return values % 2000 != 0


def test_a_pandera_check_sees_a_block_of_records_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "STREAM_ROWS", 2048)
    SEEN.clear()
    contract = rule(
        "type: custom, engine: pandera, name: odd, "
        "implementation: {check: counts_what_it_sees, columns: [id]}"
    )
    text = "id,city,amount\n" + "".join(f"{n},,\n" for n in range(1, 5001))
    take(tmp_path, contract, [drop(tmp_path, contract, "may.csv", text)])
    assert (max(SEEN), sum(SEEN)) == (2048, 5000)
    assert quarantined(tmp_path, contract) == [(2000, ["odd"]), (4000, ["odd"])]


def test_a_foreign_key_of_severity_warning_counts_what_points_nowhere(tmp_path: Path) -> None:
    path = tmp_path / "contracts" / "customers" / "1.0.0.yaml"
    path.parent.mkdir(parents=True)
    columns = "      - {name: id, logicalType: integer}\n"
    path.write_text(contract_text(columns).replace("orders", "customers"), "utf-8")
    customers = load_text(path.read_text("utf-8"), str(path))
    take(tmp_path, customers, [drop(tmp_path, customers, "c.csv", "id\n1\n")])
    severity = "customProperties: [{property: severity, value: warning}]"
    orders = contract_of(
        "      - {name: customer, logicalType: integer, "
        f"relationships: [{{to: customers.id, {severity}}}]}}\n"
        "      - {name: note, logicalType: string}\n"
    )
    batch = drop(tmp_path, orders, "may.csv", "customer,note\n1,a\n9,b\n,c\n8,d\n")
    said = judged(take(tmp_path, orders, [batch]))[batch]
    assert (said.warned, said.quarantined) == ({"customer.foreignKey": 2}, 0)
    assert said.verdict.warnings == ("customer.foreignKey: broken by 2 records",)
    assert len(records(tmp_path, orders, Layer.PUBLISHED)) == 4


PERSONAL = """\
      - {name: id, logicalType: integer}
      - name: income
        logicalType: integer
        classification: personal
        customProperties: [{property: anonymize, value: {technique: drop}}]
"""


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("SELECT max(income) FROM orders", None),
        ("SELECT (SELECT min(INCOME) FROM orders)", None),
        ("WITH t AS (SELECT income AS x FROM orders) SELECT sum(x) + count(*) FROM t", None),
        ("SELECT max(id) FILTER (WHERE income > 0) FROM orders", None),
        ("SELECT count(*) FILTER (WHERE income > 0) * 100 / count(income) FROM orders", 100),
        ("SELECT max(id) FROM orders", 1),
    ],
)
@pytest.mark.parametrize("severity", ["error", "warning"])
def test_a_number_that_may_be_of_a_person_is_told_to_nobody(
    tmp_path: Path, query: str, told: float | None, severity: str
) -> None:
    quality = f'type: sql, name: q, severity: {severity}, query: "{query}", mustBe: 7'
    contract = contract_of(PERSONAL, f"      - {{{quality}}}\n")
    outcomes = take(
        tmp_path, contract, [drop(tmp_path, contract, "a.csv", "id,income\n1,739184\n")]
    )
    found = next(outcome for outcome in outcomes if isinstance(outcome, BatchJudged))
    said = (found.verdict.refusals, found.verdict.warnings)[severity == "warning"]
    hidden = "expected 7; what the batch has is not told"
    assert len(said) == 1
    assert (hidden in said[0]) is (told is None)
    assert asdict(found)["values"] == ({} if told is None else {"q": told})
    assert "739184" not in str(outcomes)
