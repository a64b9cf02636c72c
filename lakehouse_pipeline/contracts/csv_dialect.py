"""The custom property `csv`: how the files of a dataset are written, judged key by key."""

import codecs
from collections.abc import Mapping, Sequence
from typing import Literal

from lakehouse_pipeline.contracts.findings import Place
from lakehouse_pipeline.contracts.model import Csv
from lakehouse_pipeline.errors import nearest

CSV_KEYS = ("delimiter", "quote", "escape", "encoding", "header", "nullValues", "lineEnd")
_NOT_FOR_FILES = {"idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined"}
"""Codecs of Python that turn bytes into text but are no encoding that a file is written in."""


def read_csv(value: object, place: Place) -> Csv:
    """Return the dialect that `value` describes; what is not given is as in `Csv`."""
    entries = read_entries(value, place, CSV_KEYS, "csv")
    delimiter = _character(entries, "delimiter", ",", place)
    quote = _character(entries, "quote", '"', place)
    escape = _character(entries, "escape", quote or '"', place)
    for name, other in (("quote", quote), ("escape", escape)):
        if other and other == delimiter:
            (place / name).error(f"'{name}' is the same character as 'delimiter'")
    return Csv(
        delimiter=delimiter,
        quote=quote,
        escape=escape,
        encoding=_encoding(entries.get("encoding", "utf-8"), place / "encoding"),
        header=_header(entries.get("header", True), place / "header"),
        null_values=_null_values(entries, place / "nullValues"),
        line_end=_line_end(entries.get("lineEnd", "lf"), place / "lineEnd"),
    )


def read_entries(
    value: object, place: Place, known: Sequence[str], owner: str
) -> Mapping[str, object]:
    """Return the known keys of the mapping `value`; every other key is a problem."""
    if not isinstance(value, dict):
        place.error(f"'{owner}': expected a mapping with the keys {', '.join(known)}")
        return {}
    for key in value:
        if key not in known:
            takes = f"Known: {', '.join(known)}"
            (place / key).key_error(f"unknown key '{key}' in {owner}.{nearest(key, known)} {takes}")
    return {key: value[key] for key in known if key in value}


def _character(entries: Mapping[str, object], name: str, default: str, place: Place) -> str:
    value = entries.get(name, default)
    if value == "" and name == "quote":
        return ""
    if isinstance(value, str) and len(value) == 1 and _fits(value):
        return value
    none = ', or "" for none' if name == "quote" else ""
    (place / name).error(
        f"'{name}': expected one ASCII character that is no letter, digit or line end{none}"
    )
    return default


def _fits(character: str) -> bool:
    return character.isascii() and not character.isalnum() and character not in "\r\n\0"


def _encoding(value: object, place: Place) -> str:
    try:
        codec = codecs.lookup(value) if isinstance(value, str) else None
    except (LookupError, ValueError):
        codec = None
    is_text = getattr(codec, "_is_text_encoding", True)
    if not isinstance(value, str) or codec is None or not is_text or codec.name in _NOT_FOR_FILES:
        near = nearest(str(value), ("utf-8", "latin-1", "cp1252", "utf-16", "iso-8859-15"))
        place.error(f"'encoding': '{value}' is no text encoding that Python knows.{near}")
        return "utf-8"
    return value


def _header(value: object, place: Place) -> bool:
    if not isinstance(value, bool):
        place.error("'header': expected true or false")
        return True
    return value


def _null_values(entries: Mapping[str, object], place: Place) -> tuple[str, ...]:
    """Return the texts that mean null, as written: `-999` is the text of four characters."""
    values = entries.get("nullValues", [""])
    if not isinstance(values, list):
        place.error("'nullValues': expected a list of texts, such as [\"\", NA]")
        return ("",)
    for index, value in enumerate(values):
        if value is None or isinstance(value, list | dict):
            (place / index).error("'nullValues': expected text; put it in quotes")
    if not place.exists:
        return ("",)
    return tuple((place / index).text or "" for index in range(len(values)))


def _line_end(value: object, place: Place) -> Literal["lf", "cr"]:
    if value == "cr":
        return "cr"
    if value != "lf":
        place.error(f"'lineEnd': '{value}' is not known; expected lf (reads CRLF too) or cr")
    return "lf"
