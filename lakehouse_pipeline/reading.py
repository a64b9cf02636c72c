"""Published data for Python: `lakehouse_pipeline.read` and `lakehouse_pipeline.schema`.

What consumers call in a notebook or a job. Only published is read; the other layers hold data that
are not for them. SQL is `pipeline/published_query`, files are `pipeline/export`.
"""

import tempfile
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pandera.pandas as pandera
import pyarrow as pa
from deltalake import DeltaTable

from lakehouse_pipeline.contracts.check_modules import load_check_modules
from lakehouse_pipeline.contracts.model import Contract
from lakehouse_pipeline.contracts.pandas_frames import arrow_type, to_frame
from lakehouse_pipeline.contracts.pandera_schema import published_schema
from lakehouse_pipeline.contracts.published import published_columns, stored_type
from lakehouse_pipeline.errors import (
    UnknownBatchError,
    UnknownColumnError,
    UnknownTableVersionError,
)
from lakehouse_pipeline.lake.contract_store import ContractStore
from lakehouse_pipeline.lake.engine import engine
from lakehouse_pipeline.lake.published_relation import PublishedRelation, published_relation
from lakehouse_pipeline.lake.tables import Tables
from lakehouse_pipeline.names import BATCH_ID, RECORD, SYSTEM_COLUMNS, Layer, identifier
from lakehouse_pipeline.settings import Settings


def read(
    dataset: str,
    *,
    columns: Sequence[str] | None = None,
    batch: str | Sequence[str] | None = None,
    version: int | None = None,
    home: Path | str | None = None,
) -> pd.DataFrame:
    """Return the published records of `dataset`, sorted by `_batch_id` and `_record`.

    The columns are those of the active contract in its order, then `_record`, `_batch_id` and
    `_released`; a column that is younger than a record is null in it. Integers, booleans and texts
    are nullable dtypes, DECIMAL and DATE are Arrow's, timestamps are in UTC; no value is changed.
    `schema(dataset)` validates the frame.

    Args:
        dataset: the name that its contract has.
        columns: only these, in this order.
        batch: only the records of this batch, or of these.
        version: the table as it was in this version of Delta; its own types, today's columns.
        home: the folder of the installation; `LAKEHOUSE_HOME` without it.

    Raises:
        UnknownDatasetError, ContractError: there is no such dataset, or no contract is active.
        UnknownColumnError, UnknownBatchError, UnknownTableVersionError: there is none of the name.
    """
    settings = _settings(home)
    contract = ContractStore(settings.contracts).active(dataset)
    promised = _promised(contract)
    names = list(promised) if columns is None else list(columns)
    for name in names:
        if name not in promised:
            raise UnknownColumnError(dataset, name, list(promised))
    tables = Tables(settings.lake)
    table = _table(tables, dataset, version)
    if table is None:
        return to_frame(pa.schema([promised[name] for name in names]).empty_table())
    batches = [batch] if isinstance(batch, str) else batch
    _require_batches(dataset, batches, table)
    files = tables.files(dataset, Layer.PUBLISHED, batches, version)
    return to_frame(_records(published_relation(contract, files), names))


def schema(dataset: str, *, home: Path | str | None = None) -> pandera.DataFrameSchema:
    """Return the pandera schema of what `read(dataset)` returns, from the active contract.

    Raises:
        UnknownDatasetError, ContractError: there is no such dataset, or no contract is active.
        CheckModuleError, UnknownCheckError: a rule's check is not there.
    """
    settings = _settings(home)
    load_check_modules(settings.check_modules)
    return published_schema(ContractStore(settings.contracts).active(dataset))


def _settings(home: Path | str | None) -> Settings:
    return Settings() if home is None else Settings(home=Path(home))


def _promised(contract: Contract) -> dict[str, pa.Field]:
    """Return the columns of `read` by name, with the Arrow types the contract promises."""
    types = {c.name: stored_type(c) for c in published_columns(contract)}
    types |= SYSTEM_COLUMNS
    return {name: pa.field(name, arrow_type(sql)) for name, sql in types.items()}


def _table(tables: Tables, dataset: str, version: int | None) -> DeltaTable | None:
    newest = tables.open(dataset, Layer.PUBLISHED)
    if version is None:
        return newest
    if newest is None or not 0 <= version <= newest.version():
        raise UnknownTableVersionError(dataset, version, newest.version() if newest else None)
    return tables.open(dataset, Layer.PUBLISHED, version)


def _require_batches(dataset: str, batches: Sequence[str] | None, table: DeltaTable) -> None:
    known = {found[BATCH_ID] for found in table.partitions()}
    for batch in batches or ():
        if batch not in known:
            raise UnknownBatchError(dataset, batch, known)


def _records(relation: PublishedRelation, names: Sequence[str]) -> pa.Table:
    """Return the columns `names` of the records, sorted.

    DuckDB reads, and not pyarrow's dataset, whose threads may abort a script when it ends
    (apache/arrow#39862).
    """
    chosen = ", ".join(map(identifier, names))
    sql = f"SELECT {chosen} FROM ({relation.sql}) ORDER BY {BATCH_ID}, {RECORD}"
    with tempfile.TemporaryDirectory() as spill, engine(Path(spill)) as connection:
        return connection.sql(sql).to_arrow_table()
