"""The pure parts of a draft: check digits, names, shapes of codes, nulls, and what is loosened."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakehouse_pipeline.contracts.infer.candidates import INTEGER, STRING
from lakehouse_pipeline.contracts.infer.check_digits import is_card_number, is_iban
from lakehouse_pipeline.contracts.infer.draft import Draft, DraftColumn, SampleFacts
from lakehouse_pipeline.contracts.infer.facts import ColumnFacts, Extent, NullTexts, percent
from lakehouse_pipeline.contracts.infer.loosen import judged, loosened
from lakehouse_pipeline.contracts.infer.null_texts import null_values
from lakehouse_pipeline.contracts.infer.personal import find_personal, subject_of
from lakehouse_pipeline.contracts.infer.ranges import bounds
from lakehouse_pipeline.contracts.infer.texts import code_pattern
from lakehouse_pipeline.contracts.infer.words import words_of
from lakehouse_pipeline.contracts.infer.yaml_scalars import comment, scalar
from lakehouse_pipeline.contracts.model import Csv
from lakehouse_pipeline.contracts.yaml_positions import parse_yaml


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("DE89370400440532013000", True),
        ("GB82 WEST 1234 5698 7654 32", True),
        ("DE89370400440532013001", False),
        ("DE", False),
        ("ÄÖ89370400440532013000", False),
    ],
)
def test_the_check_digits_of_an_iban_are_proven(text: str, right: bool) -> None:
    assert is_iban(text) == right


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("4111111111111111", True),
        ("3782 822463 10005", True),
        ("4111111111111112", False),
        ("41111111", False),
        ("not a number", False),
    ],
)
def test_the_check_digit_of_a_card_number_is_proven(text: str, right: bool) -> None:
    assert is_card_number(text) == right


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("CustomerID", "customer_id"),
        ("customer-id", "customer_id"),
        ("E-Mail", "e_mail"),
        ("Straße", "strasse"),
        ("HTTPServer2", "http_server_2"),
        ("日付", "日付"),
    ],
)
def test_a_name_is_read_in_words(name: str, words: str) -> None:
    assert words_of(name) == words


@pytest.mark.parametrize(
    ("part", "whole", "shown"),
    [
        (0, 10, "0 %"),
        (10, 10, "100 %"),
        (1, 1_000_000, "less than 0.01 %"),
        (999_999, 1_000_000, "more than 99.99 %"),
        (1, 2000, "0.1 %"),
        (1, 5000, "0.02 %"),
        (0, 0, "0 %"),
    ],
)
def test_a_share_is_never_rounded_to_none_or_all(part: int, whole: int, shown: str) -> None:
    assert percent(part, whole) == shown


@given(st.text(min_size=1))
def test_a_scalar_is_read_back_as_the_same_text(text: str) -> None:
    written = f"key: {scalar(text)}\nflow: [{scalar(text)}, {{inner: {scalar(text)}}}] # comment\n"
    assert parse_yaml(written).value == {"key": text, "flow": [text, {"inner": text}]}


@pytest.mark.parametrize("text", ["1e3", "true", "NULL", "~", "0x1f", "12", "- a", "a: b", "#", ""])
def test_a_text_that_yaml_could_take_for_something_else_stays_text(text: str) -> None:
    assert parse_yaml(f"key: {scalar(text)}").value == {"key": text}


def test_a_comment_stays_on_its_line() -> None:
    assert comment("a\nb\x00c\u2028d") == "a b c d"


def masked(*masks: tuple[str, int]) -> ColumnFacts:
    records = sum(count for _, count in masks)
    return ColumnFacts("code", records, 0, distinct=records, masks=masks)


@pytest.mark.parametrize(
    ("masks", "pattern"),
    [
        ([("AAA", 100)], "^[A-Z]{3}$"),
        ([("999999", 900), ("A999999", 20)], "^([0-9]{6}|[A-Z][0-9]{6})$"),
        ([("A9", 50), ("A99", 50)], "^[A-Z][0-9]+$"),
        ([("AA-9999", 100)], "^[A-Z]{2}-[0-9]{4}$"),
        ([("9(9).9", 100)], r"^[0-9]\([0-9]\)\.[0-9]$"),
        ([("AAA", 40), ("9AA", 40), ("A9A", 40), ("AA9", 40)], "^[0-9A-Z]{3}$"),
        ([("Aaaa", 100)], None),
        ([("AAA AAA", 100)], None),
        ([("AAA", 50), ("AAAAA", 50)], None),
        ([("ÄAA", 100)], None),
        ([("999", 99), ("aa", 1)], None),
        ([("999", 10)], None),
    ],
)
def test_codes_get_the_pattern_of_their_shape(
    masks: list[tuple[str, int]], pattern: str | None
) -> None:
    assert code_pattern(masked(*masks)) == pattern


def test_a_doubtful_text_means_null_only_where_other_values_are_no_text() -> None:
    amounts = NullTexts("amount", {"NA": 3, "-": 1}, typed=True)
    countries = NullTexts("country", {"NA": 7, "None": 2}, typed=False)
    values, notes = null_values([amounts, countries])
    assert values == ("", "NA", "-")
    assert notes == (
        "'NA' also stands in columns of text, where it is null too: country (7)",
        "'None' is taken for text, not for null: country (2)",
    )


def test_an_unmistakable_text_means_null_anywhere() -> None:
    assert null_values([NullTexts("a", {"\\N": 1}, typed=False)]) == (("", "\\N"), ())


def named(*names: str) -> list[ColumnFacts]:
    return [ColumnFacts(name, 100, 0, 100) for name in names]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("email", "email"),
        ("KundenEmail", "email"),
        ("email_verified", None),
        ("CustomerID", "person_id"),
        ("customer_segment", None),
        ("Kundennr", "person_id"),
        ("InvoiceNo", None),
        ("Vorname", "name"),
        ("last_name", "name"),
        ("customer_name", "name"),
        ("product_name", None),
        ("Straße", "address"),
        ("billing_address", "address"),
        ("ip_address", "ip"),
        ("mobile2", "phone"),
        ("dob", "birth"),
        ("Geburtsdatum", "birth"),
        ("iban", "iban"),
        ("passport_no", "national_id"),
        ("gender", "trait"),
        ("Country", None),
    ],
)
def test_a_name_tells_a_personal_column(name: str, kind: str | None) -> None:
    found, _ = find_personal("orders", named(name, "amount"), {})
    assert (found[name].kind if name in found else None) == kind


def test_a_bare_name_is_personal_only_in_records_about_persons() -> None:
    airports, notes = find_personal("airports", named("name", "lat"), {})
    assert airports == {}
    assert notes == {"name": "if this names persons, add 'classification: personal'"}
    assert "name" in find_personal("employees", named("name", "office"), {})[0]
    assert "name" in find_personal("table1", named("name", "email"), {})[0]


def test_the_subject_is_the_person_s_number_before_the_address() -> None:
    found, _ = find_personal("orders", named("phone", "email", "customer_id"), {})
    assert subject_of(found) == "customer_id"
    assert subject_of({"amount": replace(found["phone"], kind="trait")}) is None


def test_a_draft_that_would_drop_every_column_hashes_them() -> None:
    found, _ = find_personal("people", named("first_name", "last_name"), {})
    assert {personal.technique.technique for personal in found.values()} == {"hash"}


def draft(**broken: int) -> Draft:
    facts = ColumnFacts("age", 1000, 0, 90)
    options = {"minimum": "0", "maximum": "150"}
    column = DraftColumn(facts, INTEGER, required=True, key=True, options=options)
    made = Draft("people", Csv(), SampleFacts(1, 9, 9, 1000, True, False), (column,))
    rules = {f"age.{kind}": count for kind, count in broken.items()}
    return judged(made, rules, min(1000, sum(broken.values())), 1.0)


def test_a_draft_that_accepts_99_percent_stays_as_it_is() -> None:
    assert loosened(draft(minimum=5, maximum=5)) is None


def test_a_rule_that_sets_aside_too_much_is_left_out_and_the_draft_says_so() -> None:
    looser = loosened(draft(maximum=40, minimum=2))
    assert looser is not None
    assert looser.columns[0].options == {"minimum": "0"}
    assert looser.columns[0].notes == ("'maximum' was left out: 40 records (4.0 %) would break it",)


@pytest.mark.parametrize("kind", ["type", "required", "unique", "minimum"])
def test_every_rule_can_be_loosened(kind: str) -> None:
    looser = loosened(draft(**{kind: 40}))
    assert looser is not None
    column = looser.columns[0]
    state = (column.type, column.required, column.key, dict(column.options))
    assert (
        state
        == {
            "type": (STRING, True, True, {}),
            "required": (INTEGER, False, False, {"minimum": "0", "maximum": "150"}),
            "unique": (INTEGER, True, False, {"minimum": "0", "maximum": "150"}),
            "minimum": (INTEGER, True, True, {"maximum": "150"}),
        }[kind]
    )


def test_rules_that_are_too_much_only_together_go_one_after_the_other() -> None:
    looser = loosened(draft(minimum=8, maximum=6))
    assert looser is not None
    assert looser.columns[0].options == {"maximum": "150"}


def test_records_that_cannot_be_split_loosen_no_rule() -> None:
    made = judged(draft(), {"record.fields": 500}, 500, 50.0)
    assert loosened(made) is None
    assert (made.unsplit, made.max_percent) == (500, 100)


@pytest.mark.parametrize(
    ("name", "least"),
    [("quantity", "0"), ("temp", None), ("DewPoint", None), ("dep_delay", None), ("total", "0")],
)
def test_what_may_fall_below_zero_gets_no_bound_from_a_file_where_it_did_not(
    name: str, least: str | None
) -> None:
    facts = ColumnFacts(name, records=500, nulls=0, distinct=300)
    assert bounds(facts, INTEGER, Extent("3", "98")).get("minimum") == least
