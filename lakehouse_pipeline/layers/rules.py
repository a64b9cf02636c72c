"""The record rules of a contract, each as the SQL condition that is true when it is broken.

Over one record `c0…` are the columns' texts as they stood, `x0…` the same with the contract's null
values as null, `t0…` the typed values (`judged.py` makes them). Rules over a whole batch are in
`gate.py`.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from lakehouse_pipeline.contracts.expressions import render
from lakehouse_pipeline.contracts.format_patterns import FORMAT_NAMES, FORMATS
from lakehouse_pipeline.contracts.model import Column, Contract, Severity
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
    null counts as kept. `severity` error quarantines, warning counts. A `releasable` rule may be
    waived for a record by a person: never one of a type, nor one about personal data, nor a key's.
    A value that may stand once in the whole dataset is a key: let in twice, it would push out the
    record that held it first when that one's batch is replayed.
    """

    name: str
    column: str | None
    message: str
    broken: str
    severity: Severity = "error"
    releasable: bool = True


def record_rules(contract: Contract) -> tuple[Rule, ...]:
    """Return every rule a whole record is judged by, in the contract's order."""
    rules = [
        rule
        for position, column in enumerate(contract.columns)
        for rule in _column_rules(contract, column, position)
    ]
    return (*rules, *_key_rules(contract), *_custom_rules(contract))


def _key_rules(contract: Contract) -> Iterator[Rule]:
    """Yield the composite keys and the foreign keys; a unique column's rule is the column's."""
    for n, key in enumerate(contract.unique_keys):
        if len(key.columns) > 1:
            where = "in the dataset" if key.scope == "dataset" else "of an earlier record"
            message = f"{', '.join(key.columns)} together must not repeat those {where}"
            yield Rule(key.name, None, message, f"_repeats{n}", releasable=False)
    for n, foreign in enumerate(contract.foreign_keys):
        column = foreign.columns[0] if len(foreign.columns) == 1 else None
        message = (
            f"{', '.join(foreign.columns)} must stand in {foreign.dataset} "
            f"({', '.join(foreign.references)})"
        )
        personal = _is_personal(contract, foreign.columns)
        yield Rule(foreign.name, column, message, f"_dangles{n}", foreign.severity, not personal)


def _custom_rules(contract: Contract) -> Iterator[Rule]:
    targets = {column.name: f"t{i}" for i, column in enumerate(contract.columns)}
    for expression in contract.expressions:
        yield Rule(
            expression.name,
            None,
            expression.description or f"must hold: {expression.sql}",
            f"NOT {_kept(render(expression.sql, targets))}",
            expression.severity,
            not _is_personal(contract, expression.columns),
        )
    for n, check in enumerate(contract.pandera_checks):
        column = check.columns[0] if len(check.columns) == 1 else None
        yield Rule(
            check.name,
            column,
            check.description or f"must pass the check {check.check}",
            f"_fails{n}",
            check.severity,
            not _is_personal(contract, check.columns),
        )


def _is_personal(contract: Contract, columns: Iterable[str]) -> bool:
    return any(contract.column(name).personal for name in columns)


def _kept(expression: str) -> str:
    """Return SQL: a record keeps an expression that is true or null, not one that raises."""
    return f"coalesce(TRY(coalesce(({expression}), true)), false)"


def _column_rules(contract: Contract, column: Column, i: int) -> Iterator[Rule]:
    keyed = column.primary_key_position is not None
    alone = keyed or column.unique_scope == "dataset"

    def rule(kind: str, expected: str, broken: str) -> Rule:
        fixed = kind == "type" or (keyed and kind == "required") or (alone and kind == "unique")
        return Rule(
            f"{column.name}.{kind}",
            column.name,
            f"{column.name} {expected}",
            broken,
            "warning" if kind in column.warns else "error",
            releasable=not (fixed or column.personal),
        )

    if column.required:
        yield rule("required", "must have a value", f"x{i} IS NULL AND {DEFECT} IS NULL")
    if column.type.logical != "string":
        expected = f"must be {in_words(column.type)}"
        yield rule("type", expected, f"x{i} IS NOT NULL AND t{i} IS NULL")
    if column.unique:
        n = [key.columns for key in contract.unique_keys].index((column.name,))
        dataset = column.unique_scope == "dataset"
        whose = "a value of the dataset" if dataset else "an earlier record's value"
        yield rule("unique", f"must not repeat {whose}", f"_repeats{n}")
    if column.enum is not None:
        values = ", ".join(enum_value(column, value) for value in column.enum)
        yield rule("enum", f"must be one of {_shown(column.enum)}", f"t{i} NOT IN ({values})")
    for kind, expected, broken in _text_rules(column, i):
        yield rule(kind, expected, broken)
    for kind, expected, broken in _bound_rules(column, i):
        yield rule(kind, expected, broken)


def enum_value(column: Column, value: str) -> str:
    """Return SQL of a fixed value of the contract in the column's type."""
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
