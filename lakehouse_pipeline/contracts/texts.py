"""What the text of a CSV field means in a column's type, in Python.

The second opinion to the SQL of `layers/values.py`: written from what the types promise
(`in_words` in `types.py`), without any of its patterns, so that a fault in one shows against the
other. Used where records are judged outside of the pipeline (`record_schema.py`).
"""

import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Context, Decimal

from lakehouse_pipeline.contracts.types import DOUBLE_DIGITS, ColumnType, decimal_digits

Value = str | int | float | Decimal | bool | date | datetime | time

BITS = {"TINYINT": 8, "SMALLINT": 16, "INTEGER": 32, "BIGINT": 64}
BOOLEANS = {"true": True, "false": False, "1": True, "0": False}
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
CENTURY_STARTS_AT = 69
"""A year of two digits is of the 20th century from 69 on, of the 21st before (POSIX)."""

NOON = 12
_EXACT = Context(prec=2000)
_ISO = {"date": "yyyy-MM-dd", "time": "HH:mm:ss", "timestamp": "yyyy-MM-dd HH:mm:ss"}
_TOKENS = re.compile(r"'([^']*)'|((?!T)([A-Za-z])\3*)|(.)", re.DOTALL)
_DIGITS = "0123456789"


def value_of(text: str, kind: ColumnType) -> Value | None:
    """Return the value that `text` has in the type, or None where it is not written as one."""
    if kind.logical == "string":
        return text
    if kind.format is not None:
        return _in_format(text, kind.format, kind.logical)
    if kind.sql in BITS:
        return _integer(text, BITS[kind.sql])
    if kind.sql.startswith("DECIMAL"):
        return _decimal(text, *decimal_digits(kind.sql))
    return _READERS[kind.sql](text)


def _number(text: str) -> tuple[str, str, str] | None:
    """Return sign, digits before and digits after the point, or None; some digit stands there."""
    sign = text[:1] if text[:1] in ("+", "-") else ""
    whole, _, fraction = text[len(sign) :].partition(".")
    if not whole + fraction or any(c not in _DIGITS for c in whole + fraction):
        return None
    return sign, whole, fraction


def _integer(text: str, bits: int) -> int | None:
    """A whole number; zeros may stand behind a point (`17850.0`), nothing else may."""
    parts = _number(text)
    if parts is None or not parts[1] or parts[2].strip("0") or ("." in text and not parts[2]):
        return None
    number = int(parts[0] + parts[1]) if len(parts[1].lstrip("0")) < bits else 1 << bits
    return number if -(1 << bits - 1) <= number < 1 << bits - 1 else None


def _decimal(text: str, precision: int, scale: int) -> Decimal | None:
    """A number with no more digits than the type keeps; zeros at either end do not count."""
    parts = _number(text)
    if parts is None:
        return None
    sign, whole, fraction = parts
    whole, fraction = whole.lstrip("0"), fraction.rstrip("0")
    if len(whole) > precision - scale or len(fraction) > scale:
        return None
    return _EXACT.create_decimal(f"{sign}{whole or 0}.{fraction or 0}")


def _double(text: str) -> float | None:
    """A number of at most 17 digits, with or without an exponent, that a DOUBLE can hold."""
    mantissa, e, exponent = text.replace("E", "e").partition("e")
    parts = _number(mantissa)
    if parts is None or (e and not re.fullmatch(r"[+-]?[0-9]+", exponent)):
        return None
    digits = (parts[1] + parts[2]).lstrip("0")
    value = float(text)
    if len(digits) > DOUBLE_DIGITS or math.isinf(value) or (value == 0 and digits):
        return None
    return value


def _boolean(text: str) -> bool | None:
    return BOOLEANS.get(text.lower() if text.isascii() else text)


def _iso_date(text: str) -> date | None:
    moment = _in_format(text, _ISO["date"], "date")
    return moment if isinstance(moment, date) else None


def _iso_time(text: str) -> time | None:
    """Hours and minutes, then seconds, then up to six digits of a second, as far as given."""
    clock, dot, fraction = text.partition(".")
    if dot and (not 0 < len(fraction) <= 6 or any(c not in _DIGITS for c in fraction)):  # noqa: PLR2004 - microseconds
        return None
    if len(clock) == len("HH:mm") and not dot:
        clock += ":00"
    moment = _in_format(clock, _ISO["time"], "time")
    if not isinstance(moment, time):
        return None
    return moment.replace(microsecond=int(fraction.ljust(6, "0") or 0))


