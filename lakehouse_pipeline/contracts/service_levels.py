"""`slaProperties`: how long records are kept and how fresh data is; the rest is documentation.

The custom property `retention`, days per layer, is read here too: it takes the place of the
service level where it names a layer.
"""

from collections.abc import Mapping, Sequence

from open_data_contract_standard.model import ServiceLevelAgreementProperty

from lakehouse_pipeline.contracts.csv_dialect import read_entries
from lakehouse_pipeline.contracts.findings import Place
from lakehouse_pipeline.contracts.limits import is_number
from lakehouse_pipeline.contracts.model import Freshness
from lakehouse_pipeline.names import LANDING, Layer

KEPT = (LANDING, *(str(layer) for layer in Layer))
"""What keeps records for a number of days: landing and the layers."""

DAY = 86_400.0
_DAYS = {
    **dict.fromkeys(("d", "day", "days"), 1.0),
    **dict.fromkeys(("w", "week", "weeks"), 7.0),
    **dict.fromkeys(("m", "month", "months"), 30.0),
    **dict.fromkeys(("y", "yr", "year", "years"), 365.0),
}
"""Days in a unit of retention; a month counts 30 and a year 365."""

_SECONDS = {
    **dict.fromkeys(("min", "minute", "minutes"), 60.0),
    **dict.fromkeys(("h", "hr", "hour", "hours"), 3_600.0),
    **{unit: days * DAY for unit, days in _DAYS.items() if unit != "m"},
}
"""Seconds in a unit of freshness; a lone `m` could be minutes or months and is none."""

_NAMES = {
    **dict.fromkeys(("retention", "re"), "retention"),
    **dict.fromkeys(("frequency", "fy"), "frequency"),
    **dict.fromkeys(("latency", "ly"), "latency"),
}
"""The service levels that are kept, by their names and synonyms in ODCS; case does not matter."""

Levels = Mapping[str, tuple[ServiceLevelAgreementProperty, Place]]


def read_levels(items: Sequence[ServiceLevelAgreementProperty] | None, place: Place) -> Levels:
    """Return the service levels this product keeps, by name, each with its place."""
    found: dict[str, tuple[ServiceLevelAgreementProperty, Place]] = {}
    for index, item in enumerate(items or ()):
        here = place / index
        if item.property is None:
            here.error("a service level needs the key 'property'")
            continue
        name = _NAMES.get(item.property.lower())
        if name in found:
            (here / "property").error(f"'{name}' stands there twice")
        if name is not None:
            found[name] = (item, here)
    return found


def read_retention(levels: Levels, days: Mapping[str, float]) -> Mapping[str, float]:
    """Return how many days landing and each layer keep records; a missing name keeps for ever.

    `days` are those of the custom property; the service level holds for all others.
    """
    if "retention" not in levels:
        return days
    every = _number(*levels["retention"], "retention", _DAYS)
    return {name: days.get(name, every) for name in KEPT}


def read_freshness(levels: Levels) -> Freshness | None:
    """Return how fresh data is promised; a latency without a frequency is documentation."""
    if "frequency" not in levels:
        return None
    frequency = _number(*levels["frequency"], "frequency", _SECONDS)
    latency = _number(*levels["latency"], "latency", _SECONDS) if "latency" in levels else 0.0
    return Freshness(frequency, latency)


def read_days(value: object, place: Place) -> Mapping[str, float]:
    """Return the days of the custom property `retention`, by landing and the layers' names."""
    found = {}
    for name, days in read_entries(value, place, KEPT, "retention").items():
        if is_number(days) and days > 0:
            found[name] = float(days)
        else:
            (place / name).error(f"'{name}': expected a number of days above 0")
    return found


def _number(
    item: ServiceLevelAgreementProperty, place: Place, name: str, units: Mapping[str, float]
) -> float:
    for key in ("valueExt", "element"):
        if getattr(item, key) is not None:
            (place / key).unenforced(f"'{key}' of a {name}")
    value, unit = item.value, (item.unit or "").lower()
    if not is_number(value) or value < 0 or (value == 0 and name != "latency"):
        limit = "of 0 or more" if name == "latency" else "above 0"
        (place / "value").error(f"'{name}': expected a number {limit}")
        value = 1
    if unit not in units:
        problem = f"'{name}': unknown unit '{unit}'" if unit else f"'{name}' needs a 'unit'"
        (place / "unit").error(f"{problem}; known: {', '.join(units)}")
    return float(value) * units.get(unit, 1.0)
