"""The custom property `privacy`: what published promises about groups of people, key by key.

How it fits the columns is judged in `lint_protection`.
"""

from typing import Literal, cast

from lakehouse_pipeline.contracts.csv_dialect import read_entries
from lakehouse_pipeline.contracts.findings import Place
from lakehouse_pipeline.contracts.limits import is_number
from lakehouse_pipeline.contracts.model import Privacy
from lakehouse_pipeline.errors import nearest

BELOW = ("suppress", "refuse")
_KEYS = ("quasiIdentifiers", "k", "l", "t", "sensitive", "below")
_LEAST = 2
"""A class of one record is one person alone."""


def read_privacy(value: object, place: Place) -> Privacy | None:
    """Return what is promised, None where it cannot be told; what is wrong is a problem."""
    entries = read_entries(value, place, _KEYS, "privacy")
    names = _names(entries.get("quasiIdentifiers"), place / "quasiIdentifiers", needed=True)
    sensitive = _names(entries.get("sensitive"), place / "sensitive")
    k = _whole(entries.get("k"), "k", place)
    l = _whole(entries["l"], "l", place) if "l" in entries else None  # noqa: E741 - its name
    t = _share(entries["t"], place) if "t" in entries else None
    asked = "l" in entries or "t" in entries
    if asked and not entries.get("sensitive"):
        place.error("privacy: 'l' and 't' are of 'sensitive' columns; name one at least")
    if sensitive and not asked:
        (place / "sensitive").key_error("privacy: 'sensitive' goes with 'l', 't' or both")
    below = _below(entries.get("below", "refuse"), place / "below")
    return None if k is None or not names else Privacy(names, k, l, t, sensitive, below)


def _names(value: object, place: Place, *, needed: bool = False) -> tuple[str, ...]:
    if value in (None, []) and not needed:
        return ()
    if not isinstance(value, list) or not value or not all(isinstance(n, str) for n in value):
        place.error(f"privacy: '{place.path[-1]}' expects a list of column names")
        return ()
    return tuple(cast("list[str]", value))


def _whole(value: object, name: str, place: Place) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int) or value < _LEAST:
        (place / name).error(f"privacy: '{name}' expects a whole number, {_LEAST} or more")
        return None
    return value


def _share(value: object, place: Place) -> float | None:
    if not is_number(value) or not 0 < value <= 1:
        (place / "t").error("privacy: 't' expects a number above 0, at most 1")
        return None
    return float(value)


def _below(value: object, place: Place) -> Literal["suppress", "refuse"]:
    if value not in BELOW:
        near = nearest(str(value), BELOW)
        place.error(f"privacy: below '{value}' is not known.{near} Expected suppress or refuse")
    return "suppress" if value == "suppress" else "refuse"
