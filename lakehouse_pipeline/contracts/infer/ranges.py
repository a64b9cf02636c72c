"""Bounds of a column's values: generous and round, so that tomorrow's file keeps them too."""

from collections.abc import Mapping
from decimal import Decimal

from lakehouse_pipeline.contracts.infer.facts import ENOUGH_RECORDS, ColumnFacts, Extent
from lakehouse_pipeline.contracts.infer.words import says, words_of
from lakehouse_pipeline.contracts.literals import parse_literal
from lakehouse_pipeline.contracts.types import ColumnType

_STRAYS = 0.001
"""The share of values below zero that are taken for mistakes."""

_KNOWN: Mapping[str, tuple[int, int]] = {
    "lat|latitude|breitengrad": (-90, 90),
    "lon|lng|long|longitude|laengengrad": (-180, 180),
    "^hour$|^stunde$": (0, 23),
    "^minute$|^second$|^sekunde$": (0, 59),
    "^month$|^monat$": (1, 12),
    "^day$|^tag$": (1, 31),
    "^year$|^jahr$": (1900, 2100),
    "percent|pct|percentage|prozent": (0, 100),
    "age|alter": (0, 150),
}
_NO_QUANTITY = (
    ".*id|no|nr|num|number|nummer|key|code|zip|plz|year|jahr|index|idx|^flight|^order|version|"
    "line|row|lat|lon|lng|latitude|longitude|x|y"
)
_BOTH_SIDES_OF_ZERO = (
    "temp|temperature|temperatur|dew|dewp|windchill|elevation|altitude|balance|saldo|profit|gewinn|"
    "margin|change|delta|diff|difference|differenz|offset|drift|deviation|delay|verspaetung|growth"
)
"""What is measured on both sides of zero, even if a file has one side only."""

_YEARS = (2000, 1970, 1900)
_FLAG = (0, 1)
_LARGEST = Decimal(10) ** 18  # a BIGINT holds it


def bounds(facts: ColumnFacts, kind: ColumnType, extent: Extent | None) -> dict[str, str]:
    """Return `minimum` and `maximum`, as far as the values seen suggest one."""
    if extent is None or facts.values < ENOUGH_RECORDS:
        return {}
    if kind.logical in ("date", "timestamp"):
        return _first_day(kind, extent)
    if kind.logical not in ("integer", "number"):
        return {}
    found = _known(facts, extent) or _general(facts, extent)
    return {name: text for name, text in found.items() if _fits(text, kind)}


def _known(facts: ColumnFacts, extent: Extent) -> dict[str, str]:
    """Return the bounds that a column's name means, when its values keep them; and those of 0/1."""
    words, low, high = words_of(facts.name), Decimal(extent.low), Decimal(extent.high)
    for names, (least, most) in _KNOWN.items():
        if says(words, names) and least <= low and high <= most:
            return {"minimum": str(least), "maximum": str(most)}
    flag = facts.distinct == len(_FLAG) and low == _FLAG[0] and high == _FLAG[1]
    return {"minimum": "0", "maximum": "1"} if flag else {}


def _general(facts: ColumnFacts, extent: Extent) -> dict[str, str]:
    low, high = Decimal(extent.low), Decimal(extent.high)
    if says(words_of(facts.name), f"(?:{_NO_QUANTITY})$"):
        return {"minimum": "0"} if low >= 0 else {}
    if says(words_of(facts.name), _BOTH_SIDES_OF_ZERO):
        return {}
    positive = extent.negatives <= _STRAYS * facts.values
    found = {"minimum": "0"} if positive else {}
    if not positive and (bound := _round_above(-low)) is not None:
        found["minimum"] = f"-{bound}"
    if (bound := _round_above(high)) is not None:
        found["maximum"] = str(bound)
    return found


def _round_above(value: Decimal) -> Decimal | None:
    """Return the power of ten that leaves a digit more than `value` has; None when it has none."""
    if value < 1:
        return None
    bound = Decimal(10) ** (value.adjusted() + 2)
    return bound.quantize(Decimal(1)) if bound <= _LARGEST else None


def _fits(text: str, kind: ColumnType) -> bool:
    """A DECIMAL that is nearly full has no room for the round bound."""
    try:
        parse_literal(text, kind)
    except ValueError:
        return False
    return True


def _first_day(kind: ColumnType, extent: Extent) -> dict[str, str]:
    """Old dates are mistakes more often than not; no bound is set on how new a record may be."""
    if not extent.low[:4].isdigit():
        return {}
    year = int(extent.low[:4])
    first = next((first for first in _YEARS if year >= first), None)
    return {"minimum": first_moment(kind, first)} if first else {}


def first_moment(kind: ColumnType, year: int) -> str:
    """Return the first moment of a year as a bound of a date or timestamp."""
    day = f"{year}-01-01"
    return day if kind.logical == "date" else f"{day}T00:00:00Z"
