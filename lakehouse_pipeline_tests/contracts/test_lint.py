"""What the parts of a contract promise together."""

import pytest

from lakehouse_pipeline.contracts.techniques import TECHNIQUES
from lakehouse_pipeline_tests.contracts.contract_text import (
    contract_of,
    contract_text,
    messages_of,
    problems_of,
)

PERSONAL = "      - {name: email, logicalType: string, classification: personal%s}\n"
PLAIN = "      - {name: id, logicalType: integer}\n"
GDPR = "customProperties: [{property: compliance, value: gdpr}]\n"


def technique(name: str) -> str:
    return f", customProperties: [{{property: anonymize, value: {{technique: {name}}}}}]"


def test_a_personal_column_needs_a_technique_under_gdpr() -> None:
    assert problems_of(contract_text(PLAIN + PERSONAL % "", top=GDPR)) == [
        (
            "orders.yaml:12:9: column 'email' is personal and the contract is "
            "under gdpr, but it has "
            "no technique; add the custom property 'anonymize' (hash, mask, drop, tokenize, "
            "pseudonymize, generalize, suppress, redact, noise, aggregate or custom)"
        )
    ]


LEVELS = pytest.mark.parametrize("level", ["gdpr", "strict"])
SOUND = {
    "pseudonymize": "pseudonymize, kind: name",
    "generalize": "generalize, prefix: 2",
    "noise": "noise, epsilon: 1, sensitivity: 1, minimum: 0, maximum: 9",
    "aggregate": "aggregate, k: 3",
    "custom": "custom, expression: '1'",
}
"""The techniques that need parameters, with them."""


def at(level: str) -> str:
    """Return the top of a contract under a level, with what strict measures."""
    privacy = "{property: privacy, value: {quasiIdentifiers: [id], k: 2, sensitive: []}}"
    return f"customProperties: [{{property: compliance, value: {level}}}, {privacy}]\n"


@LEVELS
@pytest.mark.parametrize(
    "classification",
    [
        "personal",
        "Personal Data",
        "pii",
        "sensitive",
        "SENSITIVE_DATA",
        "special",
        "special-data",
    ],
)
def test_whatever_marks_a_column_as_personal_it_needs_a_technique(
    classification: str, level: str
) -> None:
    columns = f"      - {{name: mail, logicalType: string, classification: {classification}}}\n"
    (message,) = messages_of(contract_text(PLAIN + columns, top=at(level)))
    assert message.startswith(
        f"column 'mail' is personal and the contract is under {level}, but it has no technique"
    )


@LEVELS
@pytest.mark.parametrize("name", sorted(TECHNIQUES))
def test_every_technique_but_custom_is_enough_for_a_personal_column(name: str, level: str) -> None:
    kind = "integer" if name in ("noise", "aggregate") else "string"
    marked = f"classification: pii{technique(SOUND.get(name, name))}"
    columns = f"      - {{name: mail, logicalType: {kind}, {marked}}}\n"
    refused = (
        f"technique 'custom' is not taken under {level}: nothing shows that its result does not "
        "lead back to the value"
    )
    found = messages_of(contract_text(PLAIN + columns, top=at(level)))
    assert found == ([refused] if name == "custom" else [])
    unclassified = columns.replace("classification: pii, ", "")
    assert messages_of(contract_text(PLAIN + unclassified, top=at(level))) == found


def test_a_technique_that_is_wrong_is_one_problem_and_not_two() -> None:
    assert messages_of(contract_text(PLAIN + PERSONAL % technique("hahs"), top=GDPR)) == [
        (
            "technique 'hahs' is not known. Did you mean 'hash'? Known: hash, mask, drop, "
            "tokenize, "
            "pseudonymize, generalize, suppress, redact, noise, aggregate, custom"
        )
    ]


def test_a_personal_column_needs_no_technique_without_gdpr() -> None:
    assert contract_of(PLAIN + PERSONAL % "").compliance == "standard"


def test_a_number_may_be_hashed() -> None:
    columns = (
        f"      - {{name: id, logicalType: integer, classification: pii{technique('hash')}}}\n"
    )
    assert contract_of(columns, top=GDPR).column("id").anonymize is not None


def test_strict_is_refused_without_what_is_measured() -> None:
    top = GDPR.replace("gdpr", "strict")
    (message,) = messages_of(contract_text(PLAIN, top=top))
    assert message.startswith("compliance strict measures published data; add the custom property")


