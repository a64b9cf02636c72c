"""The types that a column's texts are tried against, and what stands for which in dates."""

from itertools import product

from lakehouse_pipeline.contracts.types import ColumnType, column_type

BOOLEAN = column_type("boolean", None, None)
INTEGER = column_type("integer", None, None)
DOUBLE = column_type("number", None, None)
STRING = column_type("string", None, None)
DATE = column_type("date", None, None)
TIMESTAMP = column_type("timestamp", None, None)
TIME = column_type("time", None, None)

DAY_FIRST = (
    "dd.MM.yyyy", "dd/MM/yyyy", "dd-MM-yyyy", "d.M.yyyy", "d/M/yyyy", "d-M-yyyy",
    "dd.MM.yy", "dd/MM/yy", "d.M.yy", "d/M/yy",
)  # fmt: skip
MONTH_FIRST = ("MM/dd/yyyy", "MM-dd-yyyy", "M/d/yyyy", "M-d-yyyy", "MM/dd/yy", "M/d/yy")
YEAR_FIRST = ("yyyy/MM/dd", "yyyy.MM.dd", "yyyyMMdd", "yyyy/M/d")
WITH_NAMES = (
    "dd-MMM-yyyy", "d-MMM-yyyy", "dd MMM yyyy", "d MMM yyyy", "MMM dd, yyyy", "MMM d, yyyy",
    "dd-MMM-yy", "d-MMM-yy",
)  # fmt: skip
COMPACT = ("yyyyMMdd", "yyyyMMddHHmmss")
"""Formats of digits alone: a number may read like one by chance."""

_CLOCKS = ("HH:mm", "HH:mm:ss", "H:mm", "H:mm:ss", "HH:mm:ss.SSS", "hh:mm a", "hh:mm:ss a")
_FORMATS = (*YEAR_FIRST, *DAY_FIRST, *MONTH_FIRST, *WITH_NAMES)

DATES = (DATE, *(column_type("date", None, text) for text in _FORMATS))
TIMESTAMPS = (
    TIMESTAMP,
    *(column_type("timestamp", None, f"{d} {t}") for d, t in product(_FORMATS, _CLOCKS)),
    column_type("timestamp", None, "yyyyMMddHHmmss"),
    *(column_type("timestamp", None, f"yyyy-MM-dd {t}") for t in ("H:mm", "H:mm:ss", "hh:mm a")),
)
TIMES = (TIME, *(column_type("time", None, t) for t in ("H:mm", "H:mm:ss", "hh:mm a")))

MOMENTS = (*DATES, *TIMESTAMPS, *TIMES)
"""Of two that fit as well the first is taken: the stricter, and the usual, stand first."""

CANDIDATES = (BOOLEAN, INTEGER, DOUBLE, *MOMENTS)


def date_part(kind: ColumnType) -> str:
    """Return the format of the day of a date or timestamp, empty for ISO 8601 and for a time."""
    text = kind.format or ""
    return next((part for part in _BY_LENGTH if text.startswith(part)), "")


_BY_LENGTH = sorted(_FORMATS, key=len, reverse=True)
