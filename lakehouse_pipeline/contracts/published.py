"""What a contract promises of published data: its columns and keys as they are after publishing.

Everything that describes published data to a reader (schemas, exports) starts here. The SQL that
publishes is in `layers/published.py`.
"""

from collections.abc import Iterator
from dataclasses import replace

from lakehouse_pipeline.contracts.model import Column, Contract, UniqueKey
from lakehouse_pipeline.contracts.techniques import (
    may_be_null,
    noise_bounds,
    published_type,
    technique_of,
)

HASH_PATTERN = "^[0-9a-f]{64}$"


def published_columns(contract: Contract) -> tuple[Column, ...]:
    """Return the columns of published in order, each with the rules that still hold there.

    An anonymized column has the type that its technique gives (`techniques`); of its rules only
    `required` is left where every value stays one, a hash has 64 digits, and noise is bounded.
    `unique` is true of a column whose values stand once in all batches; a value that is unique in
    its batch only is not unique in published.
    """
    names = contract.publish.columns or tuple(
        c.name for c in contract.columns if c.anonymize is None or c.anonymize.technique != "drop"
    )
    unique = {key.columns[0] for key in published_keys(contract) if len(key.columns) == 1}
    return tuple(
        replace(_published(contract.column(name)), unique=name in unique, unique_scope="dataset")
        for name in names
    )


def published_keys(contract: Contract) -> tuple[UniqueKey, ...]:
    """Return the keys that no two published records share: those of the whole dataset.

    Upserts keep one record of each primary key. A key with an anonymized column is no promise.
    """
    return tuple(key for key in _dataset_keys(contract) if _is_plain(contract, key.columns))


def is_published(contract: Contract, columns: tuple[str, ...]) -> bool:
    """Return whether all `columns` are published with the values that were delivered."""
    names = {column.name for column in published_columns(contract)}
    return names.issuperset(columns) and _is_plain(contract, columns)


def stored_type(column: Column) -> str:
    """Return the DuckDB type a column is stored in; Delta has no TIME, it stays text."""
    return "VARCHAR" if column.type.sql == "TIME" else column.type.sql


def _published(column: Column) -> Column:
    if column.anonymize is None:
        return column
    low, high = noise_bounds(column) if technique_of(column) == "noise" else (None, None)
    return Column(
        column.name,
        published_type(column),
        description=column.description,
        required=column.required and not may_be_null(column),
        minimum=low,
        maximum=high,
        pattern=HASH_PATTERN if column.anonymize.technique == "hash" else None,
        personal=column.personal,
        subject=column.subject,
        anonymize=column.anonymize,
        tags=column.tags,
    )


def _dataset_keys(contract: Contract) -> Iterator[UniqueKey]:
    for key in contract.unique_keys:
        upserted = contract.publish.mode == "upsert" and key.columns == contract.primary_key
        if key.scope == "dataset" or upserted:
            yield key


def _is_plain(contract: Contract, columns: tuple[str, ...]) -> bool:
    return all(contract.column(name).anonymize is None for name in columns)
