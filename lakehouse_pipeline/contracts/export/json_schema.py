"""A JSON Schema (draft 2020-12) of one published record.

Dates and timestamps are ISO 8601 texts in it, all numbers are numbers. What JSON Schema cannot say
of a column, such as a bound of a date, stands in the column's description.
"""

import json
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

from lakehouse_pipeline.contracts.export.privacy_words import privacy_in_words
from lakehouse_pipeline.contracts.export.words import rules_in_words
from lakehouse_pipeline.contracts.literals import parse_literal
from lakehouse_pipeline.contracts.model import Column, Contract
from lakehouse_pipeline.contracts.published import published_columns
from lakehouse_pipeline.contracts.types import ColumnType
from lakehouse_pipeline.names import BATCH_ID, RECORD, RELEASED

DRAFT = "https://json-schema.org/draft/2020-12/schema"
BITS = {"TINYINT": 8, "SMALLINT": 16, "INTEGER": 32, "BIGINT": 64}
_TYPES: dict[str, dict[str, str]] = {
    "string": {"type": "string"},
    "number": {"type": "number"},
    "boolean": {"type": "boolean"},
    "date": {"type": "string", "format": "date"},
    "timestamp": {"type": "string", "format": "date-time"},
    "time": {"type": "string"},  # the format `time` of JSON Schema asks for an offset
}
_SYSTEM: dict[str, dict[str, Any]] = {
    RELEASED: {"type": "boolean", "description": "published although it breaks a rule"},
    RECORD: {"type": "integer", "minimum": 1, "description": "number of the record in its batch"},
    BATCH_ID: {"type": "string", "description": "the batch that the record came in"},
}


def json_schema(contract: Contract) -> str:
    """Return the schema as JSON text.

    A record that a steward released has the types of the contract but may break its rules, so the
    rules are asked of other records only (`if`, `else`). Rules that only warn are left out.
    """
    columns = published_columns(contract)
    required = [c.name for c in columns if c.required and "required" not in c.warns]
    rules = {column.name: dict(_rules(column)) for column in columns}
    for name in required:
        rules[name]["not"] = {"type": "null"}
    schema = {
        "$schema": DRAFT,
        "$id": f"urn:lakehouse:{contract.dataset}:{contract.version}",
        "title": contract.dataset,
        "description": contract.description,
        "type": "object",
        "properties": {**{c.name: _property(c) for c in columns}, **_SYSTEM},
        "required": [*(c.name for c in columns), *_SYSTEM],
        "additionalProperties": False,
        "if": {"properties": {RELEASED: {"const": True}}},
        "else": {"properties": {name: rule for name, rule in rules.items() if rule}},
    }
    said = {key: value for key, value in schema.items() if value != ""}
    return f"{json.dumps(said, indent=2, ensure_ascii=False)}\n"


def _property(column: Column) -> dict[str, Any]:
    words = [column.description, *rules_in_words(column), privacy_in_words(column)]
    kind = _type(column.type)
    found: dict[str, Any] = {**kind, "type": [kind["type"], "null"]}
    described = "; ".join(text for text in words if text)
    return {**found, "description": described} if described else found


def _type(kind: ColumnType) -> dict[str, Any]:
    if kind.sql not in BITS:
        return dict(_TYPES[kind.logical])
    limit = 1 << BITS[kind.sql] - 1
    return {"type": "integer", "minimum": -limit, "maximum": limit - 1}


def _rules(column: Column) -> Iterator[tuple[str, Any]]:
    for keyword, value in _keywords(column):
        if value is not None and keyword not in column.warns:
            yield keyword, value


def _keywords(column: Column) -> Iterator[tuple[str, Any]]:
    """Yield JSON Schema's keyword for each rule it can say; a null keeps every rule."""
    if column.enum is not None and column.type.logical != "time":  # a time has several texts
        yield "enum", [*(_json(column, value) for value in column.enum), None]
    if column.pattern is not None and "(?" not in column.pattern.replace("(?:", ""):
        yield "pattern", column.pattern  # flags of RE2 are unknown to JSON Schema
    yield "format", column.format
    yield "minLength", column.min_length
    yield "maxLength", column.max_length
    if column.type.logical in ("integer", "number"):
        yield "minimum", _json(column, column.minimum)
        yield "maximum", _json(column, column.maximum)
        yield "exclusiveMinimum", _json(column, column.exclusive_minimum)
        yield "exclusiveMaximum", _json(column, column.exclusive_maximum)
    if column.type.logical == "integer":  # validators get multiples of fractions wrong
        yield "multipleOf", _json(column, column.multiple_of)


def _json(column: Column, text: str | None) -> Any:  # noqa: ANN401 - what JSON can hold
    if text is None:
        return None
    value = parse_literal(text, column.type)
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value.isoformat() if isinstance(value, date) else value