def test_a_column_that_names_the_subject_is_personal() -> None:
    subject = "customProperties: [{property: subject, value: true}]"
    columns = f"      - {{name: id, logicalType: integer, {subject}}}\n"
    assert messages_of(contract_text(columns)) == [
        "column 'id' names the subject, so it is personal; add 'classification: personal'"
    ]


def test_two_columns_may_not_differ_in_case_only() -> None:
    columns = "".join(f"      - {{name: {n}, logicalType: string}}\n" for n in ("Id", "x", "ID"))
    assert problems_of(contract_text(columns)) == [
        "orders.yaml:12:16: column 'ID' repeats 'Id' of line 10; names are compared without case"
    ]


@pytest.mark.parametrize(
    ("logical", "options", "message"),
    [
        ("integer", "minimum: 2, maximum: 1", "'minimum' 2 leaves no value under 'maximum' 1"),
        (
            "integer",
            "minimum: 2, exclusiveMaximum: 2",
            "'minimum' 2 leaves no value under 'exclusiveMaximum' 2",
        ),
        (
            "number",
            "exclusiveMinimum: 0.5, maximum: 0.50",
            "'exclusiveMinimum' 0.5 leaves no value under 'maximum' 0.50",
        ),
        (
            "date",
            "format: dd.MM.yyyy, minimum: 2020-12-01, maximum: 02.11.2020",
            "'minimum' 2020-12-01 leaves no value under 'maximum' 02.11.2020",
        ),
        (
            "timestamp",
            "minimum: '2020-01-01T10:00:00Z', maximum: '2020-01-01 10:00:00+01:00'",
            (
                "'minimum' 2020-01-01T10:00:00Z leaves no value under 'maximum' "
                "2020-01-01 10:00:00+01:00"
            ),
        ),
        (
            "string",
            "minLength: 5, maxLength: 4",
            "'minLength' 5 is above the longest length 4",
        ),
    ],
)
def test_a_range_that_no_value_is_in_is_refused(logical: str, options: str, message: str) -> None:
    columns = f"      - {{name: a, logicalType: {logical}, logicalTypeOptions: {{{options}}}}}\n"
    assert messages_of(contract_text(columns)) == [message]


@pytest.mark.parametrize("options", ["minimum: 2, maximum: 2", "minimum: 9, maximum: 10"])
def test_a_range_of_one_value_is_accepted(options: str) -> None:
    columns = f"      - {{name: a, logicalType: integer, logicalTypeOptions: {{{options}}}}}\n"
    assert contract_of(columns).columns[0].minimum is not None


def rule(name: str, sql: str) -> str:
    return f'      - {{name: {name}, type: custom, engine: lakehouse, implementation: "{sql}"}}\n'


def test_an_expression_over_an_unknown_column_is_refused() -> None:
    assert problems_of(contract_text(quality=rule("positive", "amuont > 0"))) == [
        (
            "orders.yaml:15:75: quality rule 'positive': unknown column 'amuont'. Did you mean "
            "'amount'? Text is written in single quotes"
        )
    ]


def test_an_expression_that_is_no_condition_is_refused() -> None:
    assert messages_of(contract_text(quality=rule("total", "amount + 1"))) == [
        "quality rule 'total': the expression is not true or false; compare it with something"
    ]


def test_a_boolean_column_is_a_condition() -> None:
    assert contract_of(quality=rule("is_paid", "paid")).expressions[0].columns == ("paid",)


def test_a_column_that_is_wrong_is_still_known_to_the_rules() -> None:
    columns = "      - {name: a, logicalType: strng}\n"
    (message,) = messages_of(contract_text(columns, rule("some", "a IS NOT NULL")))
    assert message.startswith("unknown logicalType 'strng'")


def test_two_rules_may_not_share_a_name() -> None:
    quality = rule("Same", "id > 0") + rule("same", "id > 1")
    quality += "      - {name: SAME, type: library, metric: rowCount, mustBe: 1}\n"
    assert problems_of(contract_text(quality=quality)) == [
        (
            "orders.yaml:16:16: quality rule 'same' repeats the name of line 15; "
            "each rule needs its "
            "own"
        ),
        (
            "orders.yaml:17:16: quality rule 'SAME' repeats the name of line 15; "
            "each rule needs its "
            "own"
        ),
    ]


def test_two_row_counts_without_a_name_share_one() -> None:
    quality = "      - {type: library, metric: rowCount, mustBe: 1}\n" * 2
    assert messages_of(contract_text(quality=quality)) == [
        "quality rule 'row_count' repeats the name of line 15; each rule needs its own"
    ]
