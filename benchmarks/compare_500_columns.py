"""Two versions of a contract with 500 columns, rules on each, compared in this process.

Measures `compare` alone, for what it costs most: nothing changed, every rule of every column
changed, every column renamed, and the columns turned round. Loading and linting are not in it.
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import replace

from measuring import must_be, spread

from lakehouse_pipeline.contracts.compare import Change, compare, next_version
from lakehouse_pipeline.contracts.model import Anonymize, Column, Contract, Expression
from lakehouse_pipeline.contracts.types import ColumnType

COLUMNS = 500
GOAL_SECONDS = 1.0


def main() -> None:
    """Compare each pair some times; print the seconds and end with an error above the goal."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-n", "--runs", type=int, default=5)
    options = parser.parse_args()
    old = Contract(
        "wide",
        "1.0.0",
        "active",
        tuple(_column(i) for i in range(COLUMNS)),
        expressions=tuple(Expression(f"rule_{i}", f"c{i} > 0", (f"c{i}",)) for i in range(COLUMNS)),
    )
    pairs: dict[str, tuple[Contract, Callable[[list[Change]], object], object]] = {
        "no change": (_copy(old), len, 0),
        "every rule of every column": (_tighter(old), _version, "2.0.0"),
        "every column renamed": (_renamed(old), _removed, COLUMNS),
        "columns turned round": (replace(old, columns=old.columns[::-1]), _version, "2.0.0"),
    }
    worst = 0.0
    for name, (new, answer, known) in pairs.items():
        seconds = []
        for _ in range(options.runs):
            began = time.perf_counter()
            changes = compare(old, new)
            seconds.append(time.perf_counter() - began)
        must_be(name, answer(changes), known)
        print(f"{spread(name, seconds)}  {len(changes)} changes")
        worst = max(worst, *seconds)
    if worst > GOAL_SECONDS:
        raise SystemExit(f"above the goal of {GOAL_SECONDS:g} s")


def _column(i: int) -> Column:
    """Return a column of one of three types, with every rule that its type takes."""
    name = f"c{i}"
    if i % 3 == 0:
        kind = ColumnType("integer", "INTEGER")
        return Column(name, kind, required=True, minimum="0", maximum="1000", multiple_of="2")
    if i % 3 == 1:
        kind = ColumnType("date", "DATE", "dd.MM.yyyy")
        return Column(name, kind, minimum="2020-01-01", exclusive_maximum="2030-01-01")
    values = tuple(f"value {n}" for n in range(20))
    mask = Anonymize("mask", {"keepFirst": 2})
    text = ColumnType("string", "VARCHAR")
    return Column(
        name, text, enum=values, pattern="^value", max_length=20, personal=True, anonymize=mask
    )


def _copy(contract: Contract) -> Contract:
    """Return an equal contract of which no part is the same object."""
    return replace(contract, columns=tuple(replace(column) for column in contract.columns))


def _tighter(contract: Contract) -> Contract:
    changed = []
    for column in contract.columns:
        new = replace(column, required=not column.required, unique=True, description="new")
        if column.type.sql == "INTEGER":
            wide = ColumnType("integer", "BIGINT")
            new = replace(new, type=wide, minimum="1", maximum="999", multiple_of="4")
        elif column.type.sql == "DATE":
            new = replace(new, minimum="2021-01-01", exclusive_maximum="2029-01-01")
        else:
            enum, mask = (column.enum or ())[1:], Anonymize("mask", {"keepFirst": 3})
            new = replace(new, enum=enum, pattern="^v", max_length=19, anonymize=mask)
        changed.append(new)
    rules = tuple(replace(rule, sql=f"{rule.sql} OR false") for rule in contract.expressions)
    return replace(contract, columns=tuple(changed), expressions=rules)


def _renamed(contract: Contract) -> Contract:
    columns = tuple(replace(column, name=f"new_{column.name}") for column in contract.columns)
    return replace(contract, columns=columns)


def _version(changes: list[Change]) -> str:
    return next_version("1.0.0", changes)


def _removed(changes: list[Change]) -> int:
    return sum("under a new name?" in change.what for change in changes)


if __name__ == "__main__":
    main()
