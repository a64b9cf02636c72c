"""The rules of a column that only warn."""

import pytest

from lakehouse_pipeline.contracts.severities import KINDS
from lakehouse_pipeline_tests.contracts.contract_text import (
    column_messages,
    column_of,
    contract_of,
    contract_text,
    problems_of,
)

RULES = {
    "required": "logicalType: string, required: true",
    "unique": "logicalType: string, unique: true",
    "enum": "logicalType: string, enum: [{value: a}]",
    "pattern": "logicalType: string, logicalTypeOptions: {pattern: a}",
    "format": "logicalType: string, logicalTypeOptions: {format: email}",
    "minLength": "logicalType: string, logicalTypeOptions: {minLength: 0}",
    "maxLength": "logicalType: string, physicalType: VARCHAR(3)",
    "minimum": "logicalType: integer, logicalTypeOptions: {minimum: 0}",
    "maximum": "logicalType: integer, logicalTypeOptions: {maximum: 0}",
    "exclusiveMinimum": "logicalType: integer, logicalTypeOptions: {exclusiveMinimum: 0}",
    "exclusiveMaximum": "logicalType: integer, logicalTypeOptions: {exclusiveMaximum: 0}",
    "multipleOf": "logicalType: integer, logicalTypeOptions: {multipleOf: 5}",
}


def severity(value: str) -> str:
    return f"customProperties: [{{property: severity, value: {value}}}]"


@pytest.mark.parametrize("kind", list(KINDS))
def test_every_kind_of_rule_may_warn_where_the_column_has_it(kind: str) -> None:
    assert column_of(f"{RULES[kind]}, {severity(f'{{{kind}: warning}}')}").warns == {kind}
    assert column_of(f"{RULES[kind]}, {severity(f'{{{kind}: error}}')}").warns == frozenset()
    bare = f"logicalType: string, {severity(f'{{{kind}: warning}}')}"
    assert column_messages(bare) == [f"column 'a' has no rule '{kind}'"]


def test_one_rule_warns_while_another_quarantines() -> None:
    keys = "logicalType: integer, logicalTypeOptions: {minimum: 0, maximum: 9}"
    column = column_of(f"{keys}, {severity('{minimum: warning, maximum: error}')}")
    assert column.warns == {"minimum"}


@pytest.mark.parametrize(
    ("keys", "value", "message"),
    [
        (
            "required: true",
            "{type: warning, required: warning}",
            (
                "'type' can never be a warning: a value that is not of the column's type has no "
                "place in it; remove it"
            ),
        ),
        (
            "primaryKey: true",
            "{required: warning}",
            (
                "'required' of a primary key can never be a warning: a key names one record; "
                "remove it"
            ),
        ),
        (
            "primaryKey: true",
            "{unique: warning}",
            ("'unique' of a primary key can never be a warning: a key names one record; remove it"),
        ),
        (
            "required: true",
            "{requierd: warning}",
            (
                "unknown key 'requierd' in severity. Did you mean 'required'? Known: "
                f"{', '.join(KINDS)}"
            ),
        ),
        (
            "required: true",
            "{required: warn}",
            "severity 'warn' is not known. Did you mean 'warning'? Expected error or warning",
        ),
        (
            "required: true",
            "warning",
            f"'severity': expected a mapping with the keys {', '.join(KINDS)}",
        ),
    ],
)
def test_a_severity_that_cannot_be_kept_is_refused(keys: str, value: str, message: str) -> None:
    assert column_messages(f"logicalType: string, {keys}, {severity(value)}") == [message]


def test_the_problem_stands_at_the_kind() -> None:
    keys = f"logicalType: string, required: true, {severity('{required: warning, enum: warning}')}"
    assert problems_of(contract_text(f"      - {{name: a, {keys}}}\n")) == [
        "orders.yaml:10:123: column 'a' has no rule 'enum'"
    ]


def test_a_column_of_a_composite_key_may_warn_of_its_own_uniqueness_only() -> None:
    columns = "".join(
        f"      - {{name: {name}, logicalType: string, unique: true, primaryKey: true, "
        f"primaryKeyPosition: {position}, {severity('{unique: warning}')}}}\n"
        for position, name in enumerate("ab", start=1)
    )
    assert [column.warns for column in contract_of(columns).columns] == [{"unique"}, {"unique"}]
    text = contract_text(columns.replace("{unique: warning}", "{required: warning}"))
    assert len(problems_of(text)) == 2
