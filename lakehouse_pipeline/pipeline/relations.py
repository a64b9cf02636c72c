"""A layer's records of some batches as an SQL relation, whatever version wrote them."""

from collections.abc import Sequence

from lakehouse_pipeline.contracts.model import Column, Contract
from lakehouse_pipeline.contracts.promised import promised_type
from lakehouse_pipeline.lake.engine import parquet_relation
from lakehouse_pipeline.layers.anonymized import kept_columns
from lakehouse_pipeline.layers.quarantined import REASON_TYPE
from lakehouse_pipeline.layers.values import stored_type
from lakehouse_pipeline.names import (
    BATCH_ID,
    DEFECT,
    REASONS,
    RECORD,
    RELEASED,
    TEXT,
    Layer,
    identifier,
)
from lakehouse_pipeline.pipeline.lake import Lake

DEFECT_TYPE = "STRUCT(rule VARCHAR, message VARCHAR, bytes BLOB)"


def relation(lake: Lake, contract: Contract, layer: Layer, batches: Sequence[str]) -> str:
    """Return SQL of the records of `batches` in a layer, with every column of the contract.

    A column the contract gained after the records were written is null.
    """
    return relation_of(lake, contract, layer, lake.tables.files(contract.dataset, layer, batches))


def relation_of(lake: Lake, contract: Contract, layer: Layer, files: Sequence[str]) -> str:
    """Return `relation` over these data files, whether or not a table names them."""
    types = _column_types(contract, layer)
    if not files:
        return empty(contract, layer)
    source = parquet_relation(list(files))
    present = set(lake.connection.sql(f"SELECT * FROM {source} LIMIT 0").columns)
    missing = [
        f"NULL::{kind} AS {identifier(name)}" for name, kind in types.items() if name not in present
    ]
    return f"(SELECT {', '.join(['*', *missing])} FROM {source})"


def empty(contract: Contract, layer: Layer) -> str:
    """Return SQL of a layer without any record, in the contract's columns and types."""
    types = _column_types(contract, layer)
    nulls = [f"NULL::{kind} AS {identifier(name)}" for name, kind in types.items()]
    return f"(SELECT {', '.join(nulls)} WHERE false)"


def records_per_batch(
    lake: Lake, dataset: str, layer: Layer, batches: Sequence[str]
) -> dict[str, int]:
    """Return the count of records of each batch in a layer, 0 where it has none; order kept."""
    counts: dict[str, int] = dict.fromkeys(batches, 0)
    files = lake.tables.files(dataset, layer, batches)
    if files:
        source = parquet_relation(files)
        rows = lake.connection.execute(
            f"SELECT {BATCH_ID}, count(*) FROM {source} GROUP BY ALL"
        ).fetchall()
        counts.update(dict(rows))
    return counts


def _type(column: Column, layer: Layer) -> str:
    if layer in (Layer.RAW, Layer.QUARANTINED):
        return "VARCHAR"
    return promised_type(column) if layer is Layer.ANONYMIZED else stored_type(column.type)


def _column_types(contract: Contract, layer: Layer) -> dict[str, str]:
    columns = kept_columns(contract) if layer is Layer.ANONYMIZED else contract.columns
    types = {column.name: _type(column, layer) for column in columns}
    if layer is Layer.RAW:
        types[DEFECT] = DEFECT_TYPE
    elif layer is Layer.QUARANTINED:
        types |= {TEXT: "VARCHAR", REASONS: f"{REASON_TYPE}[]"}
    else:
        types[RELEASED] = "BOOLEAN"
    return {**types, RECORD: "BIGINT", BATCH_ID: "VARCHAR"}
