"""Quality rules by their type, and the SQL expressions and pandera checks among them."""

import pytest

from lakehouse_pipeline.contracts.model import Expression, PanderaCheck
from lakehouse_pipeline_tests.contracts.contract_text import (
    contract_of,
    contract_text,
    problems_of,
    rule_messages,
)

NOT_ENFORCED = "is not enforced by this version of lakehouse_pipeline; "
LAKEHOUSE = "type: custom, engine: lakehouse"
PANDERA = "type: custom, engine: pandera"


def pandera_of(rule: str) -> PanderaCheck:
    (check,) = contract_of(quality=f"      - {{{PANDERA}, {rule}}}\n").pandera_checks
    return check


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (
            f"{LAKEHOUSE}, implementation: id > 0",
            "a quality rule needs a 'name'; reports show it",
        ),
        (
            f"{LAKEHOUSE}, name: a.b, implementation: id > 0",
            "'a.b' is no name of a rule: expected up to 100 letters, digits, '_' or '-'",
        ),
        (
            f"{LAKEHOUSE}, name: a",
            "a custom rule needs an 'implementation', an SQL expression as text",
        ),
        (
            f"{LAKEHOUSE}, name: a, implementation: id > 0, mustBe: 1",
            f"'mustBe' in a quality rule of this type {NOT_ENFORCED}remove it",
        ),
        (
            "type: custom, name: a, implementation: id > 0",
            "a custom rule needs an 'engine'; known: lakehouse, pandera",
        ),
        (
            "type: custom, engine: soda, name: a, implementation: id > 0",
            f"engine 'soda' {NOT_ENFORCED}use engine 'lakehouse' or 'pandera'",
        ),
        (
            "type: custom, engine: pandra, name: a, implementation: x",
            f"engine 'pandra' {NOT_ENFORCED}Did you mean 'pandera'?",
        ),
        (
            f"{LAKEHOUSE}, name: a, implementation: id > 0, severity: fatal",
            "severity 'fatal' is not known. Expected error or warning",
        ),
        (
            "type: custm",
            (
                "a quality rule needs a 'type'; 'custm' is not known. Did you mean 'custom'?"
                " Known: custom, library, sql, text"
            ),
        ),
        (
            "type: text, customProperties: [{property: a, value: 1}]",
            f"'customProperties' of a quality rule {NOT_ENFORCED}remove it",
        ),
        (
            f"{PANDERA}, name: a",
            "a pandera rule needs an 'implementation', the name of a registered check",
        ),
        (
            f"{PANDERA}, name: a, implementation: not a name",
            "expected the name of a registered pandera check, such as is_valid_iban",
        ),
        (
            f"{PANDERA}, name: a, implementation: {{columns: [id]}}",
            "expected the name of a registered pandera check, such as is_valid_iban",
        ),
        (
            f"{PANDERA}, name: a, implementation: {{chek: b, check: b}}",
            (
                "unknown key 'chek' in implementation. Did you mean 'check'? "
                "Known: check, columns, arguments"
            ),
        ),
        (
            f"{PANDERA}, name: a, implementation: {{check: b, columns: [id, emial]}}",
            "unknown column 'emial'. Did you mean 'email'?",
        ),
        (
            f"{PANDERA}, name: a, implementation: {{check: b, columns: id}}",
            "'columns': expected a list of column names",
        ),
        (
            f"{PANDERA}, name: a, implementation: {{check: b, arguments: [1]}}",
            "'arguments': expected a mapping of names to values",
        ),
        (f"{PANDERA}, implementation: b", "a quality rule needs a 'name'; reports show it"),
    ],
)
def test_a_quality_rule_that_cannot_be_kept_is_refused(rule: str, message: str) -> None:
    assert rule_messages(rule) == [message]


def test_an_expression_of_a_column_is_a_rule_of_the_record() -> None:
    rule = f"{{name: positive, {LAKEHOUSE}, implementation: id > 0}}"
    columns = f"      - {{name: id, logicalType: integer, quality: [{rule}]}}\n"
    assert contract_of(columns).expressions[0].columns == ("id",)


def test_an_expression_may_warn() -> None:
    rule = f"{{name: positive, {LAKEHOUSE}, implementation: id > 0, severity: warning}}"
    assert contract_of(quality=f"      - {rule}\n").expressions == (
        Expression("positive", "id > 0", ("id",), severity="warning"),
    )


def test_a_rule_in_words_is_documentation() -> None:
    contract = contract_of(quality="      - {type: text, description: Looks right}\n")
    assert (contract.expressions, contract.metrics) == ((), ())


def test_a_pandera_check_of_a_column_sees_that_column() -> None:
    rule = f"{{name: iban, {PANDERA}, implementation: is_iban, severity: warning}}"
    columns = f"      - {{name: account, logicalType: string, quality: [{rule}]}}\n"
    assert contract_of(columns).pandera_checks == (
        PanderaCheck("iban", "is_iban", ("account",), severity="warning"),
    )


def test_a_pandera_check_has_its_columns_and_arguments() -> None:
    check = pandera_of(
        "name: few, description: ' Few. ', implementation: "
        "{check: few, columns: [paid, id], arguments: {limit: 3, words: [a, b]}}"
    )
    assert check == PanderaCheck(
        "few", "few", ("paid", "id"), {"limit": 3, "words": ["a", "b"]}, "Few."
    )


@pytest.mark.parametrize("implementation", ["sane", "{check: sane}"])
def test_a_pandera_check_of_the_schema_sees_all_columns(implementation: str) -> None:
    check = pandera_of(f"name: sane, implementation: {implementation}")
    assert check.columns == ("id", "email", "amount", "paid")


def test_the_columns_of_a_check_at_a_column_are_that_column() -> None:
    rule = f"{PANDERA}, name: b, implementation: {{check: b, columns: [a]}}"
    assert rule_messages(rule, "logicalType: string") == [
        "the column is 'a' here; remove 'columns'"
    ]


def test_rules_of_different_types_may_not_share_a_name() -> None:
    quality = (
        f"      - {{name: same, {PANDERA}, implementation: b}}\n"
        "      - {name: same, type: sql, query: 'SELECT count(*) FROM orders', mustBe: 1}\n"
    )
    assert problems_of(contract_text(quality=quality)) == [
        (
            "orders.yaml:16:16: quality rule 'same' repeats the name of line 15; "
            "each rule needs its own"
        )
    ]
