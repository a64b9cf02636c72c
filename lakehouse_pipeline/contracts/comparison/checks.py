"""Rules with a name of their own: expressions, pandera checks, foreign keys, metrics, SQL.

Each is known by its kind and name; under another name it is another rule. Whether changed SQL or
Python is looser cannot be proven, so it counts as changed.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from lakehouse_pipeline.contracts.comparison.change import (
    Change,
    Direction,
    changed,
    reworded,
    ruled,
)
from lakehouse_pipeline.contracts.comparison.limits import Numbers, direction_of
from lakehouse_pipeline.contracts.model import (
    Contract,
    Expression,
    ForeignKey,
    Limit,
    Metric,
    PanderaCheck,
    Severity,
    SqlRule,
)
from lakehouse_pipeline.contracts.promised import promised_columns

ROWS = Numbers(0, math.inf, whole=True)
PERCENT = Numbers(0, 100)
ANY = Numbers()


@dataclass(frozen=True, slots=True)
class _Check:
    """A named rule of any kind: `asks` is what it computes, `limits` what the result must keep.

    `columns` are what it looks at, none for the whole batch.
    """

    kind: str
    name: str
    severity: Severity
    asks: object
    columns: tuple[str, ...] = ()
    limits: tuple[Limit, ...] = ()
    numbers: Numbers = ANY
    description: str = ""
    german: str = ""


def compare_checks(old: Contract, new: Contract) -> Iterator[Change]:
    """Yield each named rule that came, went or changed."""
    before = {(check.kind, check.name): check for check in _checks(old)}
    after = {(check.kind, check.name): check for check in _checks(new)}
    published = {*promised_columns(old), *promised_columns(new)}
    for key in dict.fromkeys(chain(before, after)):
        yield from _compared(before.get(key), after.get(key), published)


def _compared(old: _Check | None, new: _Check | None, published: set[str]) -> Iterator[Change]:
    check = new or old
    if check is None or old == new:
        return
    where = f"{check.kind} '{check.name}'"
    seen = not check.columns or not published.isdisjoint(check.columns)
    if old is None or new is None:
        yield _came_or_went(where, check, came=old is None, seen=seen)
        return
    if old.severity != new.severity:
        warns = new.severity == "warning"
        what = "The rule only warns; it was an error." if warns else "The rule is an error now."
        yield ruled(where, what, "loosened" if warns else "tightened", seen=seen)
    yield from _differing(where, old, new, seen=seen)
    if old.description != new.description:
        yield reworded(where, "description", old.description, new.description)
    if old.german != new.german:
        yield reworded(where, "German description", old.german, new.german)


def _came_or_went(where: str, check: _Check, *, came: bool, seen: bool) -> Change:
    what = f"The rule is {'added' if came else 'removed'}"
    if check.severity == "warning":
        return changed(where, f"{what}; it only warns.", "rules")
    return ruled(where, f"{what}.", "tightened" if came else "loosened", seen=seen)


def _differing(where: str, old: _Check, new: _Check, *, seen: bool) -> Iterator[Change]:
    """Yield what the rule asks, or the limits it has, where they differ."""
    direction: Direction = "changed"
    if old.asks != new.asks:
        what = "The rule asks something else; whether that is looser cannot be proven."
    else:
        found = direction_of(old.limits, new.limits, new.numbers)
        if found is None:
            return
        limits = " and ".join(str(limit) for limit in new.limits)
        before = " and ".join(str(limit) for limit in old.limits)
        what, direction = f"The result must be {limits}, no longer {before}.", found
    if new.severity == "warning" or old.severity == "warning":
        yield changed(where, what, "rules", direction=direction)
    else:
        yield ruled(where, what, direction, seen=seen)


def _checks(contract: Contract) -> Iterator[_Check]:
    yield from map(_of_expression, contract.expressions)
    yield from map(_of_pandera, contract.pandera_checks)
    yield from map(_of_foreign_key, contract.foreign_keys)
    yield from map(_of_metric, contract.metrics)
    yield from map(_of_sql, contract.sql_rules)


def _of_expression(rule: Expression) -> _Check:
    return _Check(
        "rule",
        rule.name,
        rule.severity,
        rule.sql,
        rule.columns,
        description=rule.description,
        german=rule.german,
    )


def _of_pandera(rule: PanderaCheck) -> _Check:
    asks = (rule.check, rule.columns, dict(rule.arguments))
    return _Check(
        "pandera check",
        rule.name,
        rule.severity,
        asks,
        rule.columns,
        description=rule.description,
        german=rule.german,
    )


def _of_foreign_key(rule: ForeignKey) -> _Check:
    asks = (rule.columns, rule.dataset, rule.references)
    return _Check("foreign key", rule.name, rule.severity, asks, rule.columns)


def _of_metric(rule: Metric) -> _Check:
    asks = (
        rule.metric,
        rule.columns,
        rule.unit,
        _as_set(rule.valid_values),
        rule.pattern,
        _as_set(rule.missing_values),
    )
    numbers = PERCENT if rule.unit == "percent" else ROWS
    return _Check(
        "metric",
        rule.name,
        rule.severity,
        asks,
        rule.columns,
        rule.limits,
        numbers,
        rule.description,
    )


def _of_sql(rule: SqlRule) -> _Check:
    return _Check(
        "SQL rule",
        rule.name,
        rule.severity,
        (rule.query, rule.over),
        limits=rule.limits,
        description=rule.description,
    )


def _as_set(values: Sequence[str | None] | None) -> frozenset[str | None] | None:
    return None if values is None else frozenset(values)
