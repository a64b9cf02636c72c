"""One table of types: what a contract may write, and what it means."""

import re

import pytest

from lakehouse_pipeline.contracts.types import (
    YEAR_TEXT,
    ColumnType,
    column_type,
    decimal_digits,
    format_pattern,
)


@pytest.mark.parametrize(
    ("logical", "physical", "sql"),
    [
        ("string", None, "VARCHAR"),
        ("string", "text", "VARCHAR"),
        ("string", "VARCHAR(20)", "VARCHAR"),
        ("integer", None, "BIGINT"),
        ("integer", "int", "INTEGER"),
        ("integer", "SMALLINT", "SMALLINT"),
        ("number", None, "DOUBLE"),
        ("number", "float", "DOUBLE"),
        ("number", "decimal(12, 2)", "DECIMAL(12,2)"),
        ("number", "NUMERIC(5)", "DECIMAL(5,0)"),
        ("boolean", "bool", "BOOLEAN"),
        ("date", None, "DATE"),
        ("timestamp", "timestamp  with time zone", "TIMESTAMP WITH TIME ZONE"),
        ("time", None, "TIME"),
    ],
)
def test_a_type_is_known_by_its_odcs_names(logical: str, physical: str | None, sql: str) -> None:
    assert column_type(logical, physical, None) == ColumnType(logical, sql)


@pytest.mark.parametrize(
    ("logical", "physical", "message"),
    [
        (
            "text",
            None,
            (
                "unknown logicalType 'text'; known: string, integer, number, boolean, date, "
                "timestamp, time"
            ),
        ),
        (
            "integer",
            "VARCHAR",
            (
                "physicalType 'VARCHAR' does not fit logicalType 'integer'; "
                "known: TINYINT, SMALLINT, "
                "INTEGER, BIGINT"
            ),
        ),
        (
            "integer",
            "INTEGER(3)",
            (
                "physicalType 'INTEGER(3)' does not fit logicalType 'integer'; known: TINYINT, "
                "SMALLINT, INTEGER, BIGINT"
            ),
        ),
        (
            "number",
            "DECIMAL(39,2)",
            "physicalType 'DECIMAL(39,2)': DECIMAL takes 1 to 38 digits",
        ),
        ("number", "DECIMAL(2,3)", "physicalType 'DECIMAL(2,3)': DECIMAL takes 1 to 38 digits"),
        (
            "number",
            "DECIMAL",
            "physicalType 'DECIMAL' needs its digits, as in DECIMAL(12,2)",
        ),
    ],
)
def test_a_type_that_does_not_fit_is_refused(
    logical: str, physical: str | None, message: str
) -> None:
    with pytest.raises(ValueError, match=re.escape(message) + "$"):
        column_type(logical, physical, None)


@pytest.mark.parametrize(
    ("logical", "text_format", "message"),
    [
        ("date", "YYYY-MM-dd", "'YYYY' is not known. Did you mean 'yyyy'? Known: yyyy, yy, MMM"),
        ("date", "yyyy-MM", "format 'yyyy-MM' of a date needs a year, a month and a day"),
        (
            "date",
            "yyyy-MM-dd HH:mm",
            "format 'yyyy-MM-dd HH:mm' reads what a date does not hold: H, m",
        ),
        (
            "timestamp",
            "HH:mm",
            "format 'HH:mm' of a timestamp needs a year, a month and a day",
        ),
        ("time", "mm:ss", "format 'mm:ss' of a time needs an hour"),
        ("time", "dd HH", "format 'dd HH' reads what a time does not hold: d"),
        ("time", "hh:mm", "format 'hh:mm': 'hh' and 'a' go together; 'HH' counts to 23"),
    ],
)
def test_a_format_that_loses_or_invents_a_part_is_refused(
    logical: str, text_format: str, message: str
) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        column_type(logical, None, text_format)


def test_a_format_belongs_to_moments_only() -> None:
    assert column_type("string", None, "email").format is None
    assert str(column_type("date", None, "dd.MM.yyyy")) == "DATE (dd.MM.yyyy)"


@pytest.mark.parametrize(
    ("text_format", "pattern", "strptime"),
    [
        ("yyyy-MM-dd", YEAR_TEXT + r"\-[0-9]{2}\-[0-9]{2}", "%Y-%m-%d"),
        ("d/M/yy", "[0-9]{1,2}/[0-9]{1,2}/[0-9]{2}", "%-d/%-m/%y"),
        ("dd MMM yyyy", r"[0-9]{2}\ [A-Za-z]{3}\ " + YEAR_TEXT, "%d %b %Y"),
        ("HH:mm:ss.SSS", r"[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}", "%H:%M:%S.%g"),
        ("HHTmm", "[0-9]{2}T[0-9]{2}", "%HT%M"),
        ("HH'h'mm", "[0-9]{2}h[0-9]{2}", "%Hh%M"),
        ("HH''mm", "[0-9]{2}'[0-9]{2}", "%H'%M"),
        ("HH%mm", "[0-9]{2}%[0-9]{2}", "%H%%%M"),
    ],
)
def test_a_format_gives_a_pattern_and_a_strptime_format(
    text_format: str, pattern: str, strptime: str
) -> None:
    assert format_pattern(text_format) == (pattern, strptime)


def test_the_digits_of_a_decimal_are_read_from_its_text() -> None:
    assert decimal_digits("DECIMAL(12,3)") == (12, 3)
    with pytest.raises(ValueError, match="DOUBLE"):
        decimal_digits("DOUBLE")
