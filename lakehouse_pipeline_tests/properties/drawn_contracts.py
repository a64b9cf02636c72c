"""Contracts and records for the oracle: every type, every column rule, and texts that test them.

A column comes with a pool of texts: valid ones, its bounds and their neighbours, the same written
in other ways, near misses, and texts that belong to another type.
"""

from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from hypothesis import strategies as st

from lakehouse_pipeline.contracts.literals import parse_literal
from lakehouse_pipeline.contracts.model import Column, Contract, Csv
from lakehouse_pipeline.contracts.types import INTEGER_TYPES, ColumnType, column_type
from lakehouse_pipeline_tests.properties.drawn_texts import (
    FORMATS,
    FORMATTED,
    NULLS,
    PATTERNS,
    POOLS,
    STEPS,
    TEXTS,
    other_ways,
)


@dataclass(frozen=True, slots=True)
class Drawn:
    """A contract and records of texts for it, one per column, never null."""

    contract: Contract
    records: tuple[tuple[str, ...], ...]


ANYTHING = st.one_of(
    st.sampled_from(TEXTS),
    st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=6),
    st.text("0123456789+-.eE :", max_size=8),
)


def pool(column: Column) -> list[str]:
    """Return texts to judge `column` by: those of its type, and its own bounds and values."""
    own = [*(column.enum or ()), column.minimum, column.maximum, column.exclusive_minimum]
    own += [column.exclusive_maximum, column.multiple_of]
    texts = [text for text in own if text is not None]
    formatted = FORMATTED[column.format] * 20 if column.format else []
    return [*POOLS[column.type.logical], *formatted, *texts, *texts, *other_ways(texts)]


@st.composite
def types(draw: st.DrawFn) -> ColumnType:
    """Draw one of all types, moments with and without a format of their own."""
    logical = draw(st.sampled_from([*sorted(POOLS), "string"]))  # it has the most rules
    if logical == "integer":
        return column_type(logical, draw(st.sampled_from(INTEGER_TYPES)), None)
    if logical == "number":
        digits = [
            "DECIMAL(6,2)",
            "DECIMAL(4,0)",
            "DECIMAL(38,10)",
            "DECIMAL(18,18)",
            "DECIMAL(2,1)",
        ]
        return column_type(logical, draw(st.sampled_from(["DOUBLE", "DOUBLE", *digits])), None)
    formats: list[str | None] = [None, *FORMATS.get(logical, [])]
    return column_type(logical, None, draw(st.sampled_from(formats)))


@st.composite
def columns(draw: st.DrawFn, name: str) -> Column:
    """Draw a column with any of the rules that its type takes."""
    kind = draw(types())
    sometimes = st.integers(0, 2).map(lambda number: number == 0)
    column = Column(name, kind, required=draw(sometimes), unique=draw(sometimes))
    fitting = st.sampled_from(_fitting(kind))
    rules: dict[str, Any] = {}
    if draw(sometimes):
        rules["enum"] = tuple(draw(st.lists(fitting, min_size=1, max_size=4)))
    if kind.logical == "string":
        rules |= draw(_string_rules())
    elif kind.logical != "boolean":
        for bound in ("minimum", "maximum", "exclusive_minimum", "exclusive_maximum"):
            if draw(sometimes):
                rules[bound] = draw(fitting)
    steps = [step for step in STEPS.get(kind.logical, []) if _fits(step, kind)]
    if draw(sometimes) and steps:
        rules["multiple_of"] = draw(st.sampled_from(steps))
    return replace(column, **rules)


@st.composite
def _string_rules(draw: st.DrawFn) -> dict[str, Any]:
    rules: dict[str, Any] = {}
    if draw(st.integers(0, 2)) == 0:
        rules["pattern"] = draw(st.sampled_from(PATTERNS))
    if draw(st.booleans()):
        rules["format"] = draw(st.sampled_from(sorted(FORMATTED)))
    if draw(st.integers(0, 2)) == 0:
        rules["min_length"] = draw(st.integers(0, 4))
    if draw(st.integers(0, 2)) == 0:
        rules["max_length"] = draw(st.integers(0, 4))
    return rules


@cache
def _fitting(kind: ColumnType) -> list[str]:
    return [text for text in POOLS[kind.logical] if _fits(text, kind)]


def _fits(text: str, kind: ColumnType) -> bool:
    try:
        parse_literal(text, kind)
    except ValueError:
        return False
    return True


@st.composite
def drawn(draw: st.DrawFn, at_least: int = 30, at_most: int = 50) -> Drawn:
    """Draw a contract of 1 to 3 columns and records for it."""
    names = "abc"[: draw(st.integers(1, 3))]
    chosen = tuple(draw(columns(name)) for name in names)
    contract = Contract(
        "drawn", "1.0.0", "active", chosen, csv=Csv(null_values=draw(st.sampled_from(NULLS)))
    )
    cells = [
        st.one_of(
            *[st.sampled_from(pool(column))] * 5,
            *[st.sampled_from(_fitting(column.type))] * (0 if column.format else 4),
            ANYTHING,
        )
        for column in chosen
    ]
    records = draw(st.lists(st.tuples(*cells), min_size=at_least, max_size=at_most))
    return Drawn(contract, tuple(records))
