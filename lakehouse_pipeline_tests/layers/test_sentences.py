"""What a broken rule means in a sentence, in both languages."""

import pytest

from lakehouse_pipeline.contracts.load import load_text
from lakehouse_pipeline.contracts.severities import KINDS
from lakehouse_pipeline.layers.sentences import Language, sentences
from lakehouse_pipeline_tests.contracts.contract_text import contract_of, contract_text, problems_of

TRANSLATED = (
    "customProperties: [{property: translations, value: {de: Bezahlt heißt Betrag über 0}}]"
)
SQL = "type: custom, engine: lakehouse, name: rule, implementation: amount > 0"
PANDERA = "type: custom, engine: pandera, name: rule, implementation: is_even"
SAYS = "description: a paid order has an amount"


def said(rule: str, language: Language) -> str:
    return sentences(contract_of(quality=f"      - {{{rule}}}\n"), language)["rule"]


@pytest.mark.parametrize(
    ("rule", "english", "german"),
    [
        (
            f"{SQL}, {SAYS}, {TRANSLATED}",
            "a paid order has an amount.",
            "Bezahlt heißt Betrag über 0.",
        ),
        (
            f"{PANDERA}, {SAYS}, {TRANSLATED}",
            "a paid order has an amount.",
            "Bezahlt heißt Betrag über 0.",
        ),
        (
            f"{SQL}, {SAYS}",
            "a paid order has an amount.",
            "Die Regel rule ist verletzt: „a paid order has an amount“",
        ),
        (SQL, "must hold: amount > 0.", "Die Regel rule ist verletzt: amount > 0"),
        (
            PANDERA,
            "must pass the check is_even.",
            "Die Prüfung is_even der Regel rule ist nicht bestanden.",
        ),
    ],
)
def test_a_custom_rule_says_what_its_contract_says(rule: str, english: str, german: str) -> None:
    assert said(rule, "en") == english
    assert said(rule, "de") == german


@pytest.mark.parametrize(
    ("name", "german"),
    [
        ("email", "mail muss eine E-Mail-Adresse sein."),
        ("uuid", "mail muss eine UUID sein."),
        ("uri", "mail muss eine URI sein."),
        ("hostname", "mail muss ein Hostname sein."),
        ("ipv4", "mail muss eine IPv4-Adresse sein."),
        ("ipv6", "mail muss eine IPv6-Adresse sein."),
    ],
)
def test_a_format_has_a_name_in_german(name: str, german: str) -> None:
    column = (
        f"      - {{name: mail, logicalType: string, logicalTypeOptions: {{format: {name}}}}}\n"
    )
    assert sentences(contract_of(column), "de")["mail.format"] == german


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("{de: 1}", "expected a sentence in German, as text"),
        ("{fr: non}", "unknown key 'fr' in translations. Known: de"),
        ("nein", "'translations': expected a mapping with the keys de"),
    ],
)
def test_a_translation_that_is_none_is_an_error_at_its_place(value: str, message: str) -> None:
    properties = f"customProperties: [{{property: translations, value: {value}}}]"
    (problem,) = problems_of(contract_text(quality=f"      - {{{SQL}, {properties}}}\n"))
    assert message in problem


@pytest.mark.parametrize(
    ("kind", "german"),
    [
        (
            'number, physicalType: "DECIMAL(10,2)"',
            "a muss eine Zahl mit höchstens 8 Stellen vor und 2 nach dem Dezimalpunkt sein.",
        ),
        ("number", "a muss eine Zahl mit höchstens 17 Stellen und Dezimalpunkt sein."),
        ("integer, physicalType: SMALLINT", "a muss eine ganze Zahl (SMALLINT) sein."),
        ("boolean", "a muss true oder false sein."),
        ("date", "a muss ein Datum der Form yyyy-MM-dd sein."),
        (
            "date, logicalTypeOptions: {format: dd.MM.yyyy}",
            "a muss ein Datum der Form dd.MM.yyyy sein.",
        ),
        ("timestamp", "a muss ein Zeitpunkt der Form yyyy-MM-dd HH:mm:ss sein."),
        ("time", "a muss eine Uhrzeit der Form HH:mm:ss sein."),
    ],
)
def test_a_type_says_in_german_how_its_values_are_written(kind: str, german: str) -> None:
    column = f"      - {{name: a, logicalType: {kind}}}\n"
    assert sentences(contract_of(column), "de")["a.type"] == german


def test_a_foreign_key_says_whether_one_value_or_several_together_are_not_known() -> None:
    text = contract_text(
        "      - {name: a, logicalType: string, relationships: [{to: places.a}]}\n"
        "      - {name: b, logicalType: string}\n"
    )
    to = "    relationships: [{from: [a, b], to: [places.a, places.b]}]\n    properties:"
    contract = load_text(text.replace("    properties:", to), "orders.yaml")
    english, german = sentences(contract, "en"), sentences(contract, "de")
    assert english["a.foreignKey"] == "a is not known in places."
    assert german["a.foreignKey"] == "a gibt es in places nicht."
    assert english["a_b.foreignKey"] == "a, b together are not known in places."
    assert german["a_b.foreignKey"] == "a, b zusammen gibt es in places nicht."


def test_every_kind_of_rule_is_told_in_german() -> None:
    options = "{minimum: 1, maximum: 9, multipleOf: 2}"
    exclusive = "{exclusiveMinimum: 1, exclusiveMaximum: 9}"
    texts = "{minLength: 1, maxLength: 9, pattern: x, format: email}"
    key = "primaryKey: true, primaryKeyPosition"
    columns = (
        f"      - {{name: a, logicalType: integer, {key}: 1, logicalTypeOptions: {options}}}\n"
        f"      - {{name: b, logicalType: number, {key}: 2, logicalTypeOptions: {exclusive}}}\n"
        f"      - {{name: c, logicalType: string, unique: true, enum: [{{value: x}}], "
        f"logicalTypeOptions: {texts}, relationships: [{{to: places.c}}]}}\n"
    )
    contract = contract_of(columns, quality=f"      - {{{SQL.replace('amount', 'a')}}}\n")
    english, german = sentences(contract, "en"), sentences(contract, "de")
    kinds = {name.rsplit(".", 1)[-1] for name in english}
    assert kinds >= {*KINDS, "type", "foreignKey", "primaryKey", "rule", "fields", "quote"}
    assert english.keys() == german.keys()
    assert [name for name in english if english[name] == german[name]] == []
    foreign = (" must ", " is ", " has ", " the ", "{", "None")
    assert [said for said in german.values() if any(word in said for word in foreign)] == []
