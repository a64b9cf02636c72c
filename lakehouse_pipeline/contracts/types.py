"""The one table of types: ODCS logical and physical type to how text is judged and stored.

A cast is not a check: each type carries the pattern (RE2) that its text must match in full
before it is cast, so that nothing is rounded, cut or guessed.
"""

import re
from dataclasses import dataclass
from decimal import Decimal

from lakehouse_pipeline.errors import nearest

LOGICAL_TYPES = ("string", "integer", "number", "boolean", "date", "timestamp", "time")
INTEGER_TYPES = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT")
MOMENTS = ("date", "timestamp", "time")
"""The types whose texts may have a format of their own."""

PHYSICAL_TYPES = {
    "string": ("VARCHAR",),
    "integer": INTEGER_TYPES,
    "number": ("DOUBLE", "DECIMAL"),
    "boolean": ("BOOLEAN",),
    "date": ("DATE",),
    "timestamp": ("TIMESTAMP WITH TIME ZONE",),
    "time": ("TIME",),
}
ALIASES = {
    "STRING": "VARCHAR",
    "TEXT": "VARCHAR",
    "CHAR": "VARCHAR",
    "INT": "INTEGER",
    "LONG": "BIGINT",
    "FLOAT": "DOUBLE",
    "REAL": "DOUBLE",
    "NUMERIC": "DECIMAL",
    "BOOL": "BOOLEAN",
    "TIMESTAMP": "TIMESTAMP WITH TIME ZONE",
    "TIMESTAMPTZ": "TIMESTAMP WITH TIME ZONE",
    "DATETIME": "TIMESTAMP WITH TIME ZONE",
}
DOUBLE_DIGITS = 17
"""Significant decimal digits after which a DOUBLE no longer tells texts apart (IEEE 754)."""

DECIMAL_DIGITS = 38
PANDAS_NAMES = {
    "VARCHAR": "string[pyarrow]",
    "TINYINT": "Int8",
    "SMALLINT": "Int16",
    "INTEGER": "Int32",
    "BIGINT": "Int64",
    "DOUBLE": "Float64",
    "BOOLEAN": "boolean",
    "DATE": "date32[day][pyarrow]",
    "TIMESTAMP WITH TIME ZONE": "datetime64[us, UTC]",
    "TIME": "string[pyarrow]",
}
"""How pandas writes the type that a stored column has in a frame; each can hold nulls and loses
nothing. TIME is stored as text. DECIMAL takes its digits (`contracts/pandas_frames.py`)."""

_DECIMAL = re.compile(r"(?:DECIMAL|NUMERIC)\s*\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\)", re.IGNORECASE)
_SIZED = re.compile(r"([A-Z ]+?)\s*\(\s*\d+\s*\)")
YEAR_TEXT = "(?:[1-9][0-9]{3}|0[1-9][0-9]{2}|00[1-9][0-9]|000[1-9])"
"""A year of the calendar that every reader of the tables knows: 0001 to 9999."""

_FORMAT_TOKENS = {
    "yyyy": (YEAR_TEXT, "%Y"),
    "yy": (r"[0-9]{2}", "%y"),
    "MMM": (r"[A-Za-z]{3}", "%b"),
    "MM": (r"[0-9]{2}", "%m"),
    "M": (r"[0-9]{1,2}", "%-m"),
    "dd": (r"[0-9]{2}", "%d"),
    "d": (r"[0-9]{1,2}", "%-d"),
    "HH": (r"[0-9]{2}", "%H"),
    "H": (r"[0-9]{1,2}", "%-H"),
    "hh": (r"[0-9]{2}", "%I"),
    "mm": (r"[0-9]{2}", "%M"),
    "m": (r"[0-9]{1,2}", "%-M"),
    "ss": (r"[0-9]{2}", "%S"),
    "s": (r"[0-9]{1,2}", "%-S"),
    "SSSSSS": (r"[0-9]{6}", "%f"),
    "SSS": (r"[0-9]{3}", "%g"),
    "a": (r"[AaPp][Mm]", "%p"),
    "XXX": (r"(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])", "%z"),
}
_FORMAT = re.compile(r"'([^']*)'|((?!T)([A-Za-z])\3*)|(.)", re.DOTALL)
_DATE_PARTS = frozenset("yMd")
_TIME_PARTS = frozenset("HhmsSa")


@dataclass(frozen=True, slots=True)
class ColumnType:
    """A column's type.

    `logical` is the ODCS name, `sql` the DuckDB type it is stored in, `format` the date or time
    pattern of the contract (`yyyy-MM-dd`), if it gives one.
    """

    logical: str
    sql: str
    format: str | None = None

    def __str__(self) -> str:
        return f"{self.sql} ({self.format})" if self.format else self.sql


def decimal_digits(sql: str) -> tuple[int, int]:
    """Return `(precision, scale)` of a DECIMAL type's text."""
    match = _DECIMAL.fullmatch(sql)
    if match is None:
        raise ValueError(sql)
    return int(match[1]), int(match[2] or 0)


