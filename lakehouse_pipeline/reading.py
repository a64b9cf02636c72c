"""Published data for Python: `lakehouse_pipeline.read` and `lakehouse_pipeline.schema`.

What consumers call in a notebook or a job. Only published is read; the other layers hold data that
are not for them. SQL is `pipeline/published_query`, files are `pipeline/export`.
"""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pandera.pandas as pandera
import pyarrow as pa
import pyarrow.compute as pc
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
from lakehouse_pipeline.lake.tables import Tables
from lakehouse_pipeline.names import BATCH_ID, RECORD, RELEASED, SYSTEM_COLUMNS, Layer
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
    read_too = {name: promised[name] for name in (*names, BATCH_ID, RECORD)}  # what sorts them
    return to_frame(_records(table, read_too, batches).select(names))


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


def _records(
    table: DeltaTable, promised: dict[str, pa.Field], batches: Sequence[str] | None
) -> pa.Table:
    """Return the records with the `promised` columns, sorted."""
    data = table.to_pyarrow_dataset()
    wanted = None if batches is None else pc.field(BATCH_ID).isin(pa.array(batches, pa.string()))
    stored = [name for name in promised if name in data.schema.names]
    records = data.to_table(columns=stored, filter=wanted)
    for name, field in promised.items():
        if name not in stored:
            absent = pa.scalar(False if name == RELEASED else None, field.type)
            records = records.append_column(field, pa.repeat(absent, len(records)))
    return records.sort_by([(BATCH_ID, "ascending"), (RECORD, "ascending")])
