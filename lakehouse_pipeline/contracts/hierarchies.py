"""The hierarchy of `generalize`: CSV text in the contract, each value with its coarser forms.

The first line names the levels, from the value itself to the coarsest; each further line is a value
and what it is on each level. It stands in the contract and not in a file beside it: a version of
the contract never changes, and its hash says which hierarchy a batch was made with.
"""

import csv
import io
from collections.abc import Mapping, Sequence
from decimal import Decimal

from lakehouse_pipeline.contracts.literals import Value, parse_literal
from lakehouse_pipeline.contracts.model import Anonymize, Column
from lakehouse_pipeline.contracts.types import ColumnType

MOST_VALUES = 10_000
NOT_LISTED = "*"
"""What a value that is not in the hierarchy becomes, unless the contract says `otherwise`."""


def hierarchy_fault(text: object) -> str:
    """Return what is wrong with the CSV text of a hierarchy, empty when it is sound."""
    try:
        levels, *lines = _lines(text if isinstance(text, str) else "")
    except (csv.Error, ValueError):
        return "expected CSV text: a line with the names of the levels, then a line per value"
    if len(levels) < 2 or not all(levels) or len(set(levels)) < len(levels):  # noqa: PLR2004
        return "expected two names or more in the first line, each another one"
    if not 1 <= len(lines) <= MOST_VALUES:
        return f"expected 1 to {MOST_VALUES:,} values, found {len(lines):,}"
    return _line_fault(len(levels), lines)


def _line_fault(levels: int, lines: Sequence[Sequence[str]]) -> str:
    seen: set[str] = set()
    for number, line in enumerate(lines, 1):
        if len(line) != levels:
            return f"value {number} has {len(line)} fields, the first line has {levels}"
        if line[0] in seen:
            return f"value {number} is there twice"
        seen.add(line[0])
    return ""


def levels_of(text: str) -> list[str]:
    """Return the names of the levels of a sound hierarchy, that of the values first."""
    return next(iter(_lines(text)))


def chosen_level(anonymize: Anonymize) -> int:
    """Return the place of the level that is published, from 1: the first above the values."""
    level = anonymize.parameters.get("level")
    if level is None:
        return 1
    return levels_of(str(anonymize.parameters["hierarchy"])).index(str(level))


def coarser(column: Column) -> Mapping[str, str]:
    """Return what each value of the hierarchy becomes, by the text that SQL casts to the value.

    Raises: ValueError: a value is none of the column's type; lint refuses such a contract.
    """
    if column.anonymize is None:
        return {}
    _, *lines = _lines(str(column.anonymize.parameters["hierarchy"]))
    place = chosen_level(column.anonymize)
    return {_plain(line[0], column.type): line[place] for line in lines}


def _plain(text: str, column_type: ColumnType) -> str:
    value = parse_literal(text, column_type)
    if column_type.logical in ("string", "time"):
        return text
    if isinstance(value, Decimal):
        return f"{value:f}"
    return str(value)


def values_fault(text: str, column_type: ColumnType) -> str:
    """Return why a value of a sound hierarchy is none of the column's, empty when all are."""
    _, *lines = _lines(text)
    seen: set[Value] = set()
    for number, line in enumerate(lines, 1):
        try:
            value = parse_literal(line[0], column_type)
        except ValueError as error:
            return f"value {number}: {error}"
        if value in seen:
            return f"value {number} is there twice"
        seen.add(value)
    return ""


def _lines(text: str) -> list[list[str]]:
    return [line for line in csv.reader(io.StringIO(text, newline=""), strict=True) if line]
