"""The rules of one published column as checks of pandera, each with the name of its rule.

Its type, nulls and repeats are the schema's part, in `pandera_schema.py`.
"""

import operator
from collections.abc import Callable, Iterator
from decimal import Context, Decimal
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import pandera.pandas as pandera
import pyarrow as pa
import pyarrow.compute as pc

from lakehouse_pipeline.contracts.column_bounds import bounds
from lakehouse_pipeline.contracts.format_patterns import FORMATS
from lakehouse_pipeline.contracts.literals import parse_literal
from lakehouse_pipeline.contracts.model import Column
from lakehouse_pipeline.contracts.texts import value_of

Series = pd.Series
"""Of any dtype; checks give a series of bool."""

EXACT = Context(prec=100)
"""Arithmetic in which no DECIMAL is rounded: a quotient has up to 76 digits."""

DOUBLE_WHOLE = 2.0**52
DOUBLE_ROUNDING = 2.0**-51
"""Of a multiple: where a DOUBLE has no places, and how far its rounding takes it."""


def column_checks(column: Column) -> Iterator[pandera.Check]:
    """Yield a check for each rule over one value, as `published_columns` gives the column."""

    def built_in(kind: str, check: str, *arguments: object, **options: object) -> pandera.Check:
        name = f"{column.name}.{kind}"
        made: pandera.Check = getattr(pandera.Check, check)(
            *arguments, **options, name=name, error=name, raise_warning=kind in column.warns
        )
        return made

    if column.type.sql == "TIME":
        yield from _time_checks(column)
        return
    if column.enum is not None:
        yield built_in("enum", "isin", [typed(column, value) for value in column.enum])
    if column.pattern is not None:
        yield named_check(column, "pattern", partial(matches, column.pattern))
    if column.format is not None:
        yield named_check(column, "format", partial(matches, FORMATS[column.format]))
    if column.min_length is not None:
        yield built_in("minLength", "str_length", min_value=column.min_length)
    if column.max_length is not None:
        yield built_in("maxLength", "str_length", max_value=column.max_length)
    for kind, (check, bound) in bounds(column).items():
        yield built_in(kind, check, typed(column, bound))
    if column.multiple_of is not None:
        step = typed(column, column.multiple_of)
        yield named_check(column, "multipleOf", partial(is_multiple, step))


def typed(column: Column, text: str) -> Any:  # noqa: ANN401 - a value of the column's type
    """Return an enum value, a bound or a step of the contract as the frame's cells hold it."""
    value = parse_literal(text, column.type)
    return float(value) if isinstance(value, Decimal) and column.type.sql == "DOUBLE" else value


def matches(pattern: str, texts: Series) -> Series:
    """Return for each text whether RE2, the language of a contract's patterns, finds `pattern`."""
    found = pc.match_substring_regex(pa.array(texts, pa.string()), pattern=pattern)
    return Series(found.to_numpy(zero_copy_only=False).astype(bool), index=texts.index)


def is_multiple(step: Decimal | float, values: Series) -> Series:
    """Return for each value whether it is a multiple of `step`; of a DOUBLE within its rounding."""
    if isinstance(step, int):
        return values % step == 0
    if isinstance(step, Decimal):
        kept = [EXACT.remainder(value, step) == 0 for value in values]
        return Series(kept, index=values.index, dtype=bool)
    numbers = values.to_numpy(dtype=float)
    with np.errstate(over="ignore", invalid="ignore"):
        quotient = numbers / step
        rest = np.abs(numbers - np.round(quotient) * step)
        kept = (np.abs(quotient) >= DOUBLE_WHOLE) | (rest <= np.abs(numbers) * DOUBLE_ROUNDING)
    return Series(kept, index=values.index)


def _time_checks(column: Column) -> Iterator[pandera.Check]:
    """A time is stored as text; its rules are about the time that the text means."""
    if column.enum is not None:
        known = [typed(column, value) for value in column.enum]
        yield named_check(column, "enum", partial(_times, column, known.__contains__))
    for kind, (check, bound) in bounds(column).items():
        compare = getattr(operator, check)
        kept = partial(_is_within, compare, typed(column, bound))
        yield named_check(column, kind, partial(_times, column, kept))


def _is_within(compare: Callable[[Any, Any], bool], limit: object, value: object) -> bool:
    return compare(value, limit)


def _times(column: Column, kept: Callable[[Any], bool], texts: Series) -> Series:
    times = (value_of(text, column.type) for text in texts)
    return Series([t is not None and kept(t) for t in times], index=texts.index, dtype=bool)


def named_check(
    column: Column, kind: str, keeps: Callable[[Series], Series], *, ignore_na: bool = True
) -> pandera.Check:
    """Return the check of a rule of `column`, which `keeps` says of each value."""
    name = f"{column.name}.{kind}"
    return pandera.Check(keeps, name=name, ignore_na=ignore_na, raise_warning=kind in column.warns)
