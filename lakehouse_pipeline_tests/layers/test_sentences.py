"""What a broken rule means in a sentence, in both languages."""

import pytest

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
