"""Contracts as values for the comparison's tests: one sound base, and what varies in it."""

from dataclasses import replace
from typing import Any

from lakehouse_pipeline.contracts.model import Anonymize, Column, Contract
from lakehouse_pipeline.contracts.types import ColumnType

TEXT = ColumnType("string", "VARCHAR")
WHOLE = ColumnType("integer", "INTEGER")
DAY = ColumnType("date", "DATE")
TIME = ColumnType("time", "TIME")
HASH = Anonymize("hash")
DROP = Anonymize("drop")


def decimal(precision: int, scale: int) -> ColumnType:
    """Return a DECIMAL type."""
    return ColumnType("number", f"DECIMAL({precision},{scale})")


def whole(sql: str) -> ColumnType:
    """Return a whole type."""
    return ColumnType("integer", sql)


def mask(first: int = 0, last: int = 0, character: str = "*") -> Anonymize:
    """Return a mask."""
    return Anonymize("mask", {"keepFirst": first, "keepLast": last, "character": character})


BASE = Contract(
    dataset="orders",
    version="1.2.3",
    status="active",
    compliance="gdpr",
    columns=(
        Column("id", whole("BIGINT"), required=True, unique=True, primary_key_position=1),
        Column("name", TEXT),
        Column("count", WHOLE),
        Column("amount", decimal(10, 2)),
        Column("day", DAY),
        Column("at", TIME),
        Column("mail", TEXT, personal=True, subject=True, anonymize=HASH),
        Column("secret", TEXT, personal=True, anonymize=DROP),
    ),
)


def having(contract: Contract = BASE, column: str = "", /, **values: Any) -> Contract:  # noqa: ANN401
    """Return the contract with other values of its own, or of one of its columns."""
    if not column:
        return replace(contract, **values)
    columns = tuple(
        replace(one, **values) if one.name == column else one for one in contract.columns
    )
    return replace(contract, columns=columns)


def without(*names: str, contract: Contract = BASE) -> Contract:
    """Return the contract without some columns."""
    return replace(contract, columns=tuple(c for c in contract.columns if c.name not in names))


def publishing(contract: Contract = BASE, **values: Any) -> Contract:  # noqa: ANN401
    """Return the contract with another `publish`."""
    return replace(contract, publish=replace(contract.publish, **values))
