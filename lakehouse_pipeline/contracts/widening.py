"""Which type holds every value of another exactly: the one rule for contracts and for tables.

`compare` calls such a change of a column compatible, and the tables follow it without a replay.
"""

from lakehouse_pipeline.contracts.types import INTEGER_TYPES, decimal_digits

_WHOLE_DIGITS = {"TINYINT": 3, "SMALLINT": 5, "INTEGER": 10, "BIGINT": 19}
"""Decimal digits of the largest value of a whole type."""

_EXACT_IN_DOUBLE = ("TINYINT", "SMALLINT", "INTEGER")
"""What fits the 53 bits in which a DOUBLE counts without a gap (IEEE 754)."""


def is_widening(old: str, new: str) -> bool:
    """Return whether SQL type `new` is another than `old` and holds each of its values exactly.

    TINYINT → SMALLINT → INTEGER → BIGINT; whole types into a DECIMAL with room for their digits,
    all but BIGINT into DOUBLE; a DECIMAL into one with no fewer digits before or after the point.
    """
    if old == new:
        return False
    if old in INTEGER_TYPES and new in INTEGER_TYPES:
        return INTEGER_TYPES.index(new) > INTEGER_TYPES.index(old)
    if new == "DOUBLE":
        return old in _EXACT_IN_DOUBLE
    before, after = _digits(old), _digits(new)
    if before is None or after is None or not new.startswith("DECIMAL"):
        return False
    return after[0] >= before[0] and after[1] >= before[1]


def is_written_alike(old: str, new: str) -> bool:
    """Return whether a value keeps its text when it is widened from `old` to `new`.

    5 is `5` in every whole type, but `5.00` in a DECIMAL(10,2): what is hashed or masked is the
    text, so another text is another published value.
    """
    before, after = _digits(old), _digits(new)
    return before is not None and after is not None and before[1] == after[1]


def _digits(sql: str) -> tuple[int, int] | None:
    """Return the most digits before and after the point, None for a type that has no such end."""
    if sql in INTEGER_TYPES:
        return _WHOLE_DIGITS[sql], 0
    if not sql.startswith("DECIMAL"):
        return None
    precision, scale = decimal_digits(sql)
    return precision - scale, scale
