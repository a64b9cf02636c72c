import pytest
import yaml

from lakehouse_pipeline.contracts.load import load_bytes
from lakehouse_pipeline.contracts.model import Contract
from lakehouse_pipeline.contracts.simple import ShortContractError, changed, first_contract

COLUMNS = {"id": "int", "amount": "decimal(10, 2)", "day": "date", "name": "Text"}


def loaded(document: dict[str, object]) -> Contract:
    return load_bytes(yaml.safe_dump(document, sort_keys=False).encode(), "contract")


def test_columns_alone_are_a_sound_contract() -> None:
    contract = loaded(first_contract("sales", COLUMNS))
    assert [str(column.type) for column in contract.columns] == [
        "BIGINT",
        "DECIMAL(10,2)",
        "DATE",
        "VARCHAR",
    ]
    assert (contract.version, contract.status) == ("1.0.0", "active")


def test_without_columns_there_is_no_contract() -> None:
    with pytest.raises(ShortContractError, match="expected a column at least"):
        first_contract("sales", {})


@pytest.mark.parametrize(
    ("rule", "name", "value"),
    [
        (">0", "exclusive_minimum", "0"),
        (">= 0.5", "minimum", "0.5"),
        ("<100", "exclusive_maximum", "100"),
        ("<= -1", "maximum", "-1"),
        ("required", "required", True),
        ("unique", "unique", True),
    ],
)
def test_a_rule_in_few_words_is_one_of_odcs(rule: str, name: str, value: object) -> None:
    document = changed(first_contract("sales", COLUMNS), quality={"amount": rule})
    assert getattr(loaded(document).column("amount"), name) == value


@pytest.mark.parametrize(
    ("column", "rule", "sql"),
    [
        ("amount", "<> 7", '"amount" <> 7'),
        ("amount", "in (1, 2)", '"amount" in (1, 2)'),
        ("day", "> DATE '2024-01-01'", "\"day\" > DATE '2024-01-01'"),
        ("name", "length(name) > 3", "length(name) > 3"),
        ("name", "not like 'x%'", "\"name\" not like 'x%'"),
    ],
)
def test_any_other_rule_is_an_expression(column: str, rule: str, sql: str) -> None:
    document = changed(first_contract("sales", COLUMNS), quality={column: [rule, rule]})
    (found,) = loaded(document).expressions
    assert (found.name, found.sql, found.columns) == (f"{column}_rule_1", sql, (column,))


def test_a_technique_makes_its_column_personal_and_takes_the_place_of_the_former() -> None:
    document = changed(
        first_contract("sales", COLUMNS), privacy={"name": "hash"}, compliance="gdpr"
    )
    keeping = {"technique": "mask", "keepLast": 2}
    contract = loaded(changed(document, privacy={"name": keeping}, retention_days=30))
    column = contract.column("name")
    assert (column.personal, contract.compliance) == (True, "gdpr")
    assert column.anonymize is not None
    assert (column.anonymize.technique, column.anonymize.parameters) == ("mask", {"keepLast": 2})
    assert contract.retention["raw"] == 30


def test_what_is_changed_is_a_copy() -> None:
    document = first_contract("sales", COLUMNS)
    before = yaml.safe_dump(document)
    changed(document, retention_days=1, privacy={"id": "drop"}, quality={"amount": ">0"})
    assert yaml.safe_dump(document) == before


@pytest.mark.parametrize("key", ["privacy", "quality"])
def test_a_rule_about_an_unknown_column_names_the_nearest(key: str) -> None:
    message = f"{key}_rules: unknown column 'amuont'. Did you mean 'amount'?"
    with pytest.raises(ShortContractError, match=message):
        changed(first_contract("sales", COLUMNS), **{key: {"amuont": "mask"}})  # type: ignore[arg-type]  # one of two
