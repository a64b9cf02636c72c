"""SQL of a dataset's published records as its contract promises them now, over the Delta files."""

from collections.abc import Sequence
from dataclasses import dataclass

from lakehouse_pipeline.contracts.model import Contract
from lakehouse_pipeline.contracts.published import published_columns, stored_type
from lakehouse_pipeline.lake.engine import parquet_relation
from lakehouse_pipeline.names import RELEASED, SYSTEM_COLUMNS, identifier


@dataclass(frozen=True, slots=True)
class PublishedRelation:
    """`sql` is one SELECT of `columns`, which reads nothing but `files`."""

    sql: str
    columns: tuple[str, ...]
    files: tuple[str, ...]


def promised_columns(contract: Contract) -> dict[str, str]:
    """Return the columns of published with their SQL types: the contract's, then the system's."""
    return {c.name: stored_type(c) for c in published_columns(contract)} | dict(SYSTEM_COLUMNS)


def published_relation(contract: Contract, files: Sequence[str]) -> PublishedRelation:
    """Return the promised columns of the records in `files`, in their order.

    A column that is younger than a record is null in it; one that is no longer promised is left
    out. The type is the promised one, or a wider one that older files still have.
    """
    promised = promised_columns(contract)
    empty = ", ".join(f"NULL::{sql} AS {identifier(name)}" for name, sql in promised.items())
    source = f"SELECT {empty} WHERE false"
    if files:
        source += f" UNION ALL BY NAME SELECT * FROM {parquet_relation(list(files))}"
    chosen = ", ".join(
        f"coalesce({identifier(name)}, false) AS {identifier(name)}"
        if name == RELEASED
        else identifier(name)
        for name in promised
    )
    return PublishedRelation(f"SELECT {chosen} FROM ({source})", tuple(promised), tuple(files))
