"""Whether the tables can take what a contract now promises, asked before anything is written."""

from collections.abc import Collection, Iterator, Sequence

from lakehouse_pipeline.contracts.model import Contract
from lakehouse_pipeline.layers.anonymized import anonymized
from lakehouse_pipeline.layers.published import published
from lakehouse_pipeline.names import Layer
from lakehouse_pipeline.pipeline.lake import Lake
from lakehouse_pipeline.pipeline.relations import empty

JUDGED = {Layer.QUARANTINED, Layer.VALIDATED}


def rebuilds(
    lake: Lake, contract: Contract, batches: Sequence[str], layers: Collection[Layer]
) -> bool:
    """Return whether a column's type changed, so that a table is made anew from `batches`.

    They are then written in one commit: the table never holds some of them only.
    Raises: SchemaChangeError: a table holds batches that are not among `batches`.
    """
    retyped = False
    for layer, sql in _schemas(contract, set(layers)):
        schema = lake.connection.sql(f"SELECT * FROM {sql} LIMIT 0").to_arrow_table().schema
        retyped |= lake.tables.is_retyped(contract.dataset, layer, batches, schema)
    return retyped


def _schemas(contract: Contract, layers: set[Layer]) -> Iterator[tuple[Layer, str]]:
    validated = empty(contract, Layer.VALIDATED)
    if layers & JUDGED:
        yield Layer.VALIDATED, validated
    if Layer.ANONYMIZED in layers:
        yield Layer.ANONYMIZED, f"({anonymized(contract, validated)})"
    if Layer.PUBLISHED in layers:
        yield Layer.PUBLISHED, f"({published(contract, empty(contract, Layer.ANONYMIZED))})"
