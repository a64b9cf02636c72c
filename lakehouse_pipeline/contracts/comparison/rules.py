"""The rules of one column: what its values must keep, each kind held against its old self.

Uniqueness is in `keys`, rules with a name of their own in `checks`.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import cast

from lakehouse_pipeline.contracts.comparison.change import (
    Change,
    Direction,
    changed,
    listed,
    ruled,
)
from lakehouse_pipeline.contracts.literals import Value, parse_literal
from lakehouse_pipeline.contracts.model import Column
from lakehouse_pipeline.contracts.types import ColumnType

NUMERIC = ("integer", "number")


@dataclass(frozen=True, slots=True)
class _Rule:
    """One kind of rule of a column: what it takes, and how a person says that."""

    value: object
    words: str
    warns: bool


@dataclass(frozen=True, slots=True)
class _Bound:
    """The end of a range; `strict` when the end itself is out."""

    value: Value
    strict: bool
    text: str
    numeric: bool


Judge = Callable[[object, object], Direction | None]


def compare_rules(old: Column, new: Column, *, seen: bool) -> Iterator[Change]:
    """Yield each rule that came, went or changed; `seen` when consumers see the column."""
    like = {old.type.logical, new.type.logical}
    pairs: list[tuple[_Rule | None, _Rule | None, Judge]] = [
        (_required(old), _required(new), _differ),
        (_enum(old, like), _enum(new, like), _differ),
        (_bound(old, lower=True), _bound(new, lower=True), _lower),
        (_bound(old, lower=False), _bound(new, lower=False), _upper),
        (_length(old, "minLength"), _length(new, "minLength"), _higher_is_tighter),
        (_length(old, "maxLength"), _length(new, "maxLength"), _lower_is_tighter),
        (_multiple(old), _multiple(new), _multiples),
        (_text(old, "pattern"), _text(new, "pattern"), _differ),
        (_text(old, "format"), _text(new, "format"), _differ),
    ]
    where = f"column '{new.name}'"
    for before, after, judge in pairs:
        yield from _compared(where, before, after, judge, seen=seen)


def _compared(
    where: str, old: _Rule | None, new: _Rule | None, judge: Judge, *, seen: bool
) -> Iterator[Change]:
    """Yield the change of one kind of rule; a rule that only warns refuses nothing."""
    before = None if old is None or old.warns else old
    after = None if new is None or new.warns else new
    if before is not None and after is not None:
        for direction, what in _differing(before, after, judge):
            yield ruled(where, what, direction, seen=seen)
    elif after is not None:
        was = ", which only warned" if old is not None else ""
        yield ruled(where, f"Values must now {after.words}{was}.", "tightened", seen=seen)
    elif before is not None:
        only = "; it only warns" if new is not None else ""
        what = f"Values need no longer {before.words}{only}."
        yield ruled(where, what, "loosened", seen=seen)
    elif old != new:
        yield changed(where, "A rule that only warns is added, removed or changed.", "rules")


def _differing(old: _Rule, new: _Rule, judge: Judge) -> Iterator[tuple[Direction, str]]:
    """Yield each direction a rule went, with a sentence; a list of values may go both ways."""
    if isinstance(old.value, dict) and isinstance(new.value, dict):
        if came := tuple(str(new.value[v]) for v in new.value if v not in old.value):
            yield "loosened", f"{listed(came)} may stand there now."
        if went := tuple(str(old.value[v]) for v in old.value if v not in new.value):
            yield "tightened", f"{listed(went)} may not stand there any more."
    elif direction := judge(old.value, new.value):
        yield direction, f"Values must {new.words}; they had to {old.words}."


def _required(column: Column) -> _Rule | None:
    if not column.required:
        return None
    return _Rule("required", "have a value", "required" in column.warns)


def _enum(column: Column, types: set[str]) -> _Rule | None:
    """Return the values that may stand there; as texts where a retyped column makes them unlike."""
    if column.enum is None:
        return None
    values: dict[Value, str] = {text: text for text in column.enum}
    if len(types) == 1 or types <= set(NUMERIC):
        values = {parse_literal(text, column.type): text for text in column.enum}
    return _Rule(values, f"be one of {listed(column.enum)}", "enum" in column.warns)


def _bound(column: Column, *, lower: bool) -> _Rule | None:
    """Return the tighter of the inclusive and the exclusive bound, errors before warnings."""
    kinds = (
        (("minimum", column.minimum), ("exclusiveMinimum", column.exclusive_minimum))
        if lower
        else (("maximum", column.maximum), ("exclusiveMaximum", column.exclusive_maximum))
    )
    rules = [
        _Rule(
            _bound_value(text, column.type, strict=strict, lower=lower),
            f"be {_bound_words(lower=lower, strict=strict)} {text}",
            kind in column.warns,
        )
        for strict, (kind, text) in enumerate(kinds)
        if text is not None
    ]
    tight = [rule for rule in rules if not rule.warns] or rules
    if len(tight) == 2:  # noqa: PLR2004 - an inclusive and an exclusive bound
        judge = _lower if lower else _upper
        return tight[1] if judge(tight[0].value, tight[1].value) == "tightened" else tight[0]
    return tight[0] if tight else None


def _bound_value(text: str, of_type: ColumnType, *, strict: int, lower: bool) -> _Bound:
    """Return the bound; more than 4 is at least 5 where there is nothing in between."""
    value = parse_literal(text, of_type)
    if strict and of_type.logical == "integer":
        value = cast("int", value) + (1 if lower else -1)
        return _Bound(value, strict=False, text=text, numeric=True)
    return _Bound(value, bool(strict), text, of_type.logical in NUMERIC)


def _bound_words(*, lower: bool, strict: int) -> str:
    return (("at least", "more than") if lower else ("at most", "less than"))[strict]


def _length(column: Column, kind: str) -> _Rule | None:
    length = column.min_length if kind == "minLength" else column.max_length
    if length is None or (kind == "minLength" and length == 0):
        return None
    words = f"have at {'least' if kind == 'minLength' else 'most'} {length} characters"
    return _Rule(length, words, kind in column.warns)


def _multiple(column: Column) -> _Rule | None:
    step = column.multiple_of
    if step is None:
        return None
    return _Rule(Decimal(step), f"be a multiple of {step}", "multipleOf" in column.warns)


def _text(column: Column, kind: str) -> _Rule | None:
    text = column.pattern if kind == "pattern" else column.format
    return _Rule(text, f"have the {kind} {text}", kind in column.warns) if text else None


def _differ(old: object, new: object) -> Direction | None:
    return None if old == new else "changed"


def _higher_is_tighter(old: object, new: object) -> Direction | None:
    before, after = cast("int", old), cast("int", new)
    return None if before == after else "tightened" if after > before else "loosened"


def _lower_is_tighter(old: object, new: object) -> Direction | None:
    return _higher_is_tighter(new, old)


def _multiples(old: object, new: object) -> Direction | None:
    before, after = cast("Decimal", old), cast("Decimal", new)
    if before == after:
        return None
    if after % before == 0:
        return "tightened"
    return "loosened" if before % after == 0 else "changed"


def _lower(old: object, new: object) -> Direction | None:
    return _bounds(cast("_Bound", old), cast("_Bound", new), up=1)


def _upper(old: object, new: object) -> Direction | None:
    return _bounds(cast("_Bound", old), cast("_Bound", new), up=-1)


def _bounds(old: _Bound, new: _Bound, up: int) -> Direction | None:
    """Return the direction; `up` is 1 where a higher bound is the tighter one, else -1."""
    if type(old.value) is not type(new.value) and not (old.numeric and new.numeric):
        return None if (old.text, old.strict) == (new.text, new.strict) else "changed"
    if old.value == new.value:
        if old.strict == new.strict:
            return None
        return "tightened" if new.strict else "loosened"
    above: bool = new.value > old.value  # type: ignore[operator]  # both are of one family
    return "tightened" if above == (up > 0) else "loosened"