def least_step(sql: str) -> Decimal | None:
    """Return by how much two values of a number's type differ at least, None of a DOUBLE."""
    if sql == "DOUBLE":
        return None
    return Decimal(1).scaleb(-decimal_digits(sql)[1]) if sql.startswith("DECIMAL") else Decimal(1)


def column_type(logical: str, physical: str | None, text_format: str | None) -> ColumnType:
    """Return the type for an ODCS `logicalType`, `physicalType` and `format`.

    Raises: ValueError: the message says what is not known or does not fit, for the linter.
    """
    if logical not in LOGICAL_TYPES:
        raise ValueError(f"unknown logicalType '{logical}'; known: {', '.join(LOGICAL_TYPES)}")
    sql = _physical(logical, physical)
    if logical not in MOMENTS or text_format is None:
        return ColumnType(logical, sql)
    format_pattern(text_format)
    _check_parts(logical, text_format)
    return ColumnType(logical, sql, text_format)


def _check_parts(logical: str, text_format: str) -> None:
    """Raise: ValueError: the format reads more, or less, than the type holds."""
    parts = {token[0] for _, token, _, _ in _FORMAT.findall(text_format) if token}
    needed = _DATE_PARTS if logical != "time" else frozenset()
    if needed - parts or (logical == "time" and not parts & {"H", "h"}):
        raise ValueError(
            f"format '{text_format}' of a {logical} needs "
            + ("an hour" if logical == "time" else "a year, a month and a day")
        )
    allowed = {"date": _DATE_PARTS, "time": _TIME_PARTS}.get(logical, parts)
    if parts - allowed:
        unfit = ", ".join(sorted(parts - allowed))
        raise ValueError(f"format '{text_format}' reads what a {logical} does not hold: {unfit}")
    if ("h" in parts) != ("a" in parts):
        raise ValueError(f"format '{text_format}': 'hh' and 'a' go together; 'HH' counts to 23")


def _physical(logical: str, physical: str | None) -> str:
    default = {"integer": "BIGINT"}.get(logical, PHYSICAL_TYPES[logical][0])
    if physical is None:
        return default
    match = _DECIMAL.fullmatch(physical.strip())
    if match and logical == "number":
        precision, scale = int(match[1]), int(match[2] or 0)
        if not (1 <= precision <= DECIMAL_DIGITS and scale <= precision):
            raise ValueError(f"physicalType '{physical}': DECIMAL takes 1 to 38 digits")
        return f"DECIMAL({precision},{scale})"
    name = " ".join(physical.upper().split())
    sized = _SIZED.fullmatch(name) if logical == "string" else None
    name = sized[1] if sized else name
    name = ALIASES.get(name, name)
    if name == "DECIMAL":
        raise ValueError(f"physicalType '{physical}' needs its digits, as in DECIMAL(12,2)")
    if name not in PHYSICAL_TYPES[logical]:
        fitting = ", ".join(PHYSICAL_TYPES[logical])
        raise ValueError(
            f"physicalType '{physical}' does not fit logicalType '{logical}'; known: {fitting}"
        )
    return name


def format_pattern(text_format: str) -> tuple[str, str]:
    """Return `(RE2 pattern, strptime format)` of a date pattern such as `yyyy-MM-dd HH:mm:ss`.

    Raises: ValueError: a letter group has no meaning here.
    """
    pattern, strptime = "", ""
    for literal, token, _, other in _FORMAT.findall(text_format):
        if token:
            if token not in _FORMAT_TOKENS:
                raise ValueError(
                    f"format '{text_format}': '{token}' is not known."
                    f"{nearest(token.lower(), _FORMAT_TOKENS)} "
                    f"Known: {', '.join(_FORMAT_TOKENS)}; other letters in single quotes"
                )
            pattern += _FORMAT_TOKENS[token][0]
            strptime += _FORMAT_TOKENS[token][1]
        else:
            text = literal or other or "'"
            pattern += re.escape(text)
            strptime += text.replace("%", "%%")
    return pattern, strptime


def in_words(kind: ColumnType) -> str:
    """Return how a value of the type is written, for a person who corrects a file."""
    if kind.format is not None:
        return f"a {kind.logical} written {kind.format}"
    if kind.sql.startswith("DECIMAL"):
        precision, scale = decimal_digits(kind.sql)
        whole = precision - scale
        return f"a number with at most {whole} digits before and {scale} after the point"
    return {
        "string": "text",
        "integer": f"a whole number ({kind.sql})",
        "number": f"a number of at most {DOUBLE_DIGITS} digits, with a decimal point",
        "boolean": "true or false",
        "date": "a date written yyyy-MM-dd",
        "timestamp": "a timestamp written yyyy-MM-dd HH:mm:ss",
        "time": "a time written HH:mm:ss",
    }[kind.logical]
