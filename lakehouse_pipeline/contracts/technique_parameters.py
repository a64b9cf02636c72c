"""The custom property `anonymize`: a technique and its parameters, judged one by one."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal

from lakehouse_pipeline.contracts.csv_dialect import read_entries
from lakehouse_pipeline.contracts.findings import Place
from lakehouse_pipeline.contracts.hierarchies import hierarchy_fault, levels_of
from lakehouse_pipeline.contracts.model import Anonymize
from lakehouse_pipeline.contracts.techniques import (
    CUSTOM_TYPES,
    LOCALES,
    MASK_FORMATS,
    MOST_KEPT,
    PERIODS,
    PSEUDONYMS,
    STEP_DIGITS,
    TECHNIQUES,
    step_scale,
)
from lakehouse_pipeline.errors import nearest

MOST_BANDS = 100
MOST_PREFIX = 1_000_000
LARGEST = 10**30
"""What no number of a technique exceeds; a scale is no smaller than its inverse."""

_VAULT = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,99}")

Fault = Callable[[object], str]
"""Returns what was expected of a value, empty when it is sound."""


def read_anonymize(value: object, place: Place) -> Anonymize | None:
    """Return the technique that `value` describes, None when it names none that is known."""
    if not isinstance(value, dict) or "technique" not in value:
        place.error("'anonymize': expected a technique, such as {technique: hash}")
        return None
    technique = value["technique"]
    if not isinstance(technique, str) or technique not in TECHNIQUES:
        (place / "technique").error(
            f"technique '{technique}' is not known.{nearest(str(technique), TECHNIQUES)} "
            f"Known: {', '.join(TECHNIQUES)}"
        )
        return None
    known = ("technique", *TECHNIQUES[technique])
    own = _without_others(value, known, place)
    entries = read_entries(own, place, known, f"technique '{technique}'")
    parameters = {key: entries[key] for key in TECHNIQUES[technique] if key in entries}
    sound = {key: given for key, given in parameters.items() if _is_sound(key, given, place)}
    _check_needed(technique, sound, parameters, place)
    return Anonymize(technique, sound)


def _without_others(
    value: Mapping[object, object], known: Sequence[str], place: Place
) -> Mapping[object, object]:
    """Return the entries of `value` but those of other techniques, each of which is a problem."""
    own = {}
    for key, given in value.items():
        takers = [name for name, keys in TECHNIQUES.items() if key in keys]
        if key in known or not takers:
            own[key] = given
        else:
            (place / str(key)).key_error(
                f"'{key}' goes with {', '.join(takers)}; technique '{value['technique']}' takes "
                f"{', '.join(known[1:]) or 'no parameters'}"
            )
    return own


def _is_sound(name: str, value: object, place: Place) -> bool:
    fault = _FAULTS[name](value)
    if fault:
        (place / name).error(f"'{name}': {fault}")
    return not fault


def _check_needed(
    technique: str, sound: Mapping[str, object], given: Mapping[str, object], place: Place
) -> None:
    needed = {"pseudonymize": "kind", "noise": "epsilon", "aggregate": "k", "custom": "expression"}
    name = needed.get(technique)
    if name and name not in given:
        place.error(f"technique '{technique}' needs the key '{name}'")
    if technique == "noise" and "sensitivity" not in given:
        place.error("technique 'noise' needs the key 'sensitivity'")
    if technique == "generalize":
        _check_way(sound, given, place)
    if "format" in sound and sound.get("preserveFormat") is False:
        (place / "preserveFormat").error(
            f"'preserveFormat': a mask with the format '{sound['format']}' keeps the format; to "
            "mask the separators too leave out 'format' and give keepFirst and keepLast"
        )


def _check_way(sound: Mapping[str, object], given: Mapping[str, object], place: Place) -> None:
    ways = [way for way in _WAYS if way in given]
    if len(ways) != 1:
        place.error(f"technique 'generalize' needs one of the keys {', '.join(_WAYS)}")
        return
    for name, (way, said) in _GOES_WITH.items():
        if name in sound and ways != [way]:
            (place / name).key_error(f"'{name}' goes with {said}")
    if "hierarchy" in sound and "level" in sound:
        coarse = levels_of(str(sound["hierarchy"]))[1:]
        level = str(sound["level"])
        if level not in coarse:
            (place / "level").error(
                f"'level': '{level}' is not known.{nearest(level, coarse)} "
                f"Known: {', '.join(coarse)}"
            )


_WAYS = ("step", "bands", "to", "prefix", "hierarchy")
_GOES_WITH = {
    "asOf": ("bands", "'bands' over a date"),
    "preserveFormat": ("prefix", "'prefix'"),
    "level": ("hierarchy", "'hierarchy'"),
    "otherwise": ("hierarchy", "'hierarchy'"),
}


def _whole(least: int, most: int = LARGEST) -> Fault:
    span = f"{least} or more" if most == LARGEST else f"{least} to {most}"

    def fault(value: object) -> str:
        sound = isinstance(value, int) and not isinstance(value, bool) and least <= value <= most
        return "" if sound else f"expected a whole number, {span}"

    return fault


def _is_number(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) <= LARGEST


def _number(value: object) -> str:
    return "" if _is_number(value) else "expected a number"


def _positive(value: object) -> str:
    sound = _is_number(value) and float(str(value)) >= 1 / LARGEST
    return "" if sound else "expected a number above 0"


def _step(value: object) -> str:
    fault = _positive(value)
    if fault:
        return fault
    digits = len(f"{Decimal(str(value)):f}".replace(".", "").lstrip("0"))
    fits = max(digits, step_scale(Decimal(str(value)))) <= STEP_DIGITS
    return "" if fits else f"expected a number of at most {STEP_DIGITS} digits"


def _one_of(known: Sequence[str]) -> Fault:
    def fault(value: object) -> str:
        if isinstance(value, str) and value in known:
            return ""
        words = f"{', '.join(known[:-1])} or {known[-1]}"
        return f"'{value}' is not known.{nearest(str(value), known)} Expected {words}"

    return fault


def _flag(value: object) -> str:
    return "" if isinstance(value, bool) else "expected true or false"


def _character(value: object) -> str:
    sound = isinstance(value, str) and len(value) == 1 and value.isprintable()
    return "" if sound else "expected one printable character"


def _text(value: object) -> str:
    sound = isinstance(value, str) and value != "" and value.isprintable()
    return "" if sound else "expected a printable text"


def _vault(value: object) -> str:
    sound = isinstance(value, str) and _VAULT.fullmatch(value)
    return "" if sound else "expected a name of letters, digits, '_', '-' and '.'"


def _bands(value: object) -> str:
    expected = f"expected 1 to {MOST_BANDS} numbers, each above the one before"
    if not isinstance(value, list) or not 1 <= len(value) <= MOST_BANDS:
        return expected
    rising = all(_is_number(number) for number in value) and sorted(set(value)) == value
    return "" if rising else expected


def _day(value: object) -> str:
    if isinstance(value, date):
        return ""
    try:
        date.fromisoformat(str(value))
    except ValueError:
        return "expected a date such as 2026-01-01"
    return ""


_FAULTS: Mapping[str, Fault] = {
    "keepFirst": _whole(0, MOST_KEPT),
    "keepLast": _whole(0, MOST_KEPT),
    "character": _character,
    "format": _one_of(tuple(MASK_FORMATS)),
    "preserveFormat": _flag,
    "preserveNull": _flag,
    "vault": _vault,
    "kind": _one_of(PSEUDONYMS),
    "locale": _one_of(LOCALES),
    "step": _step,
    "bands": _bands,
    "asOf": _day,
    "to": _one_of(PERIODS),
    "prefix": _whole(1, MOST_PREFIX),
    "hierarchy": hierarchy_fault,
    "level": _text,
    "otherwise": _text,
    "value": _text,
    "epsilon": _positive,
    "sensitivity": _positive,
    "minimum": _number,
    "maximum": _number,
    "k": _whole(2),
    "expression": _text,
    "type": _one_of(CUSTOM_TYPES),
}
