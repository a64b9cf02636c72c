"""A layer's table rewritten in wider types: the same records and values, in one Delta commit.

Which types are wider is in `contracts/widening.py`, and when it is done in `schemas.py`. The old
version stays readable by time travel.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import pyarrow as pa
from deltalake import DeltaTable

from lakehouse_pipeline.lake.engine import parquet_relation
from lakehouse_pipeline.lake.tables import Staged, stage
from lakehouse_pipeline.names import Layer, identifier
from lakehouse_pipeline.pipeline.lake import Lake


def widen(lake: Lake, dataset: str, layer: Layer, types: Mapping[str, str]) -> None:
    """Rewrite a layer with the columns `types` in these SQL types; hold the dataset's lock.

    Batch after batch is staged as DuckDB streams it, so memory does not grow with the layer; the
    disk holds it twice until the old files are vacuumed. A crash before the commit leaves the
    table as it was, and the next run does it again.
    """
    table = lake.tables.open(dataset, layer)
    batches = sorted(lake.tables.batches(dataset, layer))
    if table is None or not batches:
        return
    with stored_columns(lake, table) as relation:
        schema = lake.connection.sql(_cast(lake, relation, types)).to_arrow_table().schema
    with lake.tables.staging(dataset) as folder:
        staged = Staged(folder, {}, schema, {})
        for batch in batches:
            source = parquet_relation(lake.tables.files(dataset, layer, [batch]))
            one = stage(lake.connection, _cast(lake, source, types), folder, [batch])
            staged.rows.update(one.rows)
            staged.counts.update(one.counts)
        lake.tables.replace(dataset, layer, batches, staged)


@contextmanager
def stored_columns(lake: Lake, table: DeltaTable) -> Iterator[str]:
    """Yield SQL of a relation without records in the columns and types that a table has."""
    schema = pa.schema(table.schema().to_arrow())
    lake.connection.register("stored_columns", schema.empty_table())
    try:
        yield "stored_columns"
    finally:
        lake.connection.unregister("stored_columns")


def _cast(lake: Lake, source: str, types: Mapping[str, str]) -> str:
    """Return SQL: every column of `source`, those of `types` that it holds in their new type."""
    held: Sequence[str] = lake.connection.sql(f"SELECT * FROM {source} LIMIT 0").columns
    casts = ", ".join(
        f"CAST({identifier(name)} AS {kind}) AS {identifier(name)}"
        for name, kind in types.items()
        if name in held
    )
    return f"SELECT * {f'REPLACE ({casts})' if casts else ''} FROM {source}"
