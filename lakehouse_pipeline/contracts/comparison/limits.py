"""Whether a rule's limits allow more or fewer numbers than they did, proven and not guessed.

Limits are ends of intervals, so two sets of them agree everywhere when they agree at every end,
between each two of them, and beyond the outermost.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from lakehouse_pipeline.contracts.comparison.change import Direction
from lakehouse_pipeline.contracts.model import Limit


@dataclass(frozen=True, slots=True)
class Numbers:
    """The numbers a rule can give: from `low` to `high`, both among them; or the `whole` ones."""

    low: float = -math.inf
    high: float = math.inf
    whole: bool = False


def direction_of(old: Sequence[Limit], new: Sequence[Limit], numbers: Numbers) -> Direction | None:
    """Return how `new` differs from `old`, None where they allow the same numbers."""
    allowed = [
        (all(limit.holds(n) for limit in old), all(limit.holds(n) for limit in new))
        for n in _telling(sorted({n for limit in [*old, *new] for n in limit.numbers}), numbers)
    ]
    fewer, more = (True, False) in allowed, (False, True) in allowed
    if fewer and more:
        return "changed"
    if fewer or more:
        return "tightened" if fewer else "loosened"
    return None


def _telling(ends: Sequence[float], numbers: Numbers) -> Iterator[float]:
    """Yield numbers of which one lies in every stretch that the ends divide `numbers` into."""
    if numbers.whole:
        found = {float(math.floor(end) + step) for end in ends for step in (-1, 0, 1, 2)}
        yield from (n for n in found if numbers.low <= n <= numbers.high)
        return
    inside = [end for end in ends if numbers.low < end < numbers.high]
    low = numbers.low if math.isfinite(numbers.low) else min(ends, default=0.0) - 1
    high = numbers.high if math.isfinite(numbers.high) else max(ends, default=0.0) + 1
    stops = [low, *inside, high]
    yield from stops
    yield from ((below + above) / 2 for below, above in pairwise(stops))
