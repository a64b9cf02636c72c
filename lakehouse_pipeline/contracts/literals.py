"""Texts of a contract as values of a column's type: bounds, enum values.

A text that does not fit the type exactly is refused here, so that the layers may cast what they
get; they read a moment in the column's own format first, in ISO 8601 second, and so does this.
"""

import math
import re
from datetime import UTC, date, datetime, time
from decimal import Decimal

from lakehouse_pipeline.contracts.types import (
    DOUBLE_DIGITS,
    ColumnType,
    decimal_digits,
    format_pattern,
)

Value = str | int | Decimal | bool | date | datetime | time

_BITS = {"TINYINT": 8, "SMALLINT": 16, "INTEGER": 32, "BIGINT": 64}
_WHOLE = re.compile(r"[+-]?[0-9]{1,40}")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
_ISO = {
    "date": re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}"),
    "timestamp": re.compile(
        r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?"
        r"(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])?"
    ),
    "time": re.compile(r"[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?"),
}


def parse_literal(text: str, column_type: ColumnType) -> Value:
    """Return `text` as a value of the type; values of one type compare with each other.

    Integers are written in digits, numbers with a point, dates and times in ISO 8601 or in the
    column's own format. A timestamp without an offset is in UTC.

    Raises: ValueError: the message says what was expected.
    """
    match column_type.logical:
        case "integer":
            return _integer(text, column_type.sql)
        case "number":
            return _number(text, column_type.sql)
        case "boolean":
            return _boolean(text)
        case "date" | "timestamp" | "time":
            return _moment(text, column_type)
        case _:
            return text


def _integer(text: str, sql: str) -> int:
    if not _WHOLE.fullmatch(text):
        raise ValueError(f"'{text}' is not {sql}: expected a whole number")
    limit = 2 ** (_BITS[sql] - 1)
    if not -limit <= int(text) < limit:
        raise ValueError(f"'{text}' is not {sql}: it takes {-limit} to {limit - 1}")
    return int(text)


def _number(text: str, sql: str) -> Decimal:
    if not _NUMBER.fullmatch(text):
        raise ValueError(f"'{text}' is not {sql}: expected a number such as 12.5")
    value = Decimal(text)
    if sql.startswith("DECIMAL"):
        _fit_decimal(text, sql)
    else:
        _fit_double(text, value)
    return value


def _fit_decimal(text: str, sql: str) -> None:
    if "e" in text.lower():
        raise ValueError(f"'{text}' is not {sql}: write it without an exponent")
    precision, scale = decimal_digits(sql)
    whole, _, fraction = text.lstrip("+-").partition(".")
    if len(whole.lstrip("0")) > precision - scale or len(fraction.rstrip("0")) > scale:
        raise ValueError(f"'{text}' is not {sql}: it has more digits than the type")


def _fit_double(text: str, value: Decimal) -> None:
    double = float(text)
    if math.isinf(double) or (double == 0) != (value == 0):
        raise ValueError(f"'{text}' is not DOUBLE: its exponent is out of range")
    digits = re.sub("[^0-9]", "", re.sub("[eE].*", "", text)).lstrip("0")
    if len(digits) > DOUBLE_DIGITS:
        raise ValueError(f"'{text}' is not DOUBLE: it has more than {DOUBLE_DIGITS} digits")


def _boolean(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError(f"'{text}' is not BOOLEAN: expected true or false")
    return text == "true"


def _moment(text: str, column_type: ColumnType) -> date | datetime | time:
    own = _in_own_format(text, column_type)
    iso = _in_iso(text, column_type.logical)
    if own is None and iso is None:
        wanted = f" or '{column_type.format}'" if column_type.format else ""
        raise ValueError(f"'{text}' is not a {column_type.logical} in ISO 8601{wanted}")
    if own is not None and iso is not None and own != iso:
        raise ValueError(
            f"'{text}' means {own.isoformat()} in the format '{column_type.format}' and "
            f"{iso.isoformat()} in ISO 8601; choose a value that is the same in both"
        )
    return own if own is not None else iso  # type: ignore[return-value]  # one of them is set


def _in_iso(text: str, logical: str) -> date | datetime | time | None:
    if not _ISO[logical].fullmatch(text):
        return None
    try:
        if logical == "date":
            return date.fromisoformat(text)
        if logical == "time":
            return time.fromisoformat(text)
        return _in_utc(datetime.fromisoformat(text))
    except (ValueError, OverflowError):  # not on a calendar, or in UTC beyond its ends
        return None


def _in_own_format(text: str, column_type: ColumnType) -> date | datetime | time | None:
    if column_type.format is None:
        return None
    pattern, strptime = format_pattern(column_type.format)
    if not re.fullmatch(pattern, text):
        return None
    try:
        moment = _in_utc(datetime.strptime(text, python_format(strptime)))  # noqa: DTZ007 - next
    except (ValueError, OverflowError):  # as above
        return None
    if column_type.logical == "date":
        return moment.date()
    return moment if column_type.logical == "timestamp" else moment.time()


def python_format(strptime: str) -> str:
    """DuckDB's `%-d` (one or two digits) is Python's `%d`, its `%g` (milliseconds) `%f`."""
    return re.sub(r"%-([a-zA-Z])", r"%\1", strptime).replace("%g", "%f")


def _in_utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    return moment.astimezone(UTC)
