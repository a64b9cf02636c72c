"""The schema of published data: what it promises of columns and types, and what breaks it."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pandas as pd
import pandera.errors
import pytest

from lakehouse_pipeline.contracts.check_modules import load_check_modules
from lakehouse_pipeline.contracts.model import Contract, PanderaCheck
from lakehouse_pipeline.contracts.pandas_frames import pandas_dtype
from lakehouse_pipeline.contracts.pandera_schema import published_schema
from lakehouse_pipeline.contracts.published import published_columns, stored_type
from lakehouse_pipeline.names import SYSTEM_COLUMNS
from lakehouse_pipeline_tests.contracts.contract_text import contract_of

SMALL = "logicalType: integer, required: true, logicalTypeOptions: {maximum: 9}"
ANONYMIZE = "classification: personal, customProperties: [{property: anonymize, value: {technique:"


def contract_with(keys: str, top: str = "") -> Contract:
    return contract_of(f"      - {{name: a, {keys}}}\n", "", top)


def published(contract: Contract, values: list[Any], **more: list[Any]) -> pd.DataFrame:
    """Return a frame as `read` gives it, with these values in the first column."""
    system: Mapping[str, list[Any]] = {
        "_record": list(range(1, len(values) + 1)),
        "_batch_id": ["batch"] * len(values),
        "_released": [False] * len(values),
    }
    given = {published_columns(contract)[0].name: values, **more}
    types = {c.name: stored_type(c) for c in published_columns(contract)}
    types |= SYSTEM_COLUMNS
    cells = {name: given.get(name, system.get(name)) for name in types}
    return pd.DataFrame({n: pd.Series(cells[n], dtype=pandas_dtype(t)) for n, t in types.items()})


def broken(contract: Contract, frame: pd.DataFrame, **options: bool) -> set[tuple[str, Any]]:
    """Return the rules that are broken, each with the row that breaks it."""
    try:
        published_schema(contract, **options).validate(frame, lazy=True)
    except pandera.errors.SchemaErrors as errors:
        found = errors.failure_cases[["column", "check", "index"]].itertuples(index=False)
        own = {"not_nullable": "required", "field_uniqueness": "unique"}  # pandera's names
        return {(f"{c}.{own[rule]}" if rule in own else rule, row) for c, rule, row in found}
    return set()


@pytest.mark.parametrize(
    ("keys", "good", "bad", "rules"),
    [
        ("logicalType: integer, required: true", [1], [None], {"required"}),
        ("logicalType: integer, enum: [{value: 1}, {value: 2}]", [1, 2, None], [3], {"enum"}),
        (
            (
                "logicalType: integer, physicalType: SMALLINT, logicalTypeOptions: "
                "{minimum: 1, exclusiveMaximum: 9, multipleOf: 2}"
            ),
            [2, 8, None],
            [-3, 9, 11],
            {"minimum", "exclusiveMaximum", "multipleOf"},
        ),
        (
            (
                'logicalType: number, physicalType: "DECIMAL(38,10)", logicalTypeOptions: '
                "{exclusiveMinimum: 0.0000000001, maximum: 1, multipleOf: 0.0000000002}"
            ),
            [Decimal("0.0000000002"), Decimal("1.0000000000"), None],
            [Decimal("0.0000000001"), Decimal("1.0000000001")],
            {"exclusiveMinimum", "maximum", "multipleOf"},
        ),
        (
            (
                "logicalType: number, logicalTypeOptions: {minimum: 0.1, multipleOf: 0.1}, "
                "enum: [{value: 0.3}, {value: 0.7}]"
            ),
            [0.3, 0.7, None],
            [0.09, 0.35],
            {"minimum", "multipleOf", "enum"},
        ),
        (
            (
                "logicalType: string, logicalTypeOptions: "
                "{pattern: '^[A-Z]+$', minLength: 2, maxLength: 3}"
            ),
            ["AB", "ABC", None],
            ["A", "ABCD", "AB\n"],
            {"pattern", "minLength", "maxLength"},
        ),
        (
            "logicalType: string, logicalTypeOptions: {format: ipv4}",
            ["1.2.3.4", None],
            ["1.2.3.4\n"],
            {"format"},
        ),
        (
            (
                "logicalType: date, enum: [{value: 2024-01-01}], "
                "logicalTypeOptions: {format: dd.MM.yyyy, minimum: 31.12.2023}"
            ),
            [dt.date(2024, 1, 1), None],
            [dt.date(2023, 12, 30)],
            {"minimum", "enum"},
        ),
        (
            "logicalType: timestamp, logicalTypeOptions: {exclusiveMinimum: '2024-01-01T00:00Z'}",
            [dt.datetime(2024, 1, 1, 0, 0, 1, tzinfo=dt.UTC), None],
            [dt.datetime(2024, 1, 1, tzinfo=dt.UTC)],
            {"exclusiveMinimum"},
        ),
        (
            (
                "logicalType: time, enum: [{value: '08:00'}, {value: '09:30'}], "
                "logicalTypeOptions: {minimum: '08:00', exclusiveMaximum: '10:00'}"
            ),
            ["08:00:00", "09:30", None],
            ["07:59:59", "10:00"],
            {"minimum", "exclusiveMaximum", "enum"},
        ),
        ("logicalType: boolean, enum: [{value: true}]", [True, None], [False], {"enum"}),
    ],
)
@pytest.mark.parametrize("exempt_released", [True, False])
def test_a_published_value_keeps_or_breaks_each_rule(
    keys: str, good: list[Any], bad: list[Any], rules: set[str], exempt_released: bool
) -> None:
    contract = contract_with(keys)
    options = {"exempt_released": exempt_released}
    assert broken(contract, published(contract, good), **options) == set()
    found = broken(contract, published(contract, bad), **options)
    assert {rule for rule, _ in found} == {f"a.{rule}" for rule in rules}


def test_the_type_of_a_column_is_exact() -> None:
    contract = contract_with('logicalType: number, physicalType: "DECIMAL(6,2)"')
    frame = published(contract, [Decimal("1.50")])
    found = broken(contract, frame.astype({"a": "float64"}))
    assert found == {("dtype('decimal128(6, 2)[pyarrow]')", 0)}


def test_the_columns_are_the_published_ones_in_their_order() -> None:
    top = "customProperties:\n  - {property: publish, value: {columns: [paid, id]}}\n"
    schema = published_schema(contract_of(top=top))
    assert list(schema.columns) == ["paid", "id", "_released", "_record", "_batch_id"]
    frame = published(contract_of(top=top), [True], id=[1])
    schema.validate(frame)
    for wrong in (frame[["id", "paid", *SYSTEM_COLUMNS]], frame.assign(x=1), frame[["paid"]]):
        with pytest.raises((pandera.errors.SchemaError, pandera.errors.SchemaErrors)):
            schema.validate(wrong)


def test_a_hash_is_64_digits_whatever_the_rules_of_its_original() -> None:
    rules = "logicalType: integer, required: true, unique: true, logicalTypeOptions: {minimum: 1}, "
    contract = contract_with(f"{rules}{ANONYMIZE} hash}}}}]")
    assert broken(contract, published(contract, ["0f" * 32, "0f" * 32])) == set()
    assert broken(contract, published(contract, ["0F" * 32, "7", None])) == {
        ("a.pattern", 0),
        ("a.pattern", 1),
        ("a.required", 2),
    }


def test_a_masked_value_is_text_without_the_rules_of_its_original() -> None:
    contract = contract_with(
        f"logicalType: date, logicalTypeOptions: {{minimum: 2024-01-01}}, {ANONYMIZE} mask}}}}]"
    )
    assert broken(contract, published(contract, ["2024-**-**", "", None])) == set()


def test_a_dropped_column_is_not_in_published() -> None:
    contract = contract_of(
        f"      - {{name: a, logicalType: string, {ANONYMIZE} drop}}}}]}}\n"
        "      - {name: b, logicalType: integer}\n"
    )
    assert "a" not in published_schema(contract).columns


def test_only_a_key_of_the_whole_dataset_is_unique_in_published() -> None:
    contract = contract_with("logicalType: integer, unique: true")
    frame = published(contract, [1, None, 1, None])
    assert broken(contract, frame) == set()
    column = replace(contract.columns[0], unique_scope="dataset")
    assert broken(replace(contract, columns=(column,)), frame) == {("a.unique", 2)}


def test_a_primary_key_of_several_columns_is_unique_when_it_is_upserted() -> None:
    contract = contract_of()
    columns = tuple(
        replace(column, primary_key_position=place)
        for place, column in enumerate(contract.columns[:2], 1)
    )
    contract = replace(contract, columns=columns)
    frame = published(contract, [1, 1, 1], email=["x", "y", "x"])
    assert broken(contract, frame) == set()
    upsert = replace(contract, publish=replace(contract.publish, mode="upsert"))
    assert broken(upsert, frame) == {("primaryKey", 2)}


def test_a_record_and_its_batch_stand_in_published_once() -> None:
    contract = contract_with("logicalType: integer")
    frame = published(contract, [1, 2]).assign(_record=pd.array([1, 1], dtype="Int64"))
    assert {rule for rule, _ in broken(contract, frame)} == {"multiple_fields_uniqueness"}


def test_a_rule_of_severity_warning_warns_and_does_not_fail() -> None:
    contract = contract_with(
        "logicalType: integer, required: true, logicalTypeOptions: {maximum: 9}"
    )
    column = replace(contract.columns[0], warns=frozenset({"maximum", "required"}))
    contract = replace(contract, columns=(column,))
    for exempt_released in (True, False):
        schema = published_schema(contract, exempt_released=exempt_released)
        with pytest.warns(pandera.errors.SchemaWarning) as warned:
            schema.validate(published(contract, [10, None]))
        told = " ".join(str(w.message) for w in warned)
        assert "a.maximum" in told
        assert "a.required" in told


def test_a_released_record_may_break_its_rules_but_not_its_type() -> None:
    contract = contract_with(
        "logicalType: integer, required: true, logicalTypeOptions: {maximum: 9}"
    )
    frame = published(contract, [10, None, 11]).assign(
        _released=pd.array([True, True, False], dtype="boolean")
    )
    assert broken(contract, frame) == {("a.maximum", 2)}
    schema = published_schema(contract, exempt_released=False)
    schema.validate(frame[~frame["_released"]].head(0))
    assert {rule for rule, _ in broken(contract, frame, exempt_released=False)} == {
        "a.maximum",
        "a.required",
    }


def test_checks_of_pandera_are_part_of_the_schema() -> None:
    load_check_modules(["lakehouse_pipeline_tests.contracts.shop_checks"])
    contract = contract_of(
        "      - {name: a, logicalType: integer}\n      - {name: b, logicalType: integer}\n"
    )
    rules = (
        PanderaCheck("even_a", "is_even", ("a",)),
        PanderaCheck("twice", "at_most_times", ("a", "b"), {"factor": 2}),
    )
    contract = replace(contract, pandera_checks=rules)
    frame = published(contract, [2, 3, None, 4], b=[4, 7, 1, 9])
    for exempt_released in (True, False):
        assert broken(contract, frame, exempt_released=exempt_released) == {
            ("even_a", 1),
            ("twice", 1),
            ("twice", 3),
        }


def test_a_check_over_a_column_that_is_anonymized_is_left_out() -> None:
    contract = contract_with(f"logicalType: integer, {ANONYMIZE} mask}}}}]")
    rule = PanderaCheck("even_a", "is_even", ("a",))
    contract = replace(contract, pandera_checks=(rule,))
    assert broken(contract, published(contract, ["*"])) == set()
