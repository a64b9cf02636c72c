"""A contract in few words: columns as `{"id": "int"}`, rules as `{"amount": ">0"}`, into ODCS.

What comes out is an ODCS document as plain values, which `load` judges like any other. Nothing
here decides whether a contract is sound.
"""

import copy
import re
from collections.abc import Mapping, Sequence
from typing import Any

from lakehouse_pipeline.errors import LakehouseError, nearest
from lakehouse_pipeline.names import identifier

Document = dict[str, Any]
"""An ODCS document as plain values, as YAML has them."""

FIRST_VERSION = "1.0.0"
TYPES = {
    "int": "integer",
    "integer": "integer",
    "float": "number",
    "double": "number",
    "number": "number",
    "string": "string",
    "text": "string",
    "bool": "boolean",
    "boolean": "boolean",
    "date": "date",
    "timestamp": "timestamp",
    "datetime": "timestamp",
}
"""The words for a column's type, and the `logicalType` each means; `decimal(p,s)` beside them."""

BOUNDS = {
    ">": "exclusiveMinimum",
    ">=": "minimum",
    "<": "exclusiveMaximum",
    "<=": "maximum",
}
FLAGS = ("required", "unique")
_DECIMAL = re.compile(r"decimal\s*\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\)", re.IGNORECASE)
_BOUND = re.compile(r"\s*(>=|<=|>|<)\s*(-?\d+(?:\.\d+)?)\s*")
_COMPARISON = re.compile(r"\s*(?:[<>=!]|(?:not\s+)?(?:in|like|between)\b|is\s)", re.IGNORECASE)


class ShortContractError(LakehouseError):
    """The short form of a contract says something that has no meaning."""

    exit_code = 1

    def __init__(self, where: str, problem: str) -> None:
        super().__init__(f"{where}: {problem}")


def first_contract(dataset: str, columns: Mapping[str, str]) -> Document:
    """Return the first contract of a dataset with these columns, active as soon as it may be.

    Raises: ShortContractError: a type is not known, or there is no column.
    """
    if not columns:
        raise ShortContractError("schema", 'expected a column at least, as in {"id": "int"}')
    return {
        "apiVersion": "v3.1.0",
        "kind": "DataContract",
        "id": dataset,
        "name": dataset,
        "version": FIRST_VERSION,
        "status": "active",
        "schema": [
            {
                "name": dataset,
                "physicalType": "table",
                "properties": [_column(name, words) for name, words in columns.items()],
            }
        ],
    }


def changed(
    document: Document,
    *,
    retention_days: float | None = None,
    compliance: str | None = None,
    privacy: Mapping[str, str | Mapping[str, object]] | None = None,
    quality: Mapping[str, str | Sequence[str]] | None = None,
) -> Document:
    """Return a copy of `document` that says these things too; what was said of them is replaced.

    Args:
        document: an ODCS document; it stays as it is.
        retention_days: how long records are kept.
        compliance: standard or gdpr.
        privacy: per column a technique (`mask`) or one with parameters
            (`{"technique": "mask", "keepLast": 2}`); the column is then personal.
        quality: per column one rule or several: a bound (`>0`), `required`, `unique`, or an SQL
            expression, whole or beginning with its operator.

    Raises: ShortContractError: a rule is about a column that the contract does not have.
    """
    new = copy.deepcopy(document)
    new["status"] = "active"
    if retention_days is not None:
        level = {"property": "retention", "value": retention_days, "unit": "d"}
        _put(new.setdefault("slaProperties", []), level)
    if compliance is not None:
        _put(_customs(new), {"property": "compliance", "value": compliance})
    for name, technique in (privacy or {}).items():
        _make_safe(_find(new, name, "privacy_rules"), technique)
    for name, rules in (quality or {}).items():
        column = _find(new, name, "quality_rules")
        for rule in [rules] if isinstance(rules, str) else rules:
            _add_rule(column, rule)
    return new


def _column(name: str, words: str) -> Document:
    text = words.strip().lower()
    if decimal := _DECIMAL.fullmatch(text):
        physical = f"DECIMAL({decimal[1]},{decimal[2] or 0})"
        return {"name": name, "logicalType": "number", "physicalType": physical}
    if text not in TYPES:
        known = ", ".join([*TYPES, "decimal(p,s)"])
        problem = f"unknown type '{words}'.{nearest(text, TYPES)} Known: {known}"
        raise ShortContractError(f"schema, column '{name}'", problem)
    return {"name": name, "logicalType": TYPES[text]}


def _find(document: Document, name: str, where: str) -> Document:
    columns: list[Document] = document["schema"][0]["properties"]
    for column in columns:
        if column["name"] == name:
            return column
    names = [str(column["name"]) for column in columns]
    known = f"{nearest(name, names)} The contract has: {', '.join(names)}"
    raise ShortContractError(where, f"unknown column '{name}'.{known}")


def _make_safe(column: Document, technique: str | Mapping[str, object]) -> None:
    value = {"technique": technique} if isinstance(technique, str) else dict(technique)
    column["classification"] = "personal"
    _put(_customs(column), {"property": "anonymize", "value": value})


def _add_rule(column: Document, rule: str) -> None:
    if rule in FLAGS:
        column[rule] = True
        return
    bound = _BOUND.fullmatch(rule)
    if bound and column.get("logicalType") in ("integer", "number"):
        options = column.get("logicalTypeOptions") or {}
        column["logicalTypeOptions"] = {**options, BOUNDS[bound[1]]: _number(bound[2])}
        return
    sql = f"{identifier(column['name'])} {rule.strip()}" if _COMPARISON.match(rule) else rule
    rules: list[Document] = column.setdefault("quality", [])
    if all(one.get("implementation") != sql for one in rules):
        rules.append(_expression(column["name"], sql, len(rules) + 1))


def _expression(column: str, sql: str, number: int) -> Document:
    stem = re.sub(r"[^A-Za-z0-9_-]", "_", column)[:80].lstrip("_-") or "column"
    name = f"{stem}_rule_{number}"
    return {"name": name, "type": "custom", "engine": "lakehouse", "implementation": sql}


def _number(text: str) -> int | float:
    return float(text) if "." in text else int(text)


def _customs(of: Document) -> list[Document]:
    found: list[Document] = of.setdefault("customProperties", [])
    return found


def _put(items: list[Document], item: Document) -> None:
    """Put `item` into a list of properties, in the place of the one of its name."""
    items[:] = [one for one in items if one.get("property") != item["property"]] + [item]
