"""In which forms a text names a subject, as SQL: exactly as it stands, and as the value it means.

A subject is compared by forms and never by similarity: `7`, `07` and `7.0` are one integer, and
`ada@example.org` is not `Ada@example.org`. Forms are hashed before they are compared
(`lake/erased_subjects.py`). Pure.
"""

from collections.abc import Iterable

from lakehouse_pipeline.contracts.types import ColumnType
from lakehouse_pipeline.layers.values import typed_value, written
from lakehouse_pipeline.names import literal

NUMBER = ColumnType("integer", "BIGINT")
"""A number that is given is looked for as one, whatever types there are now."""

PSEUDONYM = "pseudonym"
"""Prefix of the form of a value that was hashed on its way to anonymized."""

_NUMERIC = ("integer", "number")


def text_forms(text: str, kinds: Iterable[ColumnType]) -> list[str]:
    """Return SQL of the forms of `text` (SQL of a VARCHAR) in a column of these types.

    Each is a VARCHAR, null where the text is no value of the type.
    """
    typed = [_typed_form(text, kind) for kind in kinds if kind.logical != "string"]
    return [f"({literal('text:')} || {text})", *dict.fromkeys(typed)]


def stored_forms(column: str, kinds: Iterable[ColumnType]) -> list[str]:
    """Return SQL of the forms of a typed column, as validated stores it."""
    plain = [ColumnType(kind.logical, kind.sql) for kind in kinds]
    return text_forms(f"CAST({column} AS VARCHAR)", plain)


def pseudonym_form(text: str) -> str:
    """Return SQL of the form of a hashed value."""
    return f"({literal(f'{PSEUDONYM}:')} || {text})"


def written_values(text: str, kinds: Iterable[ColumnType]) -> list[str]:
    """Return SQL of the texts that `text` is hashed as in anonymized, one per type."""
    typed = [written(typed_value(text, kind)) for kind in kinds if kind.logical != "string"]
    return [text, *dict.fromkeys(typed)]


def _typed_form(text: str, kind: ColumnType) -> str:
    value = written(typed_value(text, kind))
    if kind.logical in _NUMERIC:
        short = f"rtrim(rtrim({value}, '0'), '.')"
        return f"('number:' || CASE WHEN contains({value}, '.') THEN {short} ELSE {value} END)"
    return f"({literal(f'{kind.logical}:')} || {value})"
