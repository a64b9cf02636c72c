"""The columns of a table after its next commit, and what that commit may not change.

A table takes the columns, types and order that are written to it now. A column that is no longer
written stays behind them for as long as a file of an older batch holds it. Only batches that are
not written with it decide: without them the table is made anew. Which types a contract may still
change, and the rewriting of older batches, is in `pipeline/schemas.py`.
"""

from collections.abc import Sequence
from pathlib import Path

import pyarrow.parquet as pq
from deltalake import Field, Schema

from lakehouse_pipeline.errors import SchemaChangeError

PLACE = "lakehouse.place"
"""Column metadata of a table: where the column stands, from 1."""


def evolved(stored: Schema, wanted: Schema, others: Sequence[str], path: Path) -> Schema:
    """Return the table's schema after a commit of records in `wanted` beside the files `others`.

    `path` is the table's folder, for the message.

    Raises: SchemaChangeError: the other files hold a column in another type than `wanted`.
    """
    if not others:
        return placed(wanted.fields)
    types = {column.name: column.type for column in stored.fields}
    for column in wanted.fields:
        held = types.get(column.name, column.type)
        if held != column.type:
            types_of = (_shown(held), _shown(column.type))
            raise SchemaChangeError(str(path), column.name, *types_of, path.parent.name)
    return placed([*wanted.fields, *_left_behind(stored, wanted, others)])


def placed(columns: Sequence[Field]) -> Schema:
    """Return a schema of `columns`, any of which may be null, with each one's place in it.

    Delta takes two schemas for the same that differ in order only, and would not commit the order.
    """
    return Schema(
        [
            Field(column.name, column.type, nullable=True, metadata={PLACE: str(place)})
            for place, column in enumerate(columns, start=1)
        ]
    )


def _left_behind(stored: Schema, wanted: Schema, others: Sequence[str]) -> list[Field]:
    """Return the columns that only older files hold; the files are opened only to look for one."""
    written = {column.name.casefold() for column in wanted.fields}
    gone = [column for column in stored.fields if column.name.casefold() not in written]
    held: set[str] = set()
    for file in others:
        if held.issuperset(column.name for column in gone):
            break
        held.update(pq.read_schema(file).names)
    return [column for column in gone if column.name in held]


def _shown(kind: object) -> str:
    return str(getattr(kind, "type", kind))
