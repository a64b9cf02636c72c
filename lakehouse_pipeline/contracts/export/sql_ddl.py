"""CREATE TABLE of the published table, in the SQL of DuckDB, Postgres, Spark or Trino.

DuckDB and Postgres enforce the rules as constraints, each with the rule's name; Spark and Trino
know none in CREATE TABLE and get types and comments only.
"""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Literal

import sqlglot

from lakehouse_pipeline.contracts.column_bounds import bounds
from lakehouse_pipeline.contracts.export.privacy_words import privacy_in_words
from lakehouse_pipeline.contracts.export.words import rules_in_words
from lakehouse_pipeline.contracts.expressions import render
from lakehouse_pipeline.contracts.format_patterns import FORMATS
from lakehouse_pipeline.contracts.literals import parse_literal
from lakehouse_pipeline.contracts.model import Column, Contract
from lakehouse_pipeline.contracts.published import (
    is_published,
    published_columns,
    stored_type,
)
from lakehouse_pipeline.contracts.sql_text import DIALECT
from lakehouse_pipeline.names import (
    BATCH_ID,
    RECORD,
    RELEASED,
    SYSTEM_COLUMNS,
    identifier,
    literal,
)

Dialect = Literal["duckdb", "postgres", "spark", "trino"]
CONSTRAINED = ("duckdb", "postgres")
OPERATORS = {"ge": ">=", "le": "<=", "gt": ">", "lt": "<"}
DOUBLE_ROUNDING = 2.0**-51


def sql_ddl(contract: Contract, dialect: Dialect = "duckdb") -> str:
    """Return the statements, each ended with `;`.

    A record that a steward released may break its rules, so every constraint lets it pass. Rules
    that only warn, and keys that a released record may repeat, are told in the comments.
    """
    statements = [_table(contract, constrained=dialect in CONSTRAINED)]
    if dialect in CONSTRAINED:
        statements += _comments(contract)
    written = (
        sqlglot.transpile(sql, read=DIALECT, write=dialect, pretty=True)[0] for sql in statements
    )
    return "".join(f"{sql};\n" for sql in written)


def _table(contract: Contract, *, constrained: bool) -> str:
    parts = [
        _definition(identifier(c.name), stored_type(c), "" if constrained else _words(c))
        for c in published_columns(contract)
    ]
    parts += [f"{identifier(name)} {sql} NOT NULL" for name, sql in SYSTEM_COLUMNS.items()]
    if constrained:
        parts += [
            f"CONSTRAINT {identifier(name)} CHECK ({RELEASED} OR {condition})"
            for name, condition in _constraints(contract)
        ]
        parts.append(f"PRIMARY KEY ({BATCH_ID}, {RECORD})")
        if contract.publish.mode == "upsert" and is_published(contract, contract.primary_key):
            parts.append(f"UNIQUE ({', '.join(map(identifier, contract.primary_key))})")
    return f"CREATE TABLE {identifier(contract.dataset)} ({', '.join(parts)})"


def _definition(name: str, sql: str, words: str) -> str:
    return f"{name} {sql}" + (f" COMMENT {literal(words)}" if words else "")


def _comments(contract: Contract) -> Iterator[str]:
    table = identifier(contract.dataset)
    about = f"{contract.dataset} {contract.version}. {contract.description}".strip()
    yield f"COMMENT ON TABLE {table} IS {literal(about)}"
    for column in published_columns(contract):
        if words := _words(column):
            yield f"COMMENT ON COLUMN {table}.{identifier(column.name)} IS {literal(words)}"


def _words(column: Column) -> str:
    words = [column.description, *rules_in_words(column), privacy_in_words(column)]
    return "; ".join(text for text in words if text)


def _constraints(contract: Contract) -> Iterator[tuple[str, str]]:
    """Yield the name and the condition of each rule that quarantines; null keeps a condition."""
    for column in published_columns(contract):
        for kind, condition in _conditions(column):
            if kind not in column.warns:
                yield f"{column.name}.{kind}", condition
    for rule in contract.expressions:
        targets = {c.name: _value(c) for c in contract.columns}
        formatted = any(_is_own_time(contract.column(name)) for name in rule.columns)
        if rule.severity == "error" and is_published(contract, rule.columns) and not formatted:
            yield rule.name, f"({render(rule.sql, targets)})"


def _conditions(column: Column) -> Iterator[tuple[str, str]]:
    value = _value(column)
    if column.required:
        yield "required", f"{value} IS NOT NULL"
    if _is_own_time(column):  # its texts are no times of SQL
        return
    if column.enum is not None:
        listed = ", ".join(_literal(column, text) for text in column.enum)
        yield "enum", f"{value} IN ({listed})"
    for kind, pattern in (
        ("pattern", column.pattern),
        ("format", FORMATS.get(column.format or "")),
    ):
        if pattern is not None:
            yield kind, f"regexp_matches({value}, {literal(pattern)})"
    if column.min_length is not None:
        yield "minLength", f"length({value}) >= {column.min_length}"
    if column.max_length is not None:
        yield "maxLength", f"length({value}) <= {column.max_length}"
    for kind, (check, text) in bounds(column).items():
        yield kind, f"{value} {OPERATORS[check]} {_literal(column, text)}"
    if column.multiple_of is not None:
        yield "multipleOf", _is_multiple(column, value)


def _is_multiple(column: Column, value: str) -> str:
    step = _literal(column, column.multiple_of or "1")
    if column.type.sql != "DOUBLE":
        return f"{value} % {step} = 0"
    rest = f"abs({value} - round({value} / {step}) * {step})"
    return f"{rest} <= abs({value}) * {DOUBLE_ROUNDING!r}"


def _is_own_time(column: Column) -> bool:
    return column.type.sql == "TIME" and column.type.format is not None


def _value(column: Column) -> str:
    """Return SQL of the column's value; a time is stored as text."""
    name = identifier(column.name)
    return f"CAST({name} AS TIME)" if column.type.sql == "TIME" else name


def _literal(column: Column, text: str) -> str:
    """Return an enum value, a bound or a step of the contract as SQL of the column's type."""
    if column.type.logical == "string":
        return literal(text)
    value = parse_literal(text, column.type)
    if column.type.logical in ("integer", "boolean"):
        return str(value).lower()
    if isinstance(value, Decimal):
        return f"CAST({literal(format(value, 'f'))} AS {column.type.sql})"
    written = value.isoformat(sep=" ") if isinstance(value, datetime) else str(value)
    return f"CAST({literal(written)} AS {column.type.sql})"
