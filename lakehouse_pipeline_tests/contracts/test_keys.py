"""Unique columns and primary keys: of one column or several, in a batch or in the dataset."""

import pytest

from lakehouse_pipeline.contracts.model import UniqueKey
from lakehouse_pipeline_tests.contracts.contract_text import (
    column_messages,
    column_of,
    contract_of,
    contract_text,
    problems_of,
)

DATASET = "customProperties: [{property: uniqueScope, value: dataset}]"


def columns(*keys: str) -> str:
    """Return columns `a`, `b`, … of type string with these keys."""
    return "".join(
        f"      - {{name: {name}, logicalType: string, {key}}}\n"
        for name, key in zip("abcdef", keys, strict=False)
    )


def key(position: int, more: str = "") -> str:
    return f"primaryKey: true, primaryKeyPosition: {position}{more}"


def test_a_primary_key_of_one_column_is_required_and_unique() -> None:
    column = column_of("logicalType: integer, primaryKey: true")
    assert (column.required, column.unique, column.primary_key_position) == (True, True, 1)


def test_the_unused_position_of_a_primary_key_is_ignored() -> None:
    keys = "logicalType: integer, primaryKey: false, primaryKeyPosition: -1"
    assert column_of(keys).primary_key_position is None


def test_the_columns_of_a_composite_key_are_required_but_not_unique_by_themselves() -> None:
    contract = contract_of(columns(key(2), "required: false", key(1)))
    assert [c.required for c in contract.columns] == [True, False, True]
    assert [c.unique for c in contract.columns] == [False, False, False]
    assert contract.primary_key == ("c", "a")
    assert contract.unique_keys == (UniqueKey("primaryKey", ("c", "a")),)


def test_a_column_of_a_composite_key_may_be_unique_as_well() -> None:
    contract = contract_of(columns(key(1, ", unique: true"), key(2, ", unique: false")))
    assert contract.unique_keys == (
        UniqueKey("a.unique", ("a",)),
        UniqueKey("primaryKey", ("a", "b")),
    )


def test_a_key_may_be_unique_in_the_whole_dataset() -> None:
    contract = contract_of(columns(f"unique: true, {DATASET}", "unique: true"))
    assert [k.scope for k in contract.unique_keys] == ["dataset", "batch"]
    composite = contract_of(columns(key(1, f", {DATASET}"), key(2, f", {DATASET}")))
    assert composite.unique_keys == (UniqueKey("primaryKey", ("a", "b"), "dataset"),)


def test_two_columns_of_a_key_may_not_share_a_position() -> None:
    assert problems_of(contract_text(columns(key(1), key(2), key(2)))) == [
        "orders.yaml:12:78: column 'b' has this 'primaryKeyPosition' too"
    ]


def test_a_composite_key_says_the_position_of_each_column() -> None:
    assert problems_of(contract_text(columns(key(1), "primaryKey: true"))) == [
        (
            "orders.yaml:11:40: the primary key has several columns; give 'b' a "
            "'primaryKeyPosition' from 1"
        )
    ]


def test_the_columns_of_a_composite_key_agree_on_its_scope() -> None:
    assert problems_of(contract_text(columns(key(1), key(2, f", {DATASET}")))) == [
        (
            "orders.yaml:11:131: the columns of a primary key have one uniqueScope; 'b' has "
            "dataset, 'a' has batch"
        )
    ]


def test_a_column_of_a_composite_key_cannot_be_optional() -> None:
    assert problems_of(contract_text(columns(key(1, ", required: false"), key(2)))) == [
        "orders.yaml:10:81: a primary key is required; 'required: false' contradicts it"
    ]


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        (
            "customProperties: [{property: uniqueScope, value: dataset}]",
            "'uniqueScope' of column 'a', which is neither unique nor in the primary key",
        ),
        (
            "unique: true, customProperties: [{property: uniqueScope, value: batches}]",
            ("uniqueScope 'batches' is not known. Did you mean 'batch'? Expected batch or dataset"),
        ),
        (
            "unique: true, customProperties: [{property: uniqueScpoe, value: batch}]",
            (
                "unknown custom property 'uniqueScpoe' of a column. Did you mean 'uniqueScope'? "
                "Known: anonymize, notPersonal, subject, uniqueScope, severity"
            ),
        ),
    ],
)
def test_a_scope_that_cannot_be_kept_is_refused(keys: str, message: str) -> None:
    assert column_messages(f"logicalType: string, {keys}") == [message]


def test_a_rule_may_not_take_the_name_of_the_composite_key() -> None:
    quality = "      - {name: primaryKey, type: library, metric: rowCount, mustBe: 1}\n"
    assert problems_of(contract_text(columns(key(1), key(2)), quality)) == [
        (
            "orders.yaml:13:16: quality rule 'primaryKey' repeats the name of line 10; "
            "each rule needs its own"
        )
    ]
    assert contract_of(columns(key(1)), quality).metrics[0].name == "primaryKey"
