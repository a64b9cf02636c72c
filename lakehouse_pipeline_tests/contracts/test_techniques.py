"""Techniques in a contract: what is wrong with them, and what they make of a published column."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from lakehouse_pipeline.contracts.export.json_schema import json_schema
from lakehouse_pipeline.contracts.export.privacy_words import (
    privacy_in_words,
    protection_in_words,
)
from lakehouse_pipeline.contracts.model import Privacy
from lakehouse_pipeline.contracts.pandera_schema import published_schema
from lakehouse_pipeline.contracts.published import published_columns
from lakehouse_pipeline.contracts.technique_cautions import cautions
from lakehouse_pipeline.contracts.techniques import TECHNIQUES
from lakehouse_pipeline_tests.contracts.contract_text import (
    column_messages,
    column_of,
    contract_of,
    contract_text,
    custom,
    messages_of,
    problems_of,
)

WHOLE, TEXT, DAY = "logicalType: integer", "logicalType: string", "logicalType: date"
MONEY = 'logicalType: number, physicalType: "DECIMAL(8,2)"'
NOISE = "noise, minimum: 0, maximum: 9"
NOISE_OF_ALL = f"{NOISE}, epsilon: 1, sensitivity: 1"


def keys(of_type: str, technique: str) -> str:
    """Return the keys of a personal column, its technique in flow style."""
    value = f"[{{property: anonymize, value: {{technique: {technique}}}}}]"
    return f"{of_type}, classification: personal, customProperties: {value}"


@pytest.mark.parametrize(
    ("of_type", "technique", "message"),
    [
        (TEXT, "mask, keepFirst: -1", "'keepFirst': expected a whole number, 0 to 32"),
        (
            TEXT,
            "mask, format: emial",
            (
                "'format': 'emial' is not known. Did you mean 'email'? "
                "Expected email, phone, card or iban"
            ),
        ),
        (TEXT, "hash, preserveNull: 1", "'preserveNull': expected true or false"),
        (TEXT, "pseudonymize", "technique 'pseudonymize' needs the key 'kind'"),
        (
            TEXT,
            "pseudonymize, kind: nmae",
            (
                "'kind': 'nmae' is not known. Did you mean 'name'? "
                "Expected name, firstName, lastName, email, phone or address"
            ),
        ),
        (
            TEXT,
            "tokenize, vault: a b",
            "'vault': expected a name of letters, digits, '_', '-' and '.'",
        ),
        (
            TEXT,
            "generalize",
            "technique 'generalize' needs one of the keys step, bands, to, prefix, hierarchy",
        ),
        (TEXT, "generalize, step: 5", "'step' needs integer or number; column 'a' is string"),
        (WHOLE, "generalize, to: year", "'to' needs date or timestamp; column 'a' is integer"),
        (
            DAY,
            "generalize, bands: [18]",
            (
                "'bands' needs integer or number; column 'a' is date; a date needs 'asOf', the day "
                "ages are told for"
            ),
        ),
        (
            WHOLE,
            "generalize, bands: [18, 5]",
            "'bands': expected 1 to 100 numbers, each above the one before",
        ),
        (
            TEXT,
            'generalize, hierarchy: "city,land\\nUlm,BW\\nUlm,BY"',
            "'hierarchy': value 2 is there twice",
        ),
        (
            TEXT,
            'generalize, hierarchy: "city,land\\nUlm"',
            "'hierarchy': value 1 has 1 fields, the first line has 2",
        ),
        (
            TEXT,
            'generalize, hierarchy: "city\\nUlm"',
            "'hierarchy': expected two names or more in the first line, each another one",
        ),
        (
            TEXT,
            "generalize, hierarchy: 7",
            (
                "'hierarchy': expected CSV text: a line with the names of the levels, then a line "
                "per value"
            ),
        ),
        (
            WHOLE,
            'generalize, hierarchy: "code,land\\n7,BW\\nUlm,BY"',
            "'hierarchy': value 2: 'Ulm' is not BIGINT: expected a whole number",
        ),
        (
            MONEY,
            'generalize, hierarchy: "price,band\\n5,low\\n5.00,mid"',
            "'hierarchy': value 2 is there twice",
        ),
        (
            TEXT,
            'generalize, level: lnad, hierarchy: "city,land\\nUlm,BW"',
            "'level': 'lnad' is not known. Did you mean 'land'? Known: land",
        ),
        (TEXT, "generalize, prefix: 2, level: land", "'level' goes with 'hierarchy'"),
        (TEXT, "redact, value: ''", "'value': expected a printable text"),
        (TEXT, "aggregate, k: 5", "technique 'aggregate' needs a number; column 'a' is string"),
        (WHOLE, "aggregate, k: 1", "'k': expected a whole number, 2 or more"),
        (
            WHOLE,
            "noise, epsilon: 1, sensitivity: 1",
            (
                "technique 'noise' is bounded: give it 'minimum' and 'maximum', or the column "
                "these rules"
            ),
        ),
        (
            WHOLE,
            "noise, epsilon: 0, sensitivity: 1, minimum: 0, maximum: 9",
            "'epsilon': expected a number above 0",
        ),
        (
            WHOLE,
            "noise, epsilon: 1, sensitivity: 1, minimum: 9, maximum: 0",
            "'minimum' 9 is not below 'maximum' 0",
        ),
        (
            TEXT,
            "custom, expression: lower(b)",
            "expression: unknown column 'b'. Text is written in single quotes",
        ),
        (TEXT, "custom", "technique 'custom' needs the key 'expression'"),
        (
            TEXT,
            "suppress, k: 2",
            "'k' goes with aggregate; technique 'suppress' takes no parameters",
        ),
        (
            TEXT,
            "tokenize, preserveFormat: true",
            (
                "'preserveFormat' goes with mask, generalize; technique 'tokenize' takes vault, "
                "preserveNull"
            ),
        ),
        (
            TEXT,
            "hash, preserveNul: true",
            (
                "unknown key 'preserveNul' in technique 'hash'. Did you mean 'preserveNull'? "
                "Known: technique, preserveNull"
            ),
        ),
        (TEXT, "mask, keepLast: 33", "'keepLast': expected a whole number, 0 to 32"),
        (
            TEXT,
            f"generalize, prefix: {10**31}",
            "'prefix': expected a whole number, 1 to 1000000",
        ),
        (
            WHOLE,
            "generalize, step: 1",
            (
                "'step': a range of 1 holds one value of BIGINT alone, which is published as it "
                "is; expected more than 1"
            ),
        ),
        (
            MONEY,
            "generalize, step: 0.010",
            (
                "'step': a range of 0.01 holds one value of DECIMAL(8,2) alone, which is published "
                "as it is; expected more than 0.01"
            ),
        ),
        (
            WHOLE,
            "generalize, step: 1000000000000000000.5",
            "'step': expected a number of at most 18 digits",
        ),
        (
            "logicalType: number",
            "generalize, step: 1e-19",
            "'step': expected a number of at most 18 digits",
        ),
        (
            WHOLE,
            "noise, epsilon: 1e-300, sensitivity: 1.5, minimum: 0, maximum: 9",
            "'epsilon': expected a number above 0",
        ),
        (
            WHOLE,
            "noise, epsilon: 10, sensitivity: 1, minimum: 0, maximum: 9",
            (
                "'epsilon': noise of scale 0.1 (sensitivity / epsilon) leaves more than half of "
                "the values as they are, since BIGINT holds steps of 1; expected a scale of 0.72 "
                "or more"
            ),
        ),
        (
            MONEY,
            "noise, epsilon: 1, sensitivity: 0.007, minimum: 0, maximum: 9",
            (
                "'epsilon': noise of scale 0.007 (sensitivity / epsilon) leaves more than half of "
                "the values as they are, since DECIMAL(8,2) holds steps of 0.01; expected a scale "
                "of 0.0072 or more"
            ),
        ),
    ],
)
def test_a_technique_that_does_not_fit_says_why(of_type: str, technique: str, message: str) -> None:
    assert column_messages(keys(of_type, technique)) == [message]


@pytest.mark.parametrize(
    ("of_type", "epsilon"), [(WHOLE, 1.3), (MONEY, 138), ("logicalType: number", 1e9)]
)
def test_noise_that_moves_half_of_the_values_is_taken(of_type: str, epsilon: float) -> None:
    noise = f"noise, epsilon: {epsilon}, sensitivity: 1, minimum: 0, maximum: 9"
    assert column_messages(keys(of_type, noise)) == []


def test_a_problem_stands_at_its_place() -> None:
    text = contract_text(f"      - {{name: a, {keys(TEXT, 'mask, keepLast: x')}}}\n")
    (problem,) = problems_of(text)
    line = text[: text.index("keepLast")].count("\n") + 1
    column = text.splitlines()[line - 1].index("x}") + 1
    assert problem.startswith(f"orders.yaml:{line}:{column}: 'keepLast': expected")


WRONG: Sequence[tuple[str, str, str, str]] = (
    (TEXT, "mask", "keepFirst: true", "expected a whole number, 0 to 32"),
    (TEXT, "mask", "keepFirst: 1.5", "expected a whole number, 0 to 32"),
    (TEXT, "mask", "keepLast: many", "expected a whole number, 0 to 32"),
    (TEXT, "mask", "character: ''", "expected one printable character"),
    (TEXT, "mask", "character: ab", "expected one printable character"),
    (TEXT, "mask", 'character: "\\t"', "expected one printable character"),
    (TEXT, "mask", "character: 1", "expected one printable character"),
    (TEXT, "mask", "format: uuid", "'uuid' is not known. Expected email, phone, card or iban"),
    (TEXT, "mask", "preserveFormat: 1", "expected true or false"),
    (TEXT, "generalize, prefix: 2", "preserveFormat: yes please", "expected true or false"),
    (TEXT, "hash", "preserveNull: null", "expected true or false"),
    (TEXT, "tokenize", "preserveNull: 0", "expected true or false"),
    (TEXT, "pseudonymize, kind: name", "preserveNull: 'true'", "expected true or false"),
    (TEXT, "redact", "preserveNull: 'false'", "expected true or false"),
    (TEXT, "tokenize", "vault: 1st", "expected a name of letters, digits, '_', '-' and '.'"),
    (TEXT, "tokenize", "vault: ../x", "expected a name of letters, digits, '_', '-' and '.'"),
    (
        TEXT,
        "pseudonymize",
        "kind: iban",
        "'iban' is not known. Expected name, firstName, lastName, email, phone or address",
    ),
    (
        TEXT,
        "pseudonymize, kind: name",
        "locale: fr",
        "'fr' is not known. Expected en or de",
    ),
    (WHOLE, "generalize", "step: 0", "expected a number above 0"),
    (WHOLE, "generalize", "step: -10", "expected a number above 0"),
    (WHOLE, "generalize", "step: .nan", "expected a number above 0"),
    (WHOLE, "generalize", "bands: []", "expected 1 to 100 numbers, each above the one before"),
    (WHOLE, "generalize", "bands: [1, 1]", "expected 1 to 100 numbers, each above the one before"),
    (WHOLE, "generalize", "bands: 18", "expected 1 to 100 numbers, each above the one before"),
    (DAY, "generalize, bands: [18]", "asOf: 2026-02-30", "expected a date such as 2026-01-01"),
    (
        DAY,
        "generalize",
        "to: week",
        "'week' is not known. Expected month, quarter, year or decade",
    ),
    (TEXT, "generalize", "prefix: 0", "expected a whole number, 1 to 1000000"),
    (
        TEXT,
        "generalize",
        "hierarchy: ''",
        "expected CSV text: a line with the names of the levels, then a line per value",
    ),
    (TEXT, 'generalize, hierarchy: "a,b\\nx,y"', "level: 1", "expected a printable text"),
    (TEXT, 'generalize, hierarchy: "a,b\\nx,y"', "otherwise: ''", "expected a printable text"),
    (TEXT, "redact", "value: 1", "expected a printable text"),
    (TEXT, "redact", 'value: "a\\nb"', "expected a printable text"),
    (WHOLE, f"{NOISE}, sensitivity: 1", "epsilon: -1", "expected a number above 0"),
    (WHOLE, f"{NOISE}, sensitivity: 1", "epsilon: .inf", "expected a number above 0"),
    (WHOLE, f"{NOISE}, sensitivity: 1", f"epsilon: {10**31}", "expected a number above 0"),
    (WHOLE, f"{NOISE}, epsilon: 1", "sensitivity: 0", "expected a number above 0"),
    (WHOLE, f"{NOISE}, epsilon: 1", "sensitivity: true", "expected a number above 0"),
    (WHOLE, "noise, epsilon: 1, sensitivity: 1, maximum: 9", "minimum: '0'", "expected a number"),
    (WHOLE, "noise, epsilon: 1, sensitivity: 1, minimum: 0", "maximum: .inf", "expected a number"),
    (WHOLE, "aggregate", "k: 2.0", "expected a whole number, 2 or more"),
    (TEXT, "custom", "expression: 7", "expected a printable text"),
    (
        TEXT,
        "custom, expression: lower(a)",
        "type: text",
        "'text' is not known. Expected string, integer, number, boolean, date or timestamp",
    ),
)
"""A column, a technique, a parameter of it with a wrong value, and what is said of the value."""


@pytest.mark.parametrize(("of_type", "technique", "parameter", "said"), WRONG)
def test_a_parameter_that_is_wrong_is_refused_where_it_stands(
    of_type: str, technique: str, parameter: str, said: str
) -> None:
    text = contract_text(f"      - {{name: a, {keys(of_type, f'{technique}, {parameter}')}}}\n")
    name = parameter.split(":", maxsplit=1)[0]
    line = text[: text.index(parameter)].count("\n") + 1
    column = text.splitlines()[line - 1].index(parameter) + len(name) + len(": ") + 1
    assert f"orders.yaml:{line}:{column}: '{name}': {said}" in problems_of(text)


def test_a_wrong_value_of_every_parameter_was_tried() -> None:
    tried = {parameter.split(":")[0] for _, _, parameter, _ in WRONG}
    assert tried == {name for names in TECHNIQUES.values() for name in names}


@pytest.mark.parametrize(
    ("of_type", "technique", "message"),
    [
        (
            WHOLE,
            "noise, epsilon: 1, minimum: 0, maximum: 9",
            "technique 'noise' needs the key 'sensitivity'",
        ),
        (
            WHOLE,
            "noise, sensitivity: 1, minimum: 0, maximum: 9",
            "technique 'noise' needs the key 'epsilon'",
        ),
        (WHOLE, "aggregate", "technique 'aggregate' needs the key 'k'"),
        (TEXT, NOISE_OF_ALL, "technique 'noise' needs a number; column 'a' is string"),
        (WHOLE, "generalize, step: 5, asOf: 2026-01-01", "'asOf' goes with 'bands' over a date"),
        (WHOLE, "generalize, step: 5, preserveFormat: true", "'preserveFormat' goes with 'prefix'"),
        (TEXT, "generalize, prefix: 2, otherwise: x", "'otherwise' goes with 'hierarchy'"),
        (
            TEXT,
            "generalize, prefix: 2, step: 5",
            "technique 'generalize' needs one of the keys step, bands, to, prefix, hierarchy",
        ),
    ],
)
def test_parameters_that_do_not_go_together_are_refused(
    of_type: str, technique: str, message: str
) -> None:
    assert message in column_messages(keys(of_type, technique))


@pytest.mark.parametrize("form", ["email", "phone", "card", "iban"])
def test_a_format_that_is_not_to_be_kept_is_refused(form: str) -> None:
    asked = f"mask, format: {form}, preserveFormat: "
    assert column_messages(keys(TEXT, f"{asked}true")) == []
    (said,) = column_messages(keys(TEXT, f"{asked}false"))
    assert said == (
        f"'preserveFormat': a mask with the format '{form}' keeps the format; to mask the "
        "separators too leave out 'format' and give keepFirst and keepLast"
    )
    assert column_messages(keys(TEXT, "mask, keepLast: 2, preserveFormat: false")) == []


@pytest.mark.parametrize("level", ["gdpr", "strict"])
def test_custom_is_refused_where_a_technique_must_hold(level: str) -> None:
    columns = f"      - {{name: a, {keys(TEXT, 'custom, expression: lower(a)')}}}\n"
    privacy = "{property: privacy, value: {quasiIdentifiers: [a], k: 2, sensitive: []}}"
    top = f"customProperties: [{{property: compliance, value: {level}}}, {privacy}]\n"
    (message,) = messages_of(contract_text(columns, top=top))
    assert message.startswith(f"technique 'custom' is not taken under {level}")


@pytest.mark.parametrize("technique", ["hash", "drop"])
def test_custom_reads_no_other_column_that_is_made_safe(technique: str) -> None:
    made_safe = f"customProperties: [{{property: anonymize, value: {{technique: {technique}}}}}]"
    columns = (
        f"      - {{name: a, logicalType: string, {made_safe}}}\n"
        f"      - {{name: b, {keys(TEXT, 'custom, expression: lower(a)')}}}\n"
    )
    (message,) = messages_of(contract_text(columns))
    assert message.startswith("expression: unknown column 'a'")


def test_a_column_with_a_technique_is_personal_unless_it_says_that_it_is_not() -> None:
    made_safe = "{property: anonymize, value: {technique: hash}}"
    assert column_of(f"{TEXT}, customProperties: [{made_safe}]").personal
    excused = "{property: notPersonal, value: {reason: numbers of machines}}"
    assert not column_of(f"{TEXT}, customProperties: [{made_safe}, {excused}]").personal
    assert not column_of(TEXT).personal


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("{k: 5}", "privacy: 'quasiIdentifiers' expects a list of column names"),
        ("{quasiIdentifiers: [id], k: 1}", "privacy: 'k' expects a whole number, 2 or more"),
        (
            "{quasiIdentifiers: [emial], k: 5}",
            "privacy: unknown column 'emial'. Did you mean 'email'?",
        ),
        (
            "{quasiIdentifiers: [id], k: 5, l: 2}",
            "privacy: 'l' and 't' are of 'sensitive' columns; name one at least",
        ),
        (
            "{quasiIdentifiers: [id], k: 5, t: 0.2, sensitive: []}",
            "privacy: 'l' and 't' are of 'sensitive' columns; name one at least",
        ),
        (
            "{quasiIdentifiers: [id], k: 5, t: 2, sensitive: [paid]}",
            "privacy: 't' expects a number above 0, at most 1",
        ),
        (
            "{quasiIdentifiers: [id], k: 5, l: 2, sensitive: [id]}",
            "privacy: column 'id' is a quasi-identifier too",
        ),
        (
            "{quasiIdentifiers: [id], k: 5, below: supress}",
            (
                "privacy: below 'supress' is not known. Did you mean 'suppress'? "
                "Expected suppress or refuse"
            ),
        ),
        (
            "{quasiIdentifiers: [id, email, id], k: 5}",
            "privacy: column 'id' stands there twice",
        ),
        (
            "{quasiIdentifiers: [id], kk: 5, k: 5}",
            (
                "unknown key 'kk' in privacy. Did you mean 'k'? "
                "Known: quasiIdentifiers, k, l, t, sensitive, below"
            ),
        ),
    ],
)
def test_a_promise_that_cannot_be_measured_says_why(value: str, message: str) -> None:
    found = messages_of(contract_text(top=custom("privacy", value)))
    assert [one.removesuffix(".") for one in found] == [message.removesuffix(".")]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (
            "",
            (
                "compliance strict measures l and t; name the columns that are 'sensitive', with "
                "'l' and 't', or say 'sensitive: []' where none is"
            ),
        ),
        (
            ", sensitive: [paid], l: 2",
            "compliance strict measures l and t of 'sensitive' columns; add t",
        ),
        (
            ", sensitive: [paid], t: 0.2",
            "compliance strict measures l and t of 'sensitive' columns; add l",
        ),
    ],
)
def test_strict_measures_sensitive_columns_or_says_that_none_is(more: str, message: str) -> None:
    columns = "".join(f"      - {{name: {name}, logicalType: string}}\n" for name in ("id", "paid"))

    def found(more: str, level: str = "strict") -> list[str]:
        value = f"{{quasiIdentifiers: [id], k: 5{more}}}"
        privacy = f"{{property: privacy, value: {value}}}"
        top = f"customProperties: [{{property: compliance, value: {level}}}, {privacy}]\n"
        return messages_of(contract_text(columns, top=top))

    assert found(more) == [message]
    assert found(more, "gdpr") == []
    assert found(", sensitive: []") == found(", sensitive: [paid], l: 2, t: 0.2") == []


def test_what_is_not_published_is_not_measured() -> None:
    columns = (
        f"      - {{name: a, {keys(TEXT, 'drop')}}}\n      - {{name: b, logicalType: string}}\n"
    )
    top = custom("privacy", "{quasiIdentifiers: [a, b], k: 5}")
    assert messages_of(contract_text(columns, top=top)) == [
        "privacy: column 'a' is not published, so it is not measured"
    ]


def test_a_promise_about_groups_goes_with_no_upsert() -> None:
    columns = (
        "      - {name: a, logicalType: integer, primaryKey: true}\n"
        "      - {name: b, logicalType: string}\n"
    )
    promise = "{property: privacy, value: {quasiIdentifiers: [b], k: 5}}"
    top = f"customProperties: [{{property: publish, value: {{mode: upsert}}}}, {promise}]\n"
    (message,) = messages_of(contract_text(columns, top=top))
    assert message.startswith("'privacy' goes with publish mode append")


@pytest.mark.parametrize(
    ("of_type", "technique", "published"),
    [
        (WHOLE, "hash", "VARCHAR"),
        (WHOLE, "suppress", "BIGINT"),
        (DAY, "suppress", "DATE"),
        (DAY, "generalize, to: month", "VARCHAR"),
        (WHOLE, "noise, epsilon: 1, sensitivity: 1, minimum: 0, maximum: 9", "BIGINT"),
        (WHOLE, "aggregate, k: 3", "DOUBLE"),
        (MONEY, "aggregate, k: 3", "DECIMAL(8,2)"),
        (TEXT, "custom, expression: length(a), type: integer", "BIGINT"),
        (TEXT, "tokenize", "VARCHAR"),
    ],
)
def test_the_published_type_follows_from_the_technique(
    of_type: str, technique: str, published: str
) -> None:
    contract = contract_of(f"      - {{name: a, {keys(of_type, technique)}}}\n")
    (column,) = published_columns(contract)
    assert column.type.sql == published
    assert "a" in published_schema(contract).columns
    assert "a" in str(json_schema(contract))


def test_what_may_be_null_is_not_required_and_noise_has_bounds() -> None:
    def one(technique: str) -> tuple[bool, str | None, str | None]:
        columns = f"      - {{name: a, required: true, {keys(WHOLE, technique)}}}\n"
        (column,) = published_columns(contract_of(columns))
        return column.required, column.minimum, column.maximum

    assert one("suppress") == (False, None, None)
    assert one("hash") == (True, None, None)
    assert one("noise, epsilon: 1, sensitivity: 1, minimum: 0, maximum: 9") == (True, "0", "9")


@pytest.mark.parametrize(
    ("of_type", "technique", "words"),
    [
        (TEXT, "mask, format: email", "masked with *, except the first 1 character and its domain"),
        (TEXT, "pseudonymize, kind: name", "replaced by a made-up name: the same value gives"),
        (WHOLE, "generalize, bands: [18, 65]", "only its band between 18, 65"),
        (TEXT, 'generalize, hierarchy: "city,land\\nUlm,BW"', "only its land"),
        (TEXT, "redact", "replaced by [redacted]"),
        (WHOLE, "aggregate, k: 3", "the mean of at least 3 similar values"),
    ],
)
def test_a_technique_in_words(of_type: str, technique: str, words: str) -> None:
    assert privacy_in_words(column_of(keys(of_type, technique))).startswith(words)


@pytest.mark.parametrize(
    ("of_type", "technique", "said"),
    [
        (WHOLE, "generalize, bands: [0, 1, 5, 6]", "weak; one value alone is in [0,1), [5,6)"),
        (MONEY, "generalize, bands: [0.10, 0.11, 1]", "weak; one value alone is in [0.1,0.11)"),
        (MONEY, "generalize, bands: [1, 2, 3]", ""),
        ("logicalType: number", "generalize, bands: [0.1, 0.11]", ""),
        (DAY, "generalize, bands: [17, 18], asOf: 2026-01-01", ""),
        (TEXT, "generalize, prefix: 4", "weak; the first 4 characters stay"),
        (TEXT, "mask, keepLast: 3", "weak; a part of the value and its length stay"),
    ],
)
def test_what_a_technique_leaves_to_be_seen_is_told(
    of_type: str, technique: str, said: str
) -> None:
    found = cautions(contract_of(f"      - {{name: c, {keys(of_type, technique)}}}\n"))
    kind = technique.split(",", maxsplit=1)[0]
    assert found == ([f"{kind} of 'c': {said}"] if said else [])


def test_a_promise_in_words() -> None:
    privacy = Privacy(("zip",), 5, 2, 0.3, ("illness",), "suppress")
    assert protection_in_words(privacy) == (
        "at least 5 records share each combination of zip; each such group has at least 2 "
        "different values of illness; its distribution of illness is within 0.3 of that of all. "
        "Other records are withheld."
    )


def test_the_page_for_officers_has_every_technique() -> None:
    page = (Path(__file__).parents[2] / "docs" / "privacy.md").read_text("utf-8")
    assert [name for name in TECHNIQUES if f"| `{name}` |" not in page] == []
