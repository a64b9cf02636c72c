"""The contract as a pandera schema over records as they are delivered: every column is text.

It judges by itself, value by value in Python (`texts.py`), and shares nothing with the SQL that
the pipeline judges by: it is the oracle that this SQL is tested against, and it judges a file
without a pipeline. Expressions, foreign keys, checks of pandera and rules over a whole batch are
not in it. The schema of published data is in `pandera_schema.py`.
"""

import operator
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from fractions import Fraction
from functools import partial
from typing import Any

import pandas as pd
import pandera.pandas as pandera
import pyarrow as pa
import pyarrow.compute as pc

from lakehouse_pipeline.contracts.literals import parse_literal
from lakehouse_pipeline.contracts.model import Column, Contract
from lakehouse_pipeline.contracts.string_formats import is_format
from lakehouse_pipeline.contracts.texts import Value, value_of

TEXT = pd.StringDtype("pyarrow")
DOUBLE_ROUNDING = Fraction(1, 2**51)
"""How far a DOUBLE may be from a multiple, in parts of itself: the rounding of two operations."""

Kept = Callable[[str], bool]


def record_schema(contract: Contract) -> pandera.DataFrameSchema:
    """Return a schema over a frame of the contract's columns, texts as they stand in the file.

    Texts that the contract's `nullValues` name become null first. The checks bear the names of the
    rules (`amount.minimum`), so `lazy=True` tells the same of a record as quarantine does.
    """
    nulls = list(contract.csv.null_values)
    columns = {
        column.name: pandera.Column(
            TEXT, _checks(column), nullable=True, parsers=pandera.Parser(partial(_read, nulls))
        )
        for column in contract.columns
    }
    return pandera.DataFrameSchema(columns, strict=True, ordered=True, name=contract.dataset)


def _read(nulls: list[str], texts: "pd.Series[str]") -> "pd.Series[str]":
    return texts.mask(texts.isin(nulls))


def _checks(column: Column) -> list[pandera.Check]:
    checks = [_check(column, kind, partial(_each, kept)) for kind, kept in _kept_by(column)]
    if column.unique:
        checks.append(_check(column, "unique", partial(_first, column)))
    if column.required:
        checks.append(_check(column, "required", pd.Series.notna, ignore_na=False))
    return checks


def _check(
    column: Column, kind: str, keeps: Callable[..., "pd.Series[bool]"], *, ignore_na: bool = True
) -> pandera.Check:
    name = f"{column.name}.{kind}"
    return pandera.Check(keeps, name=name, ignore_na=ignore_na, raise_warning=kind in column.warns)


def _each(kept: Kept, texts: "pd.Series[str]") -> "pd.Series[bool]":
    return pd.Series([kept(text) for text in texts], index=texts.index, dtype=bool)


def _first(column: Column, texts: "pd.Series[str]") -> "pd.Series[bool]":
    """Say of each text whether no earlier one has its value; a text without a value repeats none.

    The order is that of the frame.
    """
    seen: set[Value] = set()
    firsts = []
    for text in texts:
        value = value_of(text, column.type)
        firsts.append(value is None or value not in seen)
        seen |= set() if value is None else {value}
    return pd.Series(firsts, index=texts.index, dtype=bool)


def _kept_by(column: Column) -> Iterator[tuple[str, Kept]]:
    """Yield the kind of each rule over one value, and whether a text keeps it."""
    if column.type.logical != "string":
        yield "type", lambda text: value_of(text, column.type) is not None
    if column.enum is not None:
        known = [_literal(column, value) for value in column.enum]
        yield "enum", _of_value(column, known.__contains__)
    if column.pattern is not None:
        yield "pattern", partial(_matches, column.pattern)
    if column.format is not None:
        yield "format", partial(is_format, column.format)
    if column.min_length is not None:
        shortest = column.min_length
        yield "minLength", lambda text: len(text) >= shortest
    if column.max_length is not None:
        longest = column.max_length
        yield "maxLength", lambda text: len(text) <= longest
    yield from _ranges(column)


def _ranges(column: Column) -> Iterator[tuple[str, Kept]]:
    bounds: Mapping[str, tuple[Callable[[Any, Any], bool], str | None]] = {
        "minimum": (operator.ge, column.minimum),
        "maximum": (operator.le, column.maximum),
        "exclusiveMinimum": (operator.gt, column.exclusive_minimum),
        "exclusiveMaximum": (operator.lt, column.exclusive_maximum),
    }
    for kind, (compare, bound) in bounds.items():
        if bound is not None:
            yield kind, _of_value(column, _compared(compare, _literal(column, bound)))
    if column.multiple_of is not None:
        yield "multipleOf", _of_value(column, partial(_is_multiple, Fraction(column.multiple_of)))


def _compared(compare: Callable[[Any, Any], bool], limit: Value) -> Callable[[Any], bool]:
    return lambda value: compare(value, limit)


def _of_value(column: Column, kept: Callable[[Any], bool]) -> Kept:
    """Return a rule over the value; a text that has none breaks the rule of its type only."""

    def judge(text: str) -> bool:
        value = value_of(text, column.type)
        return value is None or kept(value)

    return judge


def _literal(column: Column, text: str) -> Value:
    """Return a bound or enum value of the contract in the type of the column's values."""
    value = parse_literal(text, column.type)
    return float(text) if column.type.sql == "DOUBLE" else value


def _matches(pattern: str, text: str) -> bool:
    """Return whether RE2, the language of a contract's patterns, finds the pattern in the text."""
    found = pc.match_substring_regex(pa.array([text], pa.string()), pattern=pattern)
    return bool(found[0].as_py())


def _is_multiple(step: Fraction, value: Decimal | float) -> bool:
    """Exactly for whole numbers and DECIMAL; for a DOUBLE as exactly as a DOUBLE can be."""
    exact = Fraction(value)
    rest = abs(exact - round(exact / step) * step)
    return rest <= abs(exact) * DOUBLE_ROUNDING if isinstance(value, float) else rest == 0
