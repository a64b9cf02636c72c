"""Every technique against plain Python, over drawn values; and what each one promises."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lakehouse_pipeline.contracts.model import Anonymize, Column, Contract
from lakehouse_pipeline.contracts.promised import promised_type
from lakehouse_pipeline.contracts.techniques import MASK, MOST_KEPT
from lakehouse_pipeline.contracts.types import ColumnType
from lakehouse_pipeline.lake.engine import parquet_relation
from lakehouse_pipeline.lake.keys import hash_key
from lakehouse_pipeline.pipeline.lake import Lake, open_lake
from lakehouse_pipeline.pipeline.release import stage_safe
from lakehouse_pipeline_tests.layers import technique_reference as reference

TEXT = ColumnType("string", "VARCHAR")
WHOLE = ColumnType("integer", "BIGINT")
MONEY = ColumnType("number", "DECIMAL(10,2)")
DOUBLE = ColumnType("number", "DOUBLE")
WIDE = ColumnType("number", "DECIMAL(38,2)")
DAY = ColumnType("date", "DATE")
MOMENT = ColumnType("timestamp", "TIMESTAMP WITH TIME ZONE")
BOOL = ColumnType("boolean", "BOOLEAN")
AT = datetime(2026, 1, 1, tzinfo=UTC)
ARROW = {
    "VARCHAR": pa.string(),
    "BIGINT": pa.int64(),
    "DECIMAL(10,2)": pa.decimal128(10, 2),
    "DECIMAL(38,2)": pa.decimal128(38, 2),
    "DOUBLE": pa.float64(),
    "DATE": pa.date32(),
    "TIMESTAMP WITH TIME ZONE": pa.timestamp("us", "UTC"),
    "BOOLEAN": pa.bool_(),
}
ALIKE = st.from_regex(r"[+A-Zé]?[0-9]{2,4}[ -]{0,2}[0-9]{3,5}", fullmatch=True)
"""Texts that most often begin and end with what a mask keeps of them."""

FEW = st.integers(0, 4)
Values = Sequence[Any]

TEXTS = st.lists(st.none() | st.text(max_size=30), max_size=30)
MAILS = st.lists(st.none() | st.from_regex(r"[a-zA-Zäß.@+ ]{0,12}@?[a-z. ]{0,8}", fullmatch=True))
SIGNS = st.lists(
    st.none() | st.from_regex(r"[A-Za-z0-9äß\u0301\u0928\u093f👩🏿€^ +()./-]{0,24}", fullmatch=True)
)
NUMBERS = st.lists(st.none() | st.integers(-(10**9), 10**9), max_size=40)
AMOUNTS = st.lists(st.none() | st.decimals(-99999, 99999, places=2), max_size=40)
DAYS = st.lists(st.none() | st.dates(date(1900, 1, 1), date(2025, 12, 31)), max_size=30)


@pytest.fixture(scope="module")
def lake() -> Iterator[Lake]:
    with TemporaryDirectory() as folder, open_lake(Path(folder)) as opened:
        yield opened


@pytest.fixture(scope="module")
def key(lake: Lake) -> bytes:
    return hash_key(lake.temporary.parent / "keys")


def column(of_type: ColumnType, technique: str, **parameters: object) -> Column:
    return Column("a", of_type, personal=True, anonymize=Anonymize(technique, parameters))


def made_safe(lake: Lake, one: Column, values: Values) -> list[Any]:
    """Return what is written of a batch with these values in one column."""
    contract = Contract("orders", "1.0.0", "active", (one,))
    table = pa.table(
        {
            "a": pa.array(values, ARROW[one.type.sql]),
            "_released": pa.array([False] * len(values), pa.bool_()),
            "_record": pa.array(range(1, len(values) + 1), pa.int64()),
            "_batch_id": pa.array(["b"] * len(values), pa.string()),
        }
    )
    lake.connection.register("given", table)
    lake.connection.execute("CREATE OR REPLACE TABLE validated AS FROM given")
    with TemporaryDirectory() as folder:
        staged = stage_safe(lake, contract, "validated", Path(folder) / "s", ["b"])
        sql = f"SELECT a, typeof(a) FROM {parquet_relation(staged.files())} ORDER BY _record"
        rows = lake.connection.execute(sql).fetchall() if staged.counts else []
    assert {kind for _, kind in rows} <= {promised_type(one)}
    return [value for value, _ in rows]


def check(
    lake: Lake, one: Column, values: Values, expected: Callable[[Any], object | None]
) -> None:
    found = made_safe(lake, one, values)
    assert found == [None if value is None else expected(value) for value in values]


@settings(max_examples=8, deadline=None)
@given(values=TEXTS, first=st.integers(0, 4), last=st.integers(0, 4))
def test_mask(lake: Lake, values: Values, first: int, last: int) -> None:
    one = column(TEXT, "mask", keepFirst=first, keepLast=last)
    check(lake, one, values, lambda text: reference.masked(text, first, last))


@settings(max_examples=8, deadline=None)
@given(values=MAILS)
def test_mask_of_an_email_keeps_its_domain(lake: Lake, values: Values) -> None:
    check(lake, column(TEXT, "mask", format="email"), values, reference.masked_address)


@settings(max_examples=8, deadline=None)
@given(values=SIGNS)
@pytest.mark.parametrize(
    ("parameters", "first", "last"),
    [
        ({"format": "phone"}, 0, 2),
        ({"format": "card"}, 0, 4),
        ({"format": "iban"}, 2, 4),
        ({"format": "card", "keepFirst": 6}, 6, 4),
        ({"preserveFormat": True, "keepLast": 1}, 0, 1),
    ],
)
def test_a_mask_that_keeps_the_format_keeps_separators_in_place(
    lake: Lake, values: Values, parameters: dict[str, object], first: int, last: int
) -> None:
    one = column(TEXT, "mask", **parameters)
    check(lake, one, values, lambda text: reference.masked_signs(text, first, last))


@settings(max_examples=40, deadline=None)
@given(values=st.lists(ALIKE | st.sampled_from([None, ""]), max_size=30), first=FEW, last=FEW)
def test_a_mask_of_texts_that_are_alike_is_that_of_each(
    lake: Lake, values: Values, first: int, last: int
) -> None:
    one = column(TEXT, "mask", preserveFormat=True, keepFirst=first, keepLast=last)
    check(lake, one, values, lambda text: reference.masked_signs(text, first, last))


@pytest.mark.parametrize("text", ["+ -1234", "(  )1234", "7 --1234", "71234", "7-1234", "é  1234"])
def test_a_mask_keeps_nothing_where_it_would_hide_nothing(lake: Lake, text: str) -> None:
    one = column(TEXT, "mask", preserveFormat=True, keepLast=4)
    check(lake, one, [text] * 3, lambda text: reference.masked_signs(text, 0, 4))


def test_masks_by_example(lake: Lake) -> None:
    assert made_safe(lake, column(TEXT, "mask", format="phone"), ["+49 (30) 123-45 67"]) == [
        "+** (**) ***-** 67"
    ]
    assert made_safe(
        lake, column(TEXT, "mask", format="iban"), ["DE89 3704 0044 0532 0130 00"]
    ) == ["DE** **** **** **** **30 00"]
    assert made_safe(lake, column(TEXT, "mask", format="email"), ["ann@x.org", "nobody"]) == [
        "a**@x.org",
        "******",
    ]


@pytest.mark.parametrize("mark", ["*", "█", "0"])
def test_a_mask_is_the_same_whatever_stands_beside_a_text(lake: Lake, mark: str) -> None:
    """DuckDB hands over texts in chunks of 2,048, here with and without signs beyond ASCII."""
    alike = ["+49 (30) 123", None, "", "DE89 3704", "-", "a1"]
    texts = [*alike * 500, *[*alike, "Łódź 7", "😀-नमिता 12", "e\u0301x"] * 500, *alike * 500]
    one = column(TEXT, "mask", preserveFormat=True, keepFirst=1, keepLast=2, character=mark)
    check(lake, one, texts, lambda text: reference.masked_signs(text, 1, 2, mark))


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"keepFirst": 1, "keepLast": 2}, ["", "*", "**", "***", "a*cd"]),
        ({"keepFirst": 2, "character": "\\"}, ["", "\\", "\\\\", "ab\\", "ab\\\\"]),
        ({"preserveFormat": True, "keepLast": 3}, ["", "*", "**", "***", "*bcd"]),
        ({"format": "phone", "character": "#"}, ["", "#", "##", "#bc", "##cd"]),
        ({"format": "email", "keepLast": 3, "character": "x"}, ["", "x", "xx", "xxx", "xxxx"]),
    ],
)
def test_a_text_without_anything_left_to_hide_is_masked_whole(
    lake: Lake, parameters: dict[str, object], expected: Values
) -> None:
    one = column(TEXT, "mask", **parameters)
    assert made_safe(lake, one, ["", "a", "ab", "abc", "abcd"]) == expected


@pytest.mark.parametrize(
    "text",
    [
        "dinner @ Ann Smith, Elm Road 7",
        "ann@x.org 030 1234567",
        "Ann S <ann@x.org>",
        "a b",
        "a@b.de;030/1234567",
        "a@x.org\tAnn",
        "a@x.org,Ann",
        "@x.org",
        "a@",
        "ann@x.org\n",
    ],
)
def test_what_is_no_address_is_masked_whole_though_it_has_an_at(lake: Lake, text: str) -> None:
    assert made_safe(lake, column(TEXT, "mask", format="email"), [text]) == ["*" * len(text)]


def test_as_many_characters_as_lint_takes_are_kept_of_any_format(lake: Lake) -> None:
    one = column(TEXT, "mask", preserveFormat=True, keepFirst=MOST_KEPT, keepLast=MOST_KEPT)
    ends = "a" * MOST_KEPT
    assert made_safe(lake, one, [f"{ends}é-{ends}"]) == [f"{ends}*-{ends}"]


def test_no_vowel_or_accent_that_stands_upon_a_letter_is_left(lake: Lake) -> None:
    one = column(TEXT, "mask", preserveFormat=True)
    assert made_safe(lake, one, ["नमिता शर्मा", "E\u0301mile-7"]) == ["***** *****", "******-*"]


def test_no_emoji_is_taken_for_a_separator(lake: Lake) -> None:
    one = column(TEXT, "mask", preserveFormat=True)
    texts = ["👩🏿-🦊", "💶💶💶💶", "\ue000", "+49 (30), $5 = 5€"]
    assert made_safe(lake, one, texts) == ["**-*", "****", "*", "+** (**), $* = *€"]


@settings(max_examples=8, deadline=None)
@given(values=TEXTS)
def test_hash(lake: Lake, key: bytes, values: Values) -> None:
    check(lake, column(TEXT, "hash"), values, lambda t: reference.digits(key, "hash", t))


@settings(max_examples=8, deadline=None)
@given(values=TEXTS)
@pytest.mark.parametrize("locale", ["en", "de"])
@pytest.mark.parametrize("kind", ["name", "firstName", "lastName", "email", "phone", "address"])
def test_pseudonymize(lake: Lake, key: bytes, values: Values, kind: str, locale: str) -> None:
    one = column(TEXT, "pseudonymize", kind=kind, locale=locale)
    check(
        lake,
        one,
        values,
        lambda t: reference.pseudonym(kind, locale, reference.digits(key, "pseudonym", t)),
    )


@settings(max_examples=8, deadline=None)
@given(values=TEXTS)
def test_tokenize_gives_one_token_per_value_that_leads_back(lake: Lake, values: Values) -> None:
    one = column(TEXT, "tokenize")
    found = made_safe(lake, one, values)
    assert made_safe(lake, one, values) == found
    for value, token in zip(values, found, strict=True):
        if value is None:
            assert token is None
        else:
            assert lake.replacer.vault.value(token) == ("orders.a", value)


def test_columns_that_name_the_same_vault_have_the_same_tokens(lake: Lake) -> None:
    (own,) = made_safe(lake, column(TEXT, "tokenize"), ["7"])
    (shared,) = made_safe(lake, column(TEXT, "tokenize", vault="people"), ["7"])
    assert made_safe(lake, column(WHOLE, "tokenize", vault="people"), [7]) == [shared]
    assert shared != own
    assert lake.replacer.vault.value(shared) == ("people", "7")


def test_noise_is_bounded_by_the_rules_of_its_column_where_it_has_no_bounds(lake: Lake) -> None:
    one = column(WHOLE, "noise", epsilon=0.1, sensitivity=10)
    found = made_safe(lake, replace(one, minimum="0", maximum="100"), list(range(100)))
    assert {0, 100} < set(found) <= set(range(101))


@settings(max_examples=8, deadline=None)
@given(values=NUMBERS, epsilon=st.floats(0.01, 10))
def test_noise_of_whole_numbers(lake: Lake, key: bytes, values: Values, epsilon: float) -> None:
    one = column(WHOLE, "noise", epsilon=epsilon, sensitivity=100, minimum=-(10**9), maximum=10**9)
    found = made_safe(lake, one, values)
    for value, noisy in zip(values, found, strict=True):
        if value is None:
            assert noisy is None
            continue
        seed = reference.digits(key, "noise", str(value))
        expected = reference.noisy(value, seed, 100 / epsilon, -1e9, 1e9)
        assert noisy == pytest.approx(expected, abs=0.51)
        assert -(10**9) <= noisy <= 10**9


def test_noise_keeps_the_digits_of_a_decimal_and_its_bounds(lake: Lake) -> None:
    one = column(MONEY, "noise", epsilon=10, sensitivity=50, minimum=0, maximum=100)
    values = [Decimal(n) / 7 for n in range(200)]
    values = [value.quantize(Decimal("0.01")) for value in values]
    found = made_safe(lake, one, values)
    assert all(Decimal(0) <= value <= Decimal(100) for value in found)
    assert len(set(found)) > 50
    assert found != values
    assert made_safe(lake, one, values) == found


@settings(max_examples=8, deadline=None)
@given(values=AMOUNTS, step=st.sampled_from([1, 5, 10, 0.5, 2.25]))
def test_generalize_to_ranges(lake: Lake, values: Values, step: float) -> None:
    size = Decimal(str(step))
    found = made_safe(lake, column(MONEY, "generalize", step=step), values)
    for value, label in zip(values, found, strict=True):
        if value is None:
            assert label is None
        else:
            low, high = (Decimal(edge) for edge in label[1:-1].split(","))
            assert label[0] + label[-1] == "[)"
            assert low <= value < high
            assert high - low == size
            assert low % size == 0


@settings(max_examples=8, deadline=None)
@given(values=NUMBERS)
def test_generalize_whole_numbers(lake: Lake, values: Values) -> None:
    one = column(WHOLE, "generalize", step=10)
    check(lake, one, values, lambda n: reference.binned(Decimal(n), Decimal(10)))
    bands = [-100, 0, 18, 65]
    one = column(WHOLE, "generalize", bands=bands)
    check(lake, one, values, lambda n: reference.banded(n, bands))


@settings(max_examples=20, deadline=None)
@given(
    values=st.lists(st.decimals(-999, 999, places=3).map(float), max_size=40),
    step=st.sampled_from([0.1, 0.3, 0.05, 2.5, 7]),
)
@example(values=[0.3, 0.6, 0.7, -0.3, 1e16], step=0.1)
@example(values=[1e16, 1e18, 1e19, -1e19], step=7)
def test_a_double_is_in_the_range_it_is_said_to_be_in(
    lake: Lake, values: Values, step: float
) -> None:
    found = made_safe(lake, column(DOUBLE, "generalize", step=step), values)
    for value, label in zip(values, found, strict=True):
        low, high = (Decimal(edge) for edge in label[1:-1].split(","))
        assert high - low == Decimal(str(step))
        assert float(low) <= value
        assert value < float(high) or abs(value) > 2**53


@pytest.mark.parametrize(
    ("kind", "step", "value", "label"),
    [
        (WHOLE, 3.3, 7, "[6.6,9.9)"),
        (WHOLE, 2.5, -(2**63), "[-9223372036854775810.0,-9223372036854775807.5)"),
        (WHOLE, 10**17, 2**63 - 1, "[9200000000000000000,9300000000000000000)"),
        (WIDE, 0.015, Decimal("1.02"), "[1.020,1.035)"),
        (WIDE, 0.015, Decimal(10**35), "other"),
        (WIDE, 10, Decimal(10**35), f"[{10**35}.00,{10**35 + 10}.00)"),
    ],
)
def test_ranges_are_told_in_exact_numbers(
    lake: Lake, kind: ColumnType, step: float, value: object, label: str
) -> None:
    assert made_safe(lake, column(kind, "generalize", step=step), [value]) == [label]


def test_generalize_a_double_that_no_range_holds(lake: Lake) -> None:
    one = column(DOUBLE, "generalize", step=0.5)
    assert made_safe(lake, one, [1.2, -0.2, 1e300, None]) == [
        "[1.0,1.5)",
        "[-0.5,0.0)",
        "other",
        None,
    ]


@settings(max_examples=8, deadline=None)
@given(values=DAYS)
def test_generalize_dates(lake: Lake, values: Values) -> None:
    ways: dict[str, Callable[[date], str]] = {
        "month": lambda d: f"{d:%Y-%m}",
        "quarter": lambda d: f"{d:%Y}-Q{(d.month + 2) // 3}",
        "year": lambda d: f"{d:%Y}",
        "decade": lambda d: f"{d.year // 10}0s",
    }
    for to, expected in ways.items():
        check(lake, column(DAY, "generalize", to=to), values, expected)


def test_who_is_born_on_29_february_is_a_year_older_on_28_february_of_other_years(
    lake: Lake,
) -> None:
    born = [date(2000, 2, 28), date(2000, 2, 29), date(2000, 3, 1)]
    for day, expected in (
        ("2025-02-27", ["<25", "<25", "<25"]),
        ("2025-02-28", [">=25", ">=25", "<25"]),
        ("2024-02-28", ["<25", "<25", "<25"]),
    ):
        one = column(DAY, "generalize", bands=[25], asOf=day)
        assert made_safe(lake, one, born) == expected


@settings(max_examples=8, deadline=None)
@given(values=DAYS)
def test_age_bands(lake: Lake, values: Values) -> None:
    bands, day = [1, 18, 30, 65], date(2026, 1, 1)
    one = column(DAY, "generalize", bands=bands, asOf="2026-01-01")
    check(lake, one, values, lambda born: reference.banded(reference.age(born, day), bands))


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"prefix": 2}, ["10", "*", None, "*"]),
        ({"prefix": 2, "preserveFormat": True}, ["10***", "**", None, ""]),
    ],
)
def test_generalize_a_postal_code(
    lake: Lake, parameters: dict[str, object], expected: Values
) -> None:
    one = column(TEXT, "generalize", **parameters)
    assert made_safe(lake, one, ["10115", "10", None, ""]) == expected


CITIES = """\
city,land,country
Ulm,"Baden-Württemberg",DE
O'Hara,Wexford,IE
,unknown,--
"""


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({}, ["Baden-Württemberg", "Wexford", "*", "unknown", None]),
        ({"level": "country", "otherwise": "it's abroad"}, ["DE", "IE", "it's abroad", "--", None]),
    ],
)
def test_generalize_by_a_hierarchy(
    lake: Lake, parameters: dict[str, object], expected: Values
) -> None:
    one = column(TEXT, "generalize", hierarchy=CITIES, **parameters)
    assert made_safe(lake, one, ["Ulm", "O'Hara", "ulm", "", None]) == expected


@pytest.mark.parametrize(
    ("kind", "hierarchy", "values", "expected"),
    [
        (WHOLE, "code,land\n89073,BW\n+7,BY", [89073, 7, 1, None], ["BW", "BY", "*", None]),
        (
            MONEY,
            "price,band\n5,low\n5.5,mid\n70.00,high",
            [Decimal("5.00"), Decimal("5.50"), Decimal("70.00"), Decimal("0.05")],
            ["low", "mid", "high", "*"],
        ),
        (DOUBLE, "price,band\n5,low\n1e3,high", [5.0, 1000.0, 5.5], ["low", "high", "*"]),
        (DAY, "day,kind\n2026-01-01,holiday", [date(2026, 1, 1), None], ["holiday", None]),
        (MOMENT, "at,kind\n2026-01-01T01:00:00+01:00,start", [AT], ["start"]),
        (BOOL, "is,said\ntrue,yes\nfalse,no", [True, False, None], ["yes", "no", None]),
        (TEXT, 'city,land\n"New\nUlm","Bay\nern"', ["New\nUlm", "NewUlm"], ["Bay\nern", "*"]),
    ],
)
def test_a_hierarchy_knows_a_value_however_it_is_written(
    lake: Lake, kind: ColumnType, hierarchy: str, values: Values, expected: Values
) -> None:
    assert made_safe(lake, column(kind, "generalize", hierarchy=hierarchy), values) == expected


@settings(max_examples=8, deadline=None)
@given(values=AMOUNTS, k=st.integers(2, 6))
def test_aggregate_gives_the_mean_of_a_group(lake: Lake, values: Values, k: int) -> None:
    found = made_safe(lake, column(MONEY, "aggregate", k=k), values)
    expected = reference.micro_aggregated(values, k)
    assert [v is None for v in found] == [v is None for v in expected]
    for value, mean in zip(found, expected, strict=True):
        if value is not None and mean is not None:
            assert float(value) == pytest.approx(float(mean), abs=0.0051)


def test_aggregate_of_whole_numbers_is_a_double(lake: Lake) -> None:
    found = made_safe(lake, column(WHOLE, "aggregate", k=2), [5, 1, None, 2, 9, 100])
    assert found == [38.0, 1.5, None, 1.5, 38.0, 38.0]


def test_redact_and_suppress(lake: Lake) -> None:
    values = ["ann", None, ""]
    assert made_safe(lake, column(TEXT, "redact"), values) == ["[redacted]", None, "[redacted]"]
    always = column(TEXT, "redact", value="it's gone", preserveNull=False)
    assert made_safe(lake, always, values) == ["it's gone"] * 3
    assert made_safe(lake, column(TEXT, "suppress"), values) == [None] * 3
    assert made_safe(lake, column(MONEY, "suppress"), [Decimal(1)]) == [None]


@pytest.mark.parametrize(
    ("technique", "given", "documented"),
    [
        ("mask", {}, MASK),
        ("mask", {"format": "email"}, {"keepFirst": 1, "keepLast": 0, "character": "*"}),
        ("mask", {"format": "phone"}, {"keepFirst": 0, "keepLast": 2, "character": "*"}),
        ("mask", {"format": "card"}, {"keepFirst": 0, "keepLast": 4, "character": "*"}),
        ("mask", {"format": "iban"}, {"keepFirst": 2, "keepLast": 4, "character": "*"}),
        ("mask", {"format": "phone"}, {"preserveFormat": True}),
        ("hash", {}, {"preserveNull": True}),
        ("tokenize", {}, {"vault": "orders.a", "preserveNull": True}),
        ("pseudonymize", {"kind": "address"}, {"locale": "en", "preserveNull": True}),
        ("generalize", {"prefix": 2}, {"preserveFormat": False}),
        ("generalize", {"hierarchy": "a,b,c\nann,x,y"}, {"level": "b", "otherwise": "*"}),
        ("redact", {}, {"value": "[redacted]", "preserveNull": True}),
        ("custom", {"expression": "length(a)"}, {"type": "string"}),
    ],
)
def test_a_parameter_that_is_left_out_is_what_the_docs_say(
    lake: Lake, technique: str, given: dict[str, object], documented: dict[str, object]
) -> None:
    values = ["ann", None, "", "ann.lee+x@shop.example.org", "+49 (30) 123-45 67", "DE89 3704 0044"]
    left_out = made_safe(lake, column(TEXT, technique, **given), values)
    assert left_out == made_safe(lake, column(TEXT, technique, **given | documented), values)


def test_a_mask_is_of_stars_and_keeps_nothing_unless_it_is_told(lake: Lake) -> None:
    assert made_safe(lake, column(TEXT, "mask"), ["a-b c", None]) == ["*****", None]


@pytest.mark.parametrize(
    ("technique", "parameters"),
    [("hash", {}), ("tokenize", {}), ("pseudonymize", {"kind": "name"})],
)
def test_a_null_is_no_longer_told_apart_where_the_contract_says_so(
    lake: Lake, technique: str, parameters: dict[str, object]
) -> None:
    hidden = column(TEXT, technique, preserveNull=False, **parameters)
    null, empty, other = made_safe(lake, hidden, [None, "", "ann"])
    assert null == empty
    assert None not in (null, other)
    assert made_safe(lake, column(TEXT, technique, **parameters), [None, ""]) == [None, empty]


def test_custom_is_the_contracts_expression_and_never_an_error(lake: Lake) -> None:
    one = column(TEXT, "custom", expression="length(a)", type="integer")
    assert made_safe(lake, one, ["abc", None]) == [3, None]
    wrong = column(TEXT, "custom", expression="a", type="integer")
    assert made_safe(lake, wrong, ["secret", "7"]) == [None, 7]


@pytest.mark.parametrize(
    ("technique", "parameters"),
    [
        ("hash", {}),
        ("tokenize", {}),
        ("pseudonymize", {"kind": "name"}),
        ("noise", {"epsilon": 1, "sensitivity": 5, "minimum": -999, "maximum": 999}),
    ],
)
def test_numbers_that_are_equal_are_replaced_by_the_same(
    lake: Lake, technique: str, parameters: dict[str, object]
) -> None:
    negative, zero, other = made_safe(
        lake, column(DOUBLE, technique, **parameters), [-0.0, 0.0, -0.5]
    )
    assert negative == zero != other


@pytest.mark.parametrize(
    ("kind", "values", "texts"),
    [
        (DOUBLE, [-0.0, 0.0, -0.5, 1e300, 5e-324], ["0.0", "0.0", "-0.5", "1e+300", "5e-324"]),
        (TEXT, ["-0.0", "0.0", "-0"], ["-0.0", "0.0", "-0"]),
        (MONEY, [Decimal("-0.00"), Decimal("-0.50")], ["0.00", "-0.50"]),
        (WHOLE, [0, -7], ["0", "-7"]),
    ],
)
def test_a_value_is_hashed_as_it_is_written(
    lake: Lake, key: bytes, kind: ColumnType, values: Values, texts: list[str]
) -> None:
    expected = [reference.digits(key, "hash", text) for text in texts]
    assert made_safe(lake, column(kind, "hash"), values) == expected


ASCII = st.text("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", min_size=8)


@settings(max_examples=8, deadline=None)
@given(values=st.lists(ASCII, min_size=1, max_size=10))
@pytest.mark.parametrize(
    ("technique", "parameters"),
    [
        ("mask", {}),
        ("mask", {"keepFirst": 3, "keepLast": 3}),
        ("mask", {"format": "phone"}),
        ("generalize", {"prefix": 3}),
        ("redact", {"value": "---"}),
        ("suppress", {}),
    ],
)
def test_no_four_characters_of_a_value_are_left(
    lake: Lake, values: list[str], technique: str, parameters: dict[str, object]
) -> None:
    one = column(TEXT, technique, **parameters)
    for value, safe in zip(values, made_safe(lake, one, values), strict=True):
        parts = {value[n : n + 4] for n in range(len(value) - 3)}
        assert not any(part in (safe or "") for part in parts)


@pytest.mark.parametrize(
    "technique",
    ["hash", "tokenize"],
)
def test_a_name_is_not_in_its_digits(lake: Lake, technique: str) -> None:
    values = [f"Müller, Ann-Kathrin {n}" for n in range(200)]
    for value, safe in zip(values, made_safe(lake, column(TEXT, technique), values), strict=True):
        assert not any(value[n : n + 4] in safe for n in range(len(value) - 3))
