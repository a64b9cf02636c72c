"""`logicalTypeOptions` of one column: which apply to its type, and what they say.

How the options stand to each other (minimum above maximum) is judged in `lint`.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from lakehouse_pipeline.contracts.findings import Place
from lakehouse_pipeline.contracts.literals import parse_literal
from lakehouse_pipeline.contracts.model import Column
from lakehouse_pipeline.contracts.regular_expressions import pattern_fault
from lakehouse_pipeline.contracts.types import ColumnType
from lakehouse_pipeline.errors import nearest

STRING_FORMATS = ("email", "uuid", "uri", "hostname", "ipv4", "ipv6")
NUMBER_FORMATS = {"integer": ("i8", "i16", "i32", "i64"), "number": ("f32", "f64")}
_BOUNDS = {
    "minimum": "minimum",
    "maximum": "maximum",
    "exclusiveMinimum": "exclusive_minimum",
    "exclusiveMaximum": "exclusive_maximum",
}
_LENGTHS = {"minLength": "min_length", "maxLength": "max_length"}
_MOMENT = (*_BOUNDS, "format")
OPTIONS: Mapping[str, tuple[str, ...]] = {
    "string": ("pattern", *_LENGTHS, "format"),
    "integer": (*_BOUNDS, "multipleOf", "format"),
    "number": (*_BOUNDS, "multipleOf", "format"),
    "boolean": (),
    "date": _MOMENT,
    "timestamp": _MOMENT,
    "time": _MOMENT,
}
"""The options each logical type takes."""

_ALL = sorted({name for names in OPTIONS.values() for name in names})
_UNENFORCED = ("timezone", "defaultTimezone")


def read_options(column: Column, options: Mapping[str, object], place: Place) -> Column:
    """Return `column` with its options; an option that is wrong is a problem and left out."""
    found: dict[str, Any] = {}
    for name in options:
        here = place / name
        if _applies(name, column.type, here):
            found |= _read_option(name, column.type, here)
    return replace(column, **found)


def _applies(name: str, of_type: ColumnType, place: Place) -> bool:
    takes = OPTIONS[of_type.logical]
    if name in takes:
        return True
    if name in _UNENFORCED:
        place.unenforced(f"'{name}'")
    elif name in _ALL:
        known = f"; it takes: {', '.join(takes)}" if takes else ""
        place.key_error(f"'{name}' does not apply to logicalType '{of_type.logical}'{known}")
    else:
        place.key_error(
            f"unknown option '{name}'.{nearest(name, _ALL)} "
            f"Known for '{of_type.logical}': {', '.join(takes) or 'none'}"
        )
    return False


def _read_option(name: str, of_type: ColumnType, place: Place) -> dict[str, object]:
    text = place.text
    if text is None:
        place.error(f"'{name}': expected one value, not a list or mapping")
        return {}
    if name in _BOUNDS:
        return _bound(_BOUNDS[name], name, text, of_type, place)
    if name in _LENGTHS:
        return _length(_LENGTHS[name], name, text, place)
    if name == "pattern":
        return _pattern(text, place)
    if name == "multipleOf":
        return _multiple(text, of_type, place)
    return _format(text, of_type, place)


def _bound(
    target: str, name: str, text: str, of_type: ColumnType, place: Place
) -> dict[str, object]:
    if text in ("true", "false"):
        place.error(f"'{name}': since ODCS 3.1 it takes the bound itself, not true or false")
        return {}
    try:
        parse_literal(text, of_type)
    except ValueError as error:
        place.error(f"'{name}': {error}")
        return {}
    return {target: text}


def _length(target: str, name: str, text: str, place: Place) -> dict[str, object]:
    if not (text.isascii() and text.isdigit() and len(text) < 10):  # noqa: PLR2004 - fits INTEGER
        place.error(f"'{name}': expected a whole number of characters, 0 or more")
        return {}
    return {target: int(text)}


def _pattern(text: str, place: Place) -> dict[str, object]:
    if fault := pattern_fault(text):
        place.error(f"'pattern' is no regular expression of RE2: {fault}")
    return {"pattern": text}


def _multiple(text: str, of_type: ColumnType, place: Place) -> dict[str, object]:
    try:
        positive = parse_literal(text, of_type) > 0  # type: ignore[operator]  # it is a number
    except ValueError as error:
        place.error(f"'multipleOf': {error}")
        return {}
    if not positive:
        place.error("'multipleOf': expected a number above 0")
        return {}
    return {"multiple_of": text}


def _format(text: str, of_type: ColumnType, place: Place) -> dict[str, object]:
    """Only a string's format is a rule of the column; the others are part of its type."""
    if of_type.logical in ("date", "timestamp", "time"):
        return {}
    known = NUMBER_FORMATS.get(of_type.logical, STRING_FORMATS)
    if text not in known:
        place.error(
            f"format '{text}' is not enforced by this version of lakehouse_pipeline."
            f"{nearest(text, known)} Known for '{of_type.logical}': {', '.join(known)}"
        )
        return {}
    return {"format": text} if of_type.logical == "string" else {}
