"""An ODCS property as a `Column`: its name, type, flags, enum and classification.

`logicalTypeOptions` are read in `column_options`, custom properties in `custom_properties` and
`severities`, relationships in `relationships`; how columns stand to each other is judged in `lint`.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from difflib import get_close_matches

from open_data_contract_standard.model import EnumValue, SchemaProperty

from lakehouse_pipeline.contracts.column_options import read_options
from lakehouse_pipeline.contracts.custom_properties import (
    ColumnProperties,
    read_column_properties,
)
from lakehouse_pipeline.contracts.findings import Place
from lakehouse_pipeline.contracts.literals import parse_literal
from lakehouse_pipeline.contracts.model import Column, Scope
from lakehouse_pipeline.contracts.severities import read_warns
from lakehouse_pipeline.contracts.types import LOGICAL_TYPES, ColumnType, column_type
from lakehouse_pipeline.errors import nearest

PERSONAL = frozenset(
    {"personal", "personal_data", "pii", "sensitive", "sensitive_data", "special", "special_data"}
)
"""Classifications that mark a column as data about a person; case, `-` and blanks do not matter.

Any other classification is free text, unless it is one of these misspelt.
"""

_MISSPELT = 0.81
"""How alike a misspelt word is: `personnel` and `persnal` are, `internal`, `non_personal` not."""

MAX_NAME = 200
TEXT = ColumnType("string", "VARCHAR")
_UNENFORCED_TYPES = ("object", "array", "map", "vector")
_UNENFORCED_KEYS = ("properties", "items", "map", "partitioned")
_SIZED = re.compile(r"[A-Za-z ]+?\(\s*([0-9]{1,9})\s*\)")
_FORMAT_TYPES = {
    "i8": "TINYINT",
    "i16": "SMALLINT",
    "i32": "INTEGER",
    "i64": "BIGINT",
    "f32": "DOUBLE",
    "f64": "DOUBLE",
}
"""What `format` of an integer or number means when there is no `physicalType`."""


def read_column(item: SchemaProperty, place: Place, *, composite: bool = False) -> Column | None:
    """Return the column, or None if it has no name.

    A part that is wrong is a problem and is left out; a column of an unknown type is text here,
    so that rules which name it are not reported too. `composite` says that the primary key has
    several columns; only a key of one column makes it unique.
    """
    if not item.name:
        (place / "name").missing("a column needs the key 'name'")
        return None
    _check_name(item.name, place / "name")
    _check_unenforced(item, place)
    of_type = _read_type(item, place)
    properties = read_column_properties(item.customProperties, place / "customProperties")
    in_key = bool(item.primaryKey)
    classified = _is_personal(item.classification, place / "classification")
    made_safe = properties.anonymize is not None and not properties.not_personal
    column = Column(
        name=item.name,
        type=of_type or TEXT,
        description=(item.description or "").strip(),
        required=bool(item.required) or in_key,
        unique=bool(item.unique) or (in_key and not composite),
        unique_scope=_unique_scope(item, properties),
        primary_key_position=_key_position(item, place, composite=composite),
        personal=classified or made_safe,
        subject=properties.subject,
        anonymize=properties.anonymize,
        not_personal=properties.not_personal,
        tags=tuple(item.tags or ()),
    )
    if of_type:
        column = _with_rules(column, item, place)
    if properties.severity and of_type:
        warns = read_warns(
            properties.severity[0], column, properties.severity[1], composite=composite
        )
        column = replace(column, warns=warns)
    return column


def _with_rules(column: Column, item: SchemaProperty, place: Place) -> Column:
    options = item.logicalTypeOptions or {}
    column = read_options(column, options, place / "logicalTypeOptions")
    sized = _SIZED.fullmatch(item.physicalType or "")
    if sized and column.type.logical == "string":
        lengths = [int(sized[1])] + [n for n in (column.max_length,) if n is not None]
        column = replace(column, max_length=min(lengths))
    return replace(column, enum=_read_enum(item.enum, column.type, place / "enum"))


def _unique_scope(item: SchemaProperty, properties: ColumnProperties) -> Scope:
    if properties.unique_scope and not (item.unique or item.primaryKey):
        properties.scope_place.error(
            f"'uniqueScope' of column '{item.name}', which is neither unique nor in the primary key"
        )
    return properties.unique_scope or "batch"


def _check_name(name: str, place: Place) -> None:
    if name.startswith("_"):
        place.error(f"column '{name}': names that begin with '_' are kept for system columns")
    if len(name) > MAX_NAME:
        place.error(f"column name of {len(name)} characters; at most {MAX_NAME} are taken")
    if not name.isprintable():
        place.error(f"column {name!r}: a name holds no control characters or line ends")


def _check_unenforced(item: SchemaProperty, place: Place) -> None:
    for key in _UNENFORCED_KEYS:
        if getattr(item, key):
            (place / key).unenforced(f"'{key}'")
    if item.physicalName not in (None, item.name):
        (place / "physicalName").unenforced("a 'physicalName' other than the name")
    for index, value in enumerate(item.enum or ()):
        if value.customProperties:
            (place / "enum" / index / "customProperties").unenforced("'customProperties' here")


def _read_type(item: SchemaProperty, place: Place) -> ColumnType | None:
    """Return the type, or None when a part of it is wrong; that part is a problem."""
    logical = item.logicalType
    if logical is None:
        known = ", ".join(LOGICAL_TYPES)
        (place / "logicalType").missing(
            f"column '{item.name}' needs a 'logicalType'; known: {known}"
        )
        return None
    if logical in _UNENFORCED_TYPES:
        (place / "logicalType").unenforced(f"logicalType '{logical}'", "use string")
        return None
    if logical not in LOGICAL_TYPES:
        (place / "logicalType").error(
            f"unknown logicalType '{logical}'.{nearest(logical, LOGICAL_TYPES)} "
            f"Known: {', '.join(LOGICAL_TYPES)}"
        )
        return None
    return _read_physical(item, logical, place)


def _read_physical(item: SchemaProperty, logical: str, place: Place) -> ColumnType | None:
    text_format = (item.logicalTypeOptions or {}).get("format")
    text_format = text_format if isinstance(text_format, str) else None
    wanted = _FORMAT_TYPES.get(text_format or "") if logical in ("integer", "number") else None
    where = place / "physicalType"
    try:
        found = column_type(logical, item.physicalType or wanted, None)
        if wanted and item.physicalType and found.sql != wanted:
            where.error(f"physicalType '{item.physicalType}' is not {wanted}, the format's type")
        where = place / "logicalTypeOptions" / "format"
        return column_type(logical, item.physicalType or wanted, text_format)
    except ValueError as error:
        where.error(str(error))
        return None


def _key_position(item: SchemaProperty, place: Place, *, composite: bool) -> int | None:
    position = item.primaryKeyPosition
    if not item.primaryKey:
        if position is not None and position > 0:
            (place / "primaryKeyPosition").key_error("'primaryKeyPosition' without 'primaryKey'")
        return None
    for key in ("required",) if composite else ("required", "unique"):
        if getattr(item, key) is False:
            (place / key).key_error(f"a primary key is {key}; '{key}: false' contradicts it")
    if position is not None and position > 0:
        return position
    if composite:
        (place / "primaryKey").key_error(
            f"the primary key has several columns; give '{item.name}' a 'primaryKeyPosition' from 1"
        )
    return 1


def _is_personal(classification: str | None, place: Place) -> bool:
    if classification is None:
        return False
    word = re.sub(r"[\s-]+", "_", classification.strip().lower())
    if word in PERSONAL:
        return True
    if near := get_close_matches(word, PERSONAL, n=1, cutoff=_MISSPELT):
        place.error(
            f"classification '{classification}' is close to one that marks personal data. "
            f"Did you mean '{near[0]}'?"
        )
    return False


def _read_enum(
    values: Sequence[EnumValue] | None, of_type: ColumnType, place: Place
) -> tuple[str, ...] | None:
    if values is None:
        return None
    if not values:
        place.error("'enum' is empty: no value could ever fit; name at least one")
    texts: dict[object, str] = {}
    for index, value in enumerate(values):
        here = place / index / "value"
        text = None if value.value is None else here.text
        if text is None:
            here.error("an enum value must be text, a number or true/false")
            continue
        try:
            key = parse_literal(text, of_type)
        except ValueError as error:
            here.error(f"enum: {error}")
            continue
        if key in texts:
            here.error(f"enum value '{text}' stands there twice")
        texts[key] = text
    return tuple(texts.values())
