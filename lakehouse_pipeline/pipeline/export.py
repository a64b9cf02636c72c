"""Published data as one file: CSV, Parquet or Arrow IPC; made once, whole or not at all.

It holds what the contract promises of published: no value of a personal column, and `_released` of
each record. The files and their life are in `lake/export_files`, how values are written in
`lake/result_file`.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
from deltalake import DeltaTable

from lakehouse_pipeline.contracts.expressions import check_condition
from lakehouse_pipeline.contracts.model import Contract
from lakehouse_pipeline.errors import (
    LakehouseError,
    QueryError,
    UnknownBatchError,
    UnknownColumnError,
    UnknownTableVersionError,
)
from lakehouse_pipeline.lake.contract_store import ContractStore
from lakehouse_pipeline.lake.engine import engine
from lakehouse_pipeline.lake.export_files import locked_exports, sweep, use
from lakehouse_pipeline.lake.published_relation import promised_columns, published_relation
from lakehouse_pipeline.lake.query import locked
from lakehouse_pipeline.lake.result_file import FileFormat, whole_file, write_result
from lakehouse_pipeline.lake.tables import Tables
from lakehouse_pipeline.names import BATCH_ID, RECORD, Layer, identifier, literal

_WRITING = 1
"""Goes up when the same records are written as other bytes, so that no older file is reused."""


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """What to export of a dataset's published records; all of them without a choice.

    `batches` are named one by one; `first` and `last` are a range by name, both included, and the
    beginning of a name is enough. `columns` in this order. `where` is a condition on one record, in
    the language of a contract's expressions. `version` is one of the Delta table.
    """

    dataset: str
    file_format: FileFormat = FileFormat.CSV
    batches: Sequence[str] | None = None
    first: str | None = None
    last: str | None = None
    columns: Sequence[str] | None = None
    where: str | None = None
    version: int | None = None


@dataclass(frozen=True, slots=True)
class Exported:
    """A file of published data, the table version it is of, and whether it was there already."""

    path: Path
    version: int | None
    reused: bool


class VersionGoneError(LakehouseError):
    """A version of the published table is named in its log, but its files were deleted."""

    def __init__(self, dataset: str, version: int) -> None:
        super().__init__(
            f"published '{dataset}': version {version} can no longer be read, because retention "
            "or an erasure deleted its files. Export a later version."
        )


def export(
    home: Path,
    request: ExportRequest,
    memory_limit: str = "1GB",
    threads: int = 0,
    lake: Path | None = None,
) -> Exported:
    """Return the file that holds what is asked for, sorted by `_batch_id` and `_record`.

    `lake` is where the tables are, None for the home's own.

    Raises:
        UnknownDatasetError, ContractError: there is no such dataset, or no contract of it.
        UnknownColumnError, UnknownBatchError, UnknownTableVersionError: there is none of the name.
        VersionGoneError: the version's files were deleted.
        QueryError: `where` is no condition on the columns.
    """
    contract = ContractStore(home / "contracts").shown(request.dataset)
    promised = promised_columns(contract)
    _check_columns(request, promised)
    with locked_exports(home, contract.dataset) as folder:
        tables = Tables(lake or home / "lake")
        table = _table(tables, request)
        files = _files(tables, table, request)
        sql = _sql(contract, request, files)
        target = folder / f"{_key(table, request, sql)}.{request.file_format}"
        version = None if table is None else table.version()
        if target.exists():
            use(target)
            return Exported(target, version, reused=True)
        sweep(folder)
        with engine(home / "tmp", memory_limit, threads) as connection, whole_file(target) as file:
            connection.execute(f"SET allowed_directories=[{literal(str(file.parent))}]")
            locked(connection, files)
            _write(connection, sql, file, request.file_format)
        return Exported(target, version, reused=False)


def _check_columns(request: ExportRequest, promised: dict[str, str]) -> None:
    for name in request.columns or ():
        if name not in promised:
            raise UnknownColumnError(request.dataset, name, list(promised))
    if request.where is None:
        return
    booleans = [name for name, sql in promised.items() if sql == "BOOLEAN"]
    try:
        check_condition(request.where, promised, booleans)
    except ValueError as error:
        raise QueryError(f"the filter '{request.where}': {error}") from error


def _table(tables: Tables, request: ExportRequest) -> DeltaTable | None:
    newest = tables.open(request.dataset, Layer.PUBLISHED)
    if request.version is None:
        return newest
    if newest is None or not 0 <= request.version <= newest.version():
        last = None if newest is None else newest.version()
        raise UnknownTableVersionError(request.dataset, request.version, last)
    return tables.open(request.dataset, Layer.PUBLISHED, request.version)


def _files(tables: Tables, table: DeltaTable | None, request: ExportRequest) -> list[str]:
    """Return the data files of the batches that are asked for, in the order of their names."""
    found: list[str] = []
    if table is not None:
        found = tables.files(request.dataset, Layer.PUBLISHED, None, table.version())
    by_batch: dict[str, list[str]] = {}
    for file in sorted(found):
        by_batch.setdefault(Path(file).parent.name.removeprefix(f"{BATCH_ID}="), []).append(file)
    chosen = [file for batch in _chosen(by_batch, request) for file in by_batch[batch]]
    if table is not None and not all(Path(file).exists() for file in chosen):
        raise VersionGoneError(request.dataset, table.version())
    return chosen


def _chosen(published: Iterable[str], request: ExportRequest) -> list[str]:
    batches = sorted(published)
    for name in request.batches or ():
        if name not in batches:
            raise UnknownBatchError(request.dataset, name, batches)
    first, last = request.first or "", request.last
    return [
        batch
        for batch in batches
        if (request.batches is None or batch in request.batches)
        and batch >= first
        and (last is None or batch <= last or batch.startswith(last))
    ]


def _sql(contract: Contract, request: ExportRequest, files: Sequence[str]) -> str:
    relation = published_relation(contract, files)
    columns = ", ".join(identifier(name) for name in request.columns or relation.columns)
    chosen = "" if request.where is None else f" WHERE ({request.where})"
    return f"SELECT {columns} FROM ({relation.sql}){chosen} ORDER BY {BATCH_ID}, {RECORD}"


def _key(table: DeltaTable | None, request: ExportRequest, sql: str) -> str:
    """Return a name for the content: the SQL names every file, column and condition of it."""
    made = None if table is None else (str(table.metadata().id), table.version())
    text = json.dumps([_WRITING, made, request.file_format, sql])
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _write(
    connection: duckdb.DuckDBPyConnection, sql: str, file: Path, file_format: FileFormat
) -> None:
    try:
        write_result(connection, sql, file, file_format)
    except (duckdb.ConversionException, duckdb.BinderException, duckdb.OutOfRangeException) as e:
        raise QueryError(f"the filter does not fit the columns: {e}") from e
