"""What is known about the columns of a sample: counts, extremes, and what fits.

Counted with SQL in `pipeline/column_facts.py`; judged in the other modules of this package. Values
that stand in a fact (`common`, `low`, `high`) must not reach a draft when the column is personal.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from lakehouse_pipeline.contracts.types import ColumnType

MOST_COMMON = 25
"""How many of a column's values are held with their counts."""

_ALL = 100

ENOUGH_RECORDS = 30
"""Below this nothing is said of what values must be: too few were seen."""


@dataclass(frozen=True, slots=True)
class NullTexts:
    """One column's texts that may mean null, each with its count.

    `typed` says that the other values of the column are numbers, dates or the like, which these
    texts are not.
    """

    column: str
    counts: Mapping[str, int]
    typed: bool


@dataclass(frozen=True, slots=True)
class Digits:
    """How a column's numbers are written: those that are plain, without an exponent.

    `whole` and `scale` are the most digits before and after the point, `least_scale` the fewest
    after it; `padded` counts numbers with leading zeros, `plus` those with a plus sign, `commas`
    the values that are numbers when their decimal comma is read as a point.
    """

    plain: int = 0
    whole: int = 0
    scale: int = 0
    least_scale: int = 0
    padded: int = 0
    plus: int = 0
    commas: int = 0


@dataclass(frozen=True, slots=True)
class Extent:
    """The least and the largest value of a column in its type, and how many are below zero."""

    low: str
    high: str
    negatives: int = 0


@dataclass(frozen=True, slots=True)
class ColumnFacts:
    """One column of the sample.

    `records` counts the records that could be split, `nulls` those without a value, `distinct` the
    different texts. `common` are the most common texts with their counts, all of them when there
    are at most `MOST_COMMON`. `fits` counts the values that the product takes for a type, by type;
    `forms` those that look like something, by the names in `meanings`; `proven` the share of
    values whose check digits are right, for forms that have some. `masks` are the shapes of the
    texts (digits as 9, letters as A and a) with their counts, the most common first; empty when
    they were not asked for. `longest` is in characters.
    """

    name: str
    records: int
    nulls: int
    distinct: int
    longest: int = 0
    common: tuple[tuple[str, int], ...] = ()
    fits: Mapping[ColumnType, int] = field(default_factory=dict)
    digits: Digits = field(default_factory=Digits)
    forms: Mapping[str, int] = field(default_factory=dict)
    proven: Mapping[str, float] = field(default_factory=dict)
    masks: tuple[tuple[str, int], ...] = ()

    @property
    def values(self) -> int:
        """The number of records that hold a value."""
        return self.records - self.nulls

    def fit(self, kind: ColumnType) -> float:
        """Return the share of the values that fit a type, 0 without values."""
        return self.fits.get(kind, 0) / self.values if self.values else 0.0

    def looks_like(self, form: str) -> float:
        """Return the share of the values of a form, 0 without values."""
        return self.forms.get(form, 0) / self.values if self.values else 0.0


def percent(part: int, whole: int) -> str:
    """Return a share as a person reads it: only nothing is 0 %, and only all of it 100 %."""
    share = 100 * part / whole if whole else 0.0
    if part in (0, whole):
        return f"{share:.0f} %"
    for digits in (1, 2):
        if 0 < float(f"{share:.{digits}f}") < _ALL:
            return f"{share:.{digits}f} %"
    return "less than 0.01 %" if share < 1 else "more than 99.99 %"
