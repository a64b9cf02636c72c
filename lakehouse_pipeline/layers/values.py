"""A column's text and its typed value as SQL; the type rule is lexical first, the cast second.

A cast is not a check: `TRY_CAST('1.5' AS BIGINT)` is 2. So the text must first be written as its
type is written; only then is it cast, and the cast must not lose anything either.
"""

from lakehouse_pipeline.contracts.model import Column, Csv
from lakehouse_pipeline.contracts.types import (
    DOUBLE_DIGITS,
    INTEGER_TYPES,
    YEAR_TEXT,
    ColumnType,
    decimal_digits,
    format_pattern,
)
from lakehouse_pipeline.names import literal

INTEGER_TEXT = r"[+-]?[0-9]+(\.0+)?"
DOUBLE_TEXT = r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?"
PLAIN_DOUBLE_TEXT = r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)"
"""Most numbers: short, without an exponent, kept whole by a DOUBLE. Tried first, it is cheap."""

DOUBLE_ZERO = r"[+-]?[0.]+([eE].*)?"
BOOLEAN_TEXT = "(?i)true|false|1|0"
DATE_TEXT = f"{YEAR_TEXT}-[0-9]{{2}}-[0-9]{{2}}"
TIME_TEXT = r"([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,6})?)?"
TIMESTAMP_TEXT = (
    DATE_TEXT + r"[T ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,6})?)?"
    r"(Z|[+-]([01][0-9]|2[0-3])(:?[0-5][0-9])?)?"
)
FIRST_INSTANT = "0001-01-01 00:00:00+00"
LAST_INSTANT = "9999-12-31 23:59:59.999999+00"
"""The calendar that every reader of the tables shares: the years 1 to 9999, in UTC."""


def text_value(source: str, dialect: Csv) -> str:
    """Return SQL for the text in `source`, null where the contract's `nullValues` say so."""
    if not dialect.null_values:
        return source
    if len(dialect.null_values) == 1:
        return f"nullif({source}, {literal(dialect.null_values[0])})"
    nulls = ", ".join(literal(value) for value in dialect.null_values)
    return f"CASE WHEN {source} NOT IN ({nulls}) THEN {source} END"


def typed_value(text: str, kind: ColumnType) -> str:
    """Return SQL for the value of `text` (SQL of a VARCHAR) in its type.

    Null where the text is null or is not written as the type is written.
    """
    if kind.logical == "string":
        return text
    match = f"regexp_full_match({text}, {literal(pattern_of(kind))})"
    if kind.sql == "DOUBLE":
        value = f"TRY_CAST({text} AS DOUBLE)"
        short = f"strlen({text}) <= {DOUBLE_DIGITS}"
        plain = f"{short} AND regexp_full_match({text}, {literal(PLAIN_DOUBLE_TEXT)})"
        return (
            f"CASE WHEN {plain} THEN {value} "
            f"WHEN {match} AND {_double_keeps(text)} THEN {value} END"
        )
    return f"CASE WHEN {match} THEN {_cast(text, kind)} END"


def written(value: str) -> str:
    """Return SQL: the text of a value, the same one for values that are equal: -0.0 is 0.0."""
    text = f"CAST({value} AS VARCHAR)"
    zero = f"typeof({value}) = 'DOUBLE' AND {text} = '-0.0'"
    return f"CASE WHEN {zero} THEN '0.0' ELSE {text} END"


def pattern_of(kind: ColumnType) -> str:
    """Return the RE2 pattern that a text of this type matches in full."""
    if kind.format is not None:
        return format_pattern(kind.format)[0]
    if kind.sql in INTEGER_TYPES:
        return INTEGER_TEXT
    if kind.sql.startswith("DECIMAL"):
        return _decimal_text(kind.sql)
    return {
        "DOUBLE": DOUBLE_TEXT,
        "BOOLEAN": BOOLEAN_TEXT,
        "DATE": DATE_TEXT,
        "TIME": TIME_TEXT,
        "TIMESTAMP WITH TIME ZONE": TIMESTAMP_TEXT,
    }[kind.sql]


def _decimal_text(sql: str) -> str:
    precision, scale = decimal_digits(sql)
    whole = f"0*[0-9]{{0,{precision - scale}}}"
    if scale == 0:
        return rf"[+-]?{whole}(\.0*)?"
    return rf"[+-]?({whole}(\.[0-9]{{0,{scale}}}0*)?)"


def _double_keeps(text: str) -> str:
    """Return SQL: the text has no more digits, and no larger exponent, than a DOUBLE keeps."""
    value = f"TRY_CAST({text} AS DOUBLE)"
    digits = (
        rf"ltrim(regexp_replace(regexp_replace({text}, '[eE].*$', ''), '[^0-9]', '', 'g'), '0')"
    )
    return (
        f"isfinite({value}) AND ({value} <> 0 OR regexp_full_match({text}, "
        f"{literal(DOUBLE_ZERO)})) AND (strlen({text}) <= {DOUBLE_DIGITS} "
        f"OR strlen({digits}) <= {DOUBLE_DIGITS})"
    )


def _cast(text: str, kind: ColumnType) -> str:
    value = _plain_cast(text, kind)
    if kind.logical != "timestamp":
        return value
    first, last = (f"'{instant}'::{kind.sql}" for instant in (FIRST_INSTANT, LAST_INSTANT))
    on_calendar = f"CASE WHEN {value} BETWEEN {first} AND {last} THEN {value} END"
    if kind.format is not None:
        return on_calendar if "XXX" in kind.format else value
    inside = f"{text} BETWEEN '0001-01-02' AND '9999-12-31'"  # no offset leads out of the calendar
    return f"CASE WHEN {inside} THEN {value} ELSE {on_calendar} END"


def _plain_cast(text: str, kind: ColumnType) -> str:
    if kind.format is not None:
        strptime = format_pattern(kind.format)[1]
        if "%z" in strptime:  # DuckDB knows offsets, but not the letter for UTC
            text = f"regexp_replace({text}, 'Z$', '+00:00')"
        return f"TRY_CAST(try_strptime({text}, {literal(strptime)}) AS {kind.sql})"
    if kind.sql.startswith("DECIMAL"):
        return f"CASE WHEN regexp_matches({text}, '[0-9]') THEN TRY_CAST({text} AS {kind.sql}) END"
    return f"TRY_CAST({text} AS {kind.sql})"


def bound(column: Column, text: str) -> str:
    """Return SQL for a bound of the contract in the column's type: its own format, or ISO."""
    plain = ColumnType(column.type.logical, column.type.sql)
    value = typed_value(literal(text), plain)
    if column.type.format is None:
        return value
    return f"coalesce({typed_value(literal(text), column.type)}, {value})"


def stored_type(kind: ColumnType) -> str:
    """Return the DuckDB type a validated value is stored in; Delta has no TIME, it stays text."""
    return "VARCHAR" if kind.sql == "TIME" else kind.sql