def _iso_timestamp(text: str) -> datetime | None:
    """A date, `T` or a blank, a time, and an offset from UTC (`Z`, `+05`, `+0530`, `+05:30`)."""
    found = re.fullmatch(r"(.{10})[T ]([0-9:.]+)(Z|[+-][0-9:]+)?", text)
    if found is None:
        return None
    day, clock, offset = _iso_date(found[1]), _iso_time(found[2]), _offset(found[3] or "Z")
    if day is None or clock is None or offset is None:
        return None
    return _in_utc(datetime.combine(day, clock), offset)


def _offset(text: str) -> timedelta | None:
    """Return an offset from UTC; it is below a day, and its minutes below an hour."""
    found = re.fullmatch(r"Z|([+-])([0-9]{2})(?::?([0-9]{2}))?", text)
    if found is None:
        return None
    if text == "Z":
        return timedelta(0)
    hours, minutes = int(found[2]), int(found[3] or 0)
    if hours > 23 or minutes > 59:  # noqa: PLR2004 - a clock's
        return None
    return timedelta(hours=hours, minutes=minutes) * (-1 if found[1] == "-" else 1)


def _in_utc(moment: datetime, offset: timedelta) -> datetime | None:
    try:
        return moment.replace(tzinfo=timezone(offset)).astimezone(UTC)
    except (OverflowError, ValueError):  # before year 1 or after year 9999 in UTC
        return None


_READERS: Mapping[str, Callable[[str], Value | None]] = {
    "DOUBLE": _double,
    "BOOLEAN": _boolean,
    "DATE": _iso_date,
    "TIME": _iso_time,
    "TIMESTAMP WITH TIME ZONE": _iso_timestamp,
}


def _in_format(text: str, text_format: str, logical: str) -> date | datetime | time | None:
    """Read a moment token by token: `yyyy` is four digits, `d` one or two, and so on."""
    parts: dict[str, str] = {}
    pattern = ""
    for quoted, token, letter, other in _TOKENS.findall(text_format):
        if not token:
            pattern += re.escape(quoted or other or "'")
        elif letter in parts:
            return None
        else:
            parts[letter] = token
            pattern += f"(?P<{letter}>{_token_text(token)})"
    found = re.fullmatch(pattern, text)
    try:
        return _moment(found.groupdict(), logical) if found else None
    except ValueError:  # there is no such day, or no such time of a day
        return None


def _token_text(token: str) -> str:
    if token == "MMM":  # noqa: S105 - of a date's format
        return "[A-Za-z]{3}"
    if token == "a":  # noqa: S105 - as above
        return "[AaPp][Mm]"
    if token == "XXX":  # noqa: S105 - as above
        return "Z|[+-][0-9]{2}:[0-9]{2}"
    return "[0-9]{1,2}" if len(token) == 1 else f"[0-9]{{{len(token)}}}"


def _moment(found: Mapping[str, str], logical: str) -> date | datetime | time | None:
    clock = time(
        _hour(found),
        int(found.get("m", 0)),
        int(found.get("s", 0)),
        int(found.get("S", "0").ljust(6, "0")),
    )
    if logical == "time":
        return clock
    day = date(_year(found["y"]), _month(found["M"]), int(found["d"]))
    if logical == "date":
        return day
    offset = _offset(found.get("X", "Z"))
    return None if offset is None else _in_utc(datetime.combine(day, clock), offset)


def _year(text: str) -> int:
    if len(text) > 2:  # noqa: PLR2004 - digits of a century's year
        return int(text)
    return int(text) + (1900 if int(text) >= CENTURY_STARTS_AT else 2000)


def _month(text: str) -> int:
    return int(text) if text.isdigit() else MONTHS.index(text.lower()) + 1


def _hour(found: Mapping[str, str]) -> int:
    if "h" not in found:
        return int(found.get("H", 0))
    if not 1 <= int(found["h"]) <= NOON:
        raise ValueError(found["h"])
    return int(found["h"]) % NOON + (NOON if found["a"].lower() == "pm" else 0)
