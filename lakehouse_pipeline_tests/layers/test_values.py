"""Types are judged lexically: text that a cast would change is refused, text that fits is kept."""

import datetime as dt
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from lakehouse_pipeline.contracts.model import Csv
from lakehouse_pipeline.contracts.types import column_type
from lakehouse_pipeline.layers.values import text_value, typed_value


def judged(
    text: str | None, logical: str, physical: str | None = None, fmt: str | None = None
) -> Any:  # noqa: ANN401 a value of any type
    """Return the typed value of a text, None where it is not of the type."""
    connection = duckdb.connect()
    connection.execute("SET TimeZone='UTC'")
    connection.execute("CREATE TABLE t (x VARCHAR)")
    connection.execute("INSERT INTO t VALUES (?)", [text])
    sql = typed_value("x", column_type(logical, physical, fmt))
    return connection.execute(f"SELECT {sql} FROM t").fetchall()[0][0]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("7", 7),
        ("-7", -7),
        ("+7", 7),
        ("007", 7),
        ("17850.0", 17850),
        ("9223372036854775807", 9223372036854775807),
        ("9223372036854775807.0", 9223372036854775807),
        ("-9223372036854775808", -9223372036854775808),
        ("9007199254740993.00", 9007199254740993),
    ],
)
def test_text_written_as_an_integer_is_that_integer(text: str, value: object) -> None:
    assert judged(text, "integer") == value


@pytest.mark.parametrize(
    "text",
    [
        "1.5",
        "17850.5",
        "1_000",
        "0x10",
        "1e3",
        " 7 ",
        "7 ",
        "",
        "-",
        "nan",
        "9223372036854775808",
        "٣",
        "7\n",
        "1,000",
        "7.",
    ],
)
def test_text_that_a_cast_would_change_is_not_an_integer(text: str) -> None:
    assert judged(text, "integer") is None


def test_an_integer_too_large_for_its_physical_type_is_refused() -> None:
    assert judged("128", "integer", "TINYINT") is None
    assert judged("127", "integer", "TINYINT") == 127


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1.5", 1.5),
        ("-.5", -0.5),
        ("5.", 5.0),
        ("1e3", 1000.0),
        ("0.30000000000000004", 0.1 + 0.2),
        ("0", 0.0),
        ("0e5", 0.0),
        ("000000000000000000001.5", 1.5),
    ],
)
def test_text_written_as_a_number_is_that_number(text: str, value: object) -> None:
    assert judged(text, "number") == value


@pytest.mark.parametrize(
    "text",
    [
        "nan",
        "NaN",
        "inf",
        "-inf",
        "Infinity",
        "1e999",
        "1e-999",
        "12345678901234567890",
        "abc",
        "1,5",
        " 1",
        ".",
        "e5",
        "1_0",
        "0x1",
        "--1",
    ],
)
def test_text_that_a_double_would_change_is_not_a_number(text: str) -> None:
    assert judged(text, "number") is None


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2.55", "2.550"),
        ("2.5500", "2.550"),
        ("0002.5", "2.500"),
        (".5", "0.500"),
        ("-7", "-7.000"),
        ("123456789.123", "123456789.123"),
        ("5.", "5.000"),
    ],
)
def test_a_decimal_keeps_every_digit(text: str, value: object) -> None:
    assert judged(text, "number", "DECIMAL(12,3)") == Decimal(str(value))


@pytest.mark.parametrize("text", ["2.5551", "1234567890.1", "1e3", "nan", "", ".", "+", "2,55"])
def test_a_decimal_with_a_digit_too_many_is_refused_not_rounded(text: str) -> None:
    assert judged(text, "number", "DECIMAL(12,3)") is None


def test_a_decimal_without_places_takes_whole_numbers_only() -> None:
    assert judged("12.0", "number", "DECIMAL(4,0)") == Decimal(12)
    assert judged("12.5", "number", "DECIMAL(4,0)") is None
    assert judged("12345", "number", "DECIMAL(4,0)") is None


@pytest.mark.parametrize(
    ("text", "value"), [("true", True), ("FALSE", False), ("1", True), ("0", False)]
)
def test_booleans_are_true_false_1_and_0(text: str, value: object) -> None:
    assert judged(text, "boolean") is value


@pytest.mark.parametrize("text", ["yes", "t", "2", "", "truee", "01"])
def test_other_words_are_no_booleans(text: str) -> None:
    assert judged(text, "boolean") is None


