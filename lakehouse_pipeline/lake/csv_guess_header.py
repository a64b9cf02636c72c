"""Whether the first record of a file names its columns, and whether a contract can say the names.

For drafts of contracts only: the contract says it afterwards.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from lakehouse_pipeline.contracts.columns import MAX_NAME
from lakehouse_pipeline.errors import NoDraftError

_VALUE = re.compile(
    r"[+-]?[0-9][0-9.,]*(?:[eE][+-]?[0-9]+)?%?"  # a number
    r"|[0-9]{1,4}[-/.][0-9]{1,2}[-/.][0-9]{1,4}.*"  # a date, with or without a time
    r"|[0-9]{1,2}:[0-9]{2}.*"  # a time
    r"|[^@\s]+@[^@\s]+\.[^@\s]+"  # an e-mail address
    r"|(?i:true|false)"
)
_YEAR = re.compile("(?:19|20)[0-9]{2}")
_MOSTLY = 0.5
_SHOWN = 5

Fields = Sequence[str]


def is_header(first: Fields, others: Sequence[Fields]) -> bool:
    """Return whether `first` names the columns of the records `others`.

    It does not when it reads like the values below it, in more columns than it does not, or when
    one of its texts stands again below it.
    """
    values = [_is_value(field) for field in first]
    below = [_column(others, index, first) for index in range(len(first))]
    typed = [sum(map(_is_value, column)) > _MOSTLY * len(column) for column in below]
    if not any(values):
        complete = any(typed) or "" not in first
        return complete and not any(
            field and field in column for field, column in zip(first, below, strict=True)
        )
    named = sum(kind and not value for kind, value in zip(typed, values, strict=True))
    alike = sum(kind and value for kind, value in zip(typed, values, strict=True))
    years = all(_YEAR.fullmatch(field) for field, value in zip(first, values, strict=True) if value)
    distinct = len(set(first)) == len(first) and "" not in first
    return (named > alike) or (years and distinct and not all(values))


def _column(others: Sequence[Fields], index: int, first: Fields) -> list[str]:
    """Return a column's texts; a header that is repeated further down is none of them."""
    return [
        fields[index] for fields in others if len(fields) == len(first) and list(fields) != first
    ]


def _is_value(text: str) -> bool:
    return _VALUE.fullmatch(text.strip()) is not None


def column_names(path: Path, header: Fields) -> tuple[str, ...]:
    """Return the names. Raises: NoDraftError: a contract cannot say one of them.

    No name is quoted: what was taken for the header may be a record.
    """
    seen: dict[str, int] = {}
    problems: list[str] = []
    for position, name in enumerate(header, 1):
        if fault := _fault(name, seen):
            problems.append(f"column {position} {fault}")
        seen.setdefault(name.casefold(), position)
    if problems:
        more = f" and {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
        advice = "Give each column of the header a name of its own."
        raise NoDraftError(path, "; ".join(problems[:_SHOWN]) + more, advice)
    return tuple(header)


def _fault(name: str, seen: Mapping[str, int]) -> str:
    if not name:
        return "has no name"
    if not name.isprintable() or "\ufffd" in name:
        return "has a name with characters that cannot be printed"
    if name.startswith("_"):
        return "has a name that begins with '_'; those are kept for system columns"
    if len(name) > MAX_NAME:
        return f"has a name of {len(name)} characters; at most {MAX_NAME} are taken"
    if name.casefold() in seen:
        return f"has the name of column {seen[name.casefold()]}; case makes no difference"
    return ""
