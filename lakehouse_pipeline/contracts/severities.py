"""The custom property `severity` of a column: which of its rules only warn.

The severity of a quality rule or a relationship is one word, read by `read_severity`.
"""

from lakehouse_pipeline.contracts.csv_dialect import read_entries
from lakehouse_pipeline.contracts.findings import Place
from lakehouse_pipeline.contracts.model import Column, Severity
from lakehouse_pipeline.errors import nearest

KINDS = {
    "required": "required",
    "unique": "unique",
    "enum": "enum",
    "pattern": "pattern",
    "format": "format",
    "minLength": "min_length",
    "maxLength": "max_length",
    "minimum": "minimum",
    "maximum": "maximum",
    "exclusiveMinimum": "exclusive_minimum",
    "exclusiveMaximum": "exclusive_maximum",
    "multipleOf": "multiple_of",
}
"""The kinds of a column's rules that may warn, and where the model keeps each."""

_SEVERITIES = ("error", "warning")


def read_severity(value: object, place: Place) -> Severity:
    """Return the severity of one rule; None is an error, as in ODCS."""
    if value not in (None, *_SEVERITIES):
        near = nearest(str(value), _SEVERITIES)
        place.error(f"severity '{value}' is not known.{near} Expected error or warning")
    return "warning" if value == "warning" else "error"


def read_warns(value: object, column: Column, place: Place, *, composite: bool) -> frozenset[str]:
    """Return the kinds of rules of `column` that only warn; others are problems at their keys.

    `composite` says that the primary key has several columns, so that a `unique` is not its own.
    """
    if isinstance(value, dict) and "type" in value:
        (place / "type").key_error(
            "'type' can never be a warning: a value that is not of the column's type has no place "
            "in it; remove it"
        )
        value = {key: part for key, part in value.items() if key != "type"}
    entries = read_entries(value, place, tuple(KINDS), "severity")
    return frozenset(
        kind
        for kind, word in entries.items()
        if _has(column, kind, place)
        and read_severity(word, place / kind) == "warning"
        and _may_warn(column, kind, place, composite=composite)
    )


def _has(column: Column, kind: str, place: Place) -> bool:
    rule = getattr(column, KINDS[kind])
    if rule is None or rule is False:
        (place / kind).key_error(f"column '{column.name}' has no rule '{kind}'")
        return False
    return True


def _may_warn(column: Column, kind: str, place: Place, *, composite: bool) -> bool:
    of_key = kind == "required" or (kind == "unique" and not composite)
    if of_key and column.primary_key_position is not None:
        (place / kind).key_error(
            f"'{kind}' of a primary key can never be a warning: a key names one record; remove it"
        )
        return False
    return True