def test_a_date_is_a_day_and_nothing_more() -> None:
    assert judged("2024-02-29", "date") == dt.date(2024, 2, 29)
    for text in ("2024-01-05 10:00", "2023-02-29", "2024-1-5", "05.01.2024", "2024-01-05T00:00"):
        assert judged(text, "date") is None


def test_a_date_is_of_the_years_1_to_9999_which_every_reader_knows() -> None:
    assert judged("0001-01-01", "date") == dt.date(1, 1, 1)
    assert judged("9999-12-31", "date") == dt.date(9999, 12, 31)
    assert judged("0000-12-31", "date") is None
    assert judged("31.12.0000", "date", None, "dd.MM.yyyy") is None


def test_a_date_in_the_contracts_own_format() -> None:
    assert judged("05.01.2024", "date", None, "dd.MM.yyyy") == dt.date(2024, 1, 5)
    assert judged("5.1.2024", "date", None, "dd.MM.yyyy") is None
    assert judged("5.1.2024", "date", None, "d.M.yyyy") == dt.date(2024, 1, 5)
    assert judged("31.02.2024", "date", None, "dd.MM.yyyy") is None


@pytest.mark.parametrize(
    ("text", "hour"),
    [
        ("2024-01-05 10:00:00", 10),
        ("2024-01-05T10:00:00Z", 10),
        ("2024-01-05T10:00:00+02:00", 8),
        ("2024-01-05 10:00", 10),
        ("2024-01-05 10:00:00.123456", 10),
    ],
)
def test_a_timestamp_is_iso_8601_and_utc_when_it_names_no_zone(text: str, hour: int | None) -> None:
    value = judged(text, "timestamp")
    assert value.astimezone(dt.UTC).hour == hour


@pytest.mark.parametrize(
    "text",
    [
        "2024-01-05",
        "2024-01-05 24:00:00",
        "2024-01-05 10:00:00.1234567",
        "2024-13-05 10:00:00",
        "now",
        "infinity",
        "epoch",
        "2024-01-05 10:00:61",
        "2024-01-05 10:00:00 ",
        "2024-01-05T10:00:00+24:00",
        "2024-01-05T10:00:00+05:60",
        "2024-01-05T10:00:00+99:99",
        "0000-01-01 00:00:00",
        "0001-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-00:01",
    ],
)
def test_text_that_is_no_instant_is_no_timestamp(text: str) -> None:
    assert judged(text, "timestamp") is None


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00-00:01", "9999-12-31T23:59:59+00:01"])
def test_an_offset_may_lead_to_the_first_and_last_day_of_the_calendar(text: str) -> None:
    assert judged(text, "timestamp") == dt.datetime.fromisoformat(text)


@pytest.mark.parametrize("offset", ["+24:00", "+05:60", "-99:99"])
def test_a_format_with_an_offset_takes_none_that_no_clock_shows(offset: str) -> None:
    fmt = "yyyy-MM-dd'T'HH:mm:ssXXX"
    assert judged(f"2013-01-01T10:00:00{offset}", "timestamp", None, fmt) is None


def test_a_timestamp_in_the_contracts_own_format() -> None:
    fmt = "yyyy-MM-dd HH:mm:ss"
    assert judged("2010-12-01 08:26:00", "timestamp", None, fmt).astimezone(dt.UTC).hour == 8
    assert judged("2010-12-01T08:26:00", "timestamp", None, fmt) is None
    assert judged("2010-12-01 25:26:00", "timestamp", None, fmt) is None


@pytest.mark.parametrize(
    ("text", "hour"),
    [("2013-01-01T10:00:00Z", 10), ("2013-01-01T10:00:00+02:00", 8), ("2013-01-01T10:00:00", None)],
)
def test_a_format_with_an_offset_takes_the_letter_z_for_utc(text: str, hour: int | None) -> None:
    value = judged(text, "timestamp", None, "yyyy-MM-dd'T'HH:mm:ssXXX")
    assert (value and value.astimezone(dt.UTC).hour) == hour


def test_null_is_what_the_contract_says_and_nothing_else() -> None:
    connection = duckdb.connect()
    for nulls, text, expected in (
        (("",), "", None),
        (("",), "NA", "NA"),
        (("", "NA"), "NA", None),
        ((), "", ""),
        (("it's",), "it's", None),
    ):
        sql = text_value("x", Csv(null_values=nulls))
        found = connection.execute(f"SELECT {sql} FROM (SELECT $1::VARCHAR AS x)", [text])
        assert found.fetchall() == [(expected,)]
