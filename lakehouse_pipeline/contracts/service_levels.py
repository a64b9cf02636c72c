"""`slaProperties`: how long records are kept; every other service level is documentation."""

from collections.abc import Mapping, Sequence

from open_data_contract_standard.model import ServiceLevelAgreementProperty

from lakehouse_pipeline.contracts.findings import Place
from lakehouse_pipeline.names import LANDING, Layer

_DAYS = {
    **dict.fromkeys(("d", "day", "days"), 1.0),
    **dict.fromkeys(("w", "week", "weeks"), 7.0),
    **dict.fromkeys(("m", "month", "months"), 30.0),
    **dict.fromkeys(("y", "yr", "year", "years"), 365.0),
}
"""Days in a unit of retention; a month counts 30 and a year 365."""


def read_retention(
    items: Sequence[ServiceLevelAgreementProperty] | None, place: Place
) -> Mapping[str, float]:
    """Return how many days landing and each layer keep records, empty if the contract is silent."""
    found: float | None = None
    for index, item in enumerate(items or ()):
        here = place / index
        if item.property is None:
            here.error("a service level needs the key 'property'")
        elif item.property.lower() == "retention":
            if found is not None:
                (here / "property").error("'retention' stands there twice")
            found = _days(item, here)
    return {} if found is None else dict.fromkeys((LANDING, *(str(x) for x in Layer)), found)


def _days(item: ServiceLevelAgreementProperty, place: Place) -> float:
    for key in ("valueExt", "element"):
        if getattr(item, key) is not None:
            (place / key).unenforced(f"'{key}' of a retention")
    value, unit = item.value, (item.unit or "").lower()
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        (place / "value").error("'retention': expected a number above 0")
        value = 1
    if unit not in _DAYS:
        (place / "unit").error(f"'retention' needs a 'unit'; known: {', '.join(_DAYS)}")
    return float(value) * _DAYS.get(unit, 1.0)
