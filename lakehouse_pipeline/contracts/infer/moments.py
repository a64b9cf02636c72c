"""Which date, time or timestamp a column holds, and in which order its day and month stand."""

from collections.abc import Sequence
from typing import Literal

from lakehouse_pipeline.contracts.infer.candidates import (
    COMPACT,
    DAY_FIRST,
    MOMENTS,
    MONTH_FIRST,
    STRING,
    date_part,
)
from lakehouse_pipeline.contracts.infer.facts import ENOUGH_RECORDS, ColumnFacts
from lakehouse_pipeline.contracts.infer.meanings import TOLERANCE
from lakehouse_pipeline.contracts.infer.words import says, words_of
from lakehouse_pipeline.contracts.types import ColumnType

Order = Literal["day", "month", "sure"]

_DATE_NAME = ".*date|date.*|dt|day|.*datum|tag|fecha|data|.*_at|.*_on|timestamp|time"
_YEARS = range(1900, 2101)
_SHORT_YEAR = "two-digit years: 69 to 99 are read as 1969 to 1999, 00 to 68 as 2000 to 2068"


def compact_date(facts: ColumnFacts) -> ColumnType | None:
    """Return the type of dates in digits alone (`20240131`), None for what may be numbers."""
    for kind in MOMENTS:
        if kind.format not in COMPACT or facts.fit(kind) < 1 - TOLERANCE:
            continue
        years = [text[:4] for text, _ in facts.common]
        likely = all(year.isdigit() and int(year) in _YEARS for year in years)
        if likely and (says(words_of(facts.name), _DATE_NAME) or facts.distinct >= ENOUGH_RECORDS):
            return kind
    return None


def day_first_voters(columns: Sequence[ColumnFacts]) -> dict[str, bool]:
    """Return the columns whose dates are of one order only, and whether that is day first."""
    votes = {}
    for facts in columns:
        orders = {_order(kind) for kind in _fitting(facts)}
        if orders in ({"day"}, {"month"}) and not _always_day_first(facts):
            votes[facts.name] = orders == {"day"}
    return votes


def choose_moment(
    facts: ColumnFacts, voters: dict[str, bool]
) -> tuple[ColumnType, tuple[str, ...]] | None:
    """Return the type that most values fit, with notes, or None when they are no moments."""
    fitting = _fitting(facts)
    if not fitting:
        return None
    best = max(fitting, key=facts.fit)
    rivals = [k for k in fitting if facts.fit(k) == facts.fit(best) and _order(k) != _order(best)]
    notes = (_SHORT_YEAR,) if _has_short_year(best) else ()
    if not rivals or "sure" in (_order(best), _order(rivals[0])):
        return best, notes
    return _undecided(best, rivals[0], voters, notes)


def _undecided(
    best: ColumnType, rival: ColumnType, voters: dict[str, bool], notes: tuple[str, ...]
) -> tuple[ColumnType, tuple[str, ...]]:
    """Choose between two orders that fit as well: no day above 12 was seen."""
    by_day, by_month = (best, rival) if _order(best) == "day" else (rival, best)
    if len(set(voters.values())) == 1:
        name, day_first = next(iter(voters.items()))
        found = by_day if day_first else by_month
        return found, (f"the order of day and month is taken from column {name}", *notes)
    if _has_short_year(best):
        return STRING, ("dates whose order of day, month and year cannot be told: text",)
    open_order = f"no day above 12 was seen: this may as well be {by_month.format}; please check"
    return by_day, (open_order, *notes)


def _fitting(facts: ColumnFacts) -> list[ColumnType]:
    return [
        kind for kind in MOMENTS if kind.format not in COMPACT and facts.fit(kind) >= 1 - TOLERANCE
    ]


def _order(kind: ColumnType) -> Order:
    part = date_part(kind)
    if part in DAY_FIRST:
        return "day"
    return "month" if part in MONTH_FIRST else "sure"


def _always_day_first(facts: ColumnFacts) -> bool:
    """Dots are written between day, month and year only: they say nothing about slashes."""
    return any("." in date_part(kind) for kind in _fitting(facts))


def _has_short_year(kind: ColumnType) -> bool:
    part = date_part(kind)
    return part.endswith("yy") and not part.endswith("yyyy")
