"""Publish mode upsert: of each primary key the record of the batch that arrived last, as SQL.

A winner that deletes its key is no record of published. Pure: when it is run is in
`pipeline/upsert.py`.
"""

from collections.abc import Sequence

from lakehouse_pipeline.contracts.model import Contract
from lakehouse_pipeline.layers.rules import enum_value
from lakehouse_pipeline.names import BATCH_ID, RECORD, identifier, literal


def winners(contract: Contract, anonymized: str, arrived: Sequence[str]) -> str:
    """Return SQL of `_batch_id` and `_record` of the records that are published.

    `anonymized` is SQL of all batches, `arrived` their names, the oldest first; one that is not
    named counts as older. In a batch a key stands once; of released repeats the last one wins.
    """
    keys = ", ".join(identifier(name) for name in contract.primary_key)
    order = f"list_position([{', '.join(literal(batch) for batch in arrived)}], {BATCH_ID})"
    newest = (
        f"row_number() OVER (PARTITION BY {keys} "
        f"ORDER BY {order} DESC NULLS LAST, {BATCH_ID} DESC, {RECORD} DESC)"
    )
    kept = f"SELECT {BATCH_ID}, {RECORD}, {_deletes(contract)} AS deleted FROM {anonymized}"
    return f"SELECT {BATCH_ID}, {RECORD} FROM ({kept} QUALIFY {newest} = 1) WHERE NOT deleted"


def _deletes(contract: Contract) -> str:
    """Return SQL: true when a record deletes its key, never null."""
    deletes = contract.publish.deletes
    if deletes is None:
        return "false"
    column = contract.column(deletes.column)
    values = ", ".join(enum_value(column, value) for value in deletes.values)
    return f"coalesce({identifier(column.name)} IN ({values}), false)"
