"""The record rules of a contract, each as the SQL condition that is true when it is broken.

Over one record `c0…` are the columns' texts as they stood, `x0…` the same with the contract's null
values as null, `t0…` the typed values (`judged.py` makes them). Rules over a whole batch are in
`gate.py`.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from lakehouse_pipeline.contracts.expressions import render
from lakehouse_pipeline.contracts.format_patterns import FORMAT_NAMES, FORMATS
from lakehouse_pipeline.contracts.model import Column, Contract
from lakehouse_pipeline.contracts.types import in_words
from lakehouse_pipeline.layers.values import bound
from lakehouse_pipeline.names import DEFECT, literal

DOUBLE_WHOLE = 2.0**52
"""From here on a DOUBLE has no places: there every DOUBLE is next to some multiple of a step."""

DOUBLE_ROUNDING = 2.0**-51
"""How far a DOUBLE may be from a multiple, in parts of itself: the rounding of two operations."""

RECORD_DEFECTS = ("record.fields", "record.quote", "record.encoding", "record.nul")
"""Rules a record breaks when it cannot be split into columns; the CSV reader judges them."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One promise about a record.

    `name` is `<column>.<kind>`, or the contract's own name for a custom rule. `message` says what
    was expected and holds no value of the record. `broken` is SQL, true when the rule is broken;
    null counts as kept.
    """

    name: str
    column: str | None
    message: str
    broken: str


def record_rules(contract: Contract) -> tuple[Rule, ...]:
    """Return every rule a whole record is judged by, in the contract's order."""
    rules = [
        rule
        for position, column in enumerate(contract.columns)
        for rule in _column_rules(column, position)
    ]
    targets = {column.name: f"t{i}" for i, column in enumerate(contract.columns)}
    rules += [
        Rule(
            expression.name,
            None,
            expression.description or f"must hold: {expression.sql}",
            f"NOT {_kept(render(expression.sql, targets))}",
        )
        for expression in contract.expressions
    ]
    return tuple(rules)


def _kept(expression: str) -> str:
    """Return SQL: a record keeps an expression that is true or null, not one that raises."""
    return f"coalesce(TRY(coalesce(({expression}), true)), false)"


def unique_columns(contract: Contract) -> tuple[int, ...]:
    """Return the positions of the columns whose values may stand in one record of a batch only."""
    return tuple(i for i, column in enumerate(contract.columns) if column.unique)


def _column_rules(column: Column, i: int) -> Iterator[Rule]:
    def rule(kind: str, expected: str, broken: str) -> Rule:
        return Rule(f"{column.name}.{kind}", column.name, f"{column.name} {expected}", broken)

    if column.required:
        yield rule("required", "must have a value", f"x{i} IS NULL AND {DEFECT} IS NULL")
    if column.type.logical != "string":
        expected = f"must be {in_words(column.type)}"
        yield rule("type", expected, f"x{i} IS NOT NULL AND t{i} IS NULL")
    if column.unique:
        yield rule("unique", "must not repeat an earlier record's value", f"_repeats{i}")
    if column.enum is not None:
        values = ", ".join(_enum_value(column, value) for value in column.enum)
        yield rule("enum", f"must be one of {_shown(column.enum)}", f"t{i} NOT IN ({values})")
    for kind, expected, broken in _text_rules(column, i):
        yield rule(kind, expected, broken)
    for kind, expected, broken in _bound_rules(column, i):
        yield rule(kind, expected, broken)


def _enum_value(column: Column, value: str) -> str:
    return literal(value) if column.type.logical == "string" else bound(column, value)


def _shown(values: tuple[str, ...], at_most: int = 10) -> str:
    more = f" and {len(values) - at_most} more" if len(values) > at_most else ""
    return ", ".join(values[:at_most]) + more


def _text_rules(column: Column, i: int) -> Iterator[tuple[str, str, str]]:
    if column.pattern is not None:
        broken = f"NOT regexp_matches(x{i}, {literal(column.pattern)})"
        yield "pattern", f"must match {column.pattern}", broken
    if column.format is not None:
        broken = f"NOT regexp_matches(x{i}, {literal(FORMATS[column.format])})"
        yield "format", f"must be {FORMAT_NAMES[column.format]}", broken
    if column.min_length is not None:
        expected = f"must have at least {column.min_length} characters"
        yield "minLength", expected, f"length(x{i}) < {column.min_length}"
    if column.max_length is not None:
        expected = f"must have at most {column.max_length} characters"
        yield "maxLength", expected, f"length(x{i}) > {column.max_length}"


def _bound_rules(column: Column, i: int) -> Iterator[tuple[str, str, str]]:
    bounds = (
        ("minimum", "at least", "<", column.minimum),
        ("maximum", "at most", ">", column.maximum),
        ("exclusiveMinimum", "greater than", "<=", column.exclusive_minimum),
        ("exclusiveMaximum", "less than", ">=", column.exclusive_maximum),
    )
    for kind, words, operator, limit in bounds:
        if limit is not None:
            yield kind, f"must be {words} {limit}", f"t{i} {operator} {bound(column, limit)}"
    if column.multiple_of is not None:
        step = f"CAST({literal(column.multiple_of)} AS {column.type.sql})"
        broken = f"t{i} % {step} <> 0"
        if column.type.sql == "DOUBLE":
            broken = _no_multiple(f"t{i}", step)
        yield "multipleOf", f"must be a multiple of {column.multiple_of}", broken


def _no_multiple(value: str, step: str) -> str:
    """Return SQL: a DOUBLE is farther from the nearest multiple than its rounding explains."""
    rest = f"abs({value} - round({value} / {step}) * {step})"
    return (
        f"(abs({value} / {step}) < {DOUBLE_WHOLE:.0f} "
        f"AND {rest} > abs({value}) * {DOUBLE_ROUNDING!r}::DOUBLE)"
    )
