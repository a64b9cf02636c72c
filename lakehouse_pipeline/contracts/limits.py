"""The `mustBe…` forms of ODCS as `Limit` values: numbers that a count or a query must keep."""

import math
from collections.abc import Iterator
from typing import TypeGuard

from open_data_contract_standard.model import DataQuality

from lakehouse_pipeline.contracts.findings import Place
from lakehouse_pipeline.contracts.model import Limit

OPERATORS = (
    "mustBe",
    "mustNotBe",
    "mustBeGreaterThan",
    "mustBeGreaterOrEqualTo",
    "mustBeLessThan",
    "mustBeLessOrEqualTo",
)
RANGES = ("mustBeBetween", "mustNotBeBetween")
LIMITS = (*OPERATORS, *RANGES)


def is_number(value: object) -> TypeGuard[int | float]:
    """Return whether `value` is a finite number; true and false are none."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def read_limits(item: DataQuality, place: Place, what: str) -> tuple[Limit, ...]:
    """Return the limits of a rule; `what` is the rule's name in messages.

    A rule without one, and a limit that is no number, are problems.
    """
    limits = (*_single(item, place), *_ranges(item, place))
    if not limits and not any((place / key).exists for key in LIMITS):
        place.error(f"{what} needs a limit; known: {', '.join(LIMITS)}")
    return limits


def check_counts(limits: tuple[Limit, ...], unit: str, place: Place) -> None:
    """Judge the numbers of a count: none is below 0, and no percentage above 100."""
    for limit in limits:
        if limit.numbers[0] < 0:
            (place / limit.key).error(f"'{limit.key}': a count is never below 0")
        elif unit == "percent" and limit.numbers[-1] > 100:  # noqa: PLR2004 - all of it
            (place / limit.key).error(f"'{limit.key}': expected a percentage from 0 to 100")


def _single(item: DataQuality, place: Place) -> Iterator[Limit]:
    for key in OPERATORS:
        value = getattr(item, key)
        if is_number(value):
            yield Limit(key, (float(value),))
        elif value is not None:
            (place / key).error(f"'{key}': expected a number")


def _ranges(item: DataQuality, place: Place) -> Iterator[Limit]:
    for key in RANGES:
        numbers = getattr(item, key)
        if numbers is None:
            continue
        low, high = numbers
        if not (is_number(low) and is_number(high)):
            (place / key).error(f"'{key}': expected two numbers")
        elif low > high:
            (place / key).error(f"'{key}': {low:g} is above {high:g}")
        else:
            yield Limit(key, (float(low), float(high)))
