"""Published data as one file to download: CSV, Parquet or an Arrow IPC stream, made once.

A file stands for one version of the published table, one contract and one choice of batches, so
whoever asks for the same again gets the same bytes. Who may download it is in `signing.py`.
"""

import hashlib
import os
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import duckdb
import pyarrow as pa

from lakehouse_pipeline.contracts.model import Contract
from lakehouse_pipeline.contracts.published import published_columns, stored_type
from lakehouse_pipeline.errors import LakehouseError
from lakehouse_pipeline.lake.contract_files import flush_folder
from lakehouse_pipeline.lake.engine import parquet_relation, rows_of
from lakehouse_pipeline.lake.tables import Tables
from lakehouse_pipeline.names import BATCH_ID, RECORD, Layer, identifier, literal

KEPT_SECONDS = 86_400
"""How long an export of a former version stays: as long as a signed URL can be valid."""


class Format(StrEnum):
    """How a download is written; the value is the file's ending."""

    CSV = "csv"
    PARQUET = "parquet"
    ARROW = "arrow"


class NotPublishedError(LakehouseError):
    """There is nothing to download: no record of what was asked for is published."""

    exit_code = 1

    def __init__(self, dataset: str, what: str, why: str) -> None:
        super().__init__(f"{what} of '{dataset}' is not published: {why}")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be exported: the published records of a batch (None: of all), in a format."""

    contract: Contract
    batch: str | None
    form: Format


@dataclass(frozen=True, slots=True)
class Export:
    """An exported file: its path, the version of the published table, and its bytes."""

    path: Path
    version: int
    bytes: int


def export(
    connection: duckdb.DuckDBPyConnection, tables: Tables, wanted: Wanted, target: Path
) -> Export:
    """Return what is wanted as a file below `target`.

    The columns are those the contract publishes, in its order; the records are sorted by batch and
    number. Null is an empty field in CSV. A file that was made before is not made again.

    Raises: NotPublishedError: nothing of it is published.
    """
    contract, batch, form = wanted.contract, wanted.batch, wanted.form
    dataset = contract.dataset
    table = tables.open(dataset, Layer.PUBLISHED)
    version = table.version() if table else -1
    batches = None if batch is None else [batch]
    files = tables.files(dataset, Layer.PUBLISHED, batches, version) if table else []
    if not files:
        what = f"batch '{batch}'" if batch else "anything"
        raise NotPublishedError(dataset, what, "see the states of its batches.")
    path = target / dataset / str(version)
    path /= f"{batch or 'all'}-{_fingerprint(contract, files)}.{form}"
    if not path.exists():
        _write_once(connection, _records(connection, contract, files), path, form)
    return Export(path, version, path.stat().st_size)


def prune(tables: Tables, target: Path, datasets: Sequence[str]) -> int:
    """Delete exports of former versions that no URL leads to any more; return how many.

    What retention took out of published is then in no export either.
    """
    count = 0
    for dataset in datasets:
        table = tables.open(dataset, Layer.PUBLISHED)
        current = str(table.version()) if table else ""
        for path in (target / dataset).glob("*/*"):
            if path.parent.name != current and path.stat().st_mtime < time.time() - KEPT_SECONDS:
                path.unlink(missing_ok=True)
                count += 1
    return count


def _fingerprint(contract: Contract, files: Sequence[str]) -> str:
    said = "\n".join((contract.sha256, *sorted(files)))
    return hashlib.sha256(said.encode()).hexdigest()[:16]


def _records(
    connection: duckdb.DuckDBPyConnection, contract: Contract, files: Sequence[str]
) -> str:
    """Return SQL of the records; a column that is younger than all of them is null."""
    source = parquet_relation(list(files))
    stored = {column[0] for column in connection.execute(f"DESCRIBE FROM {source}").fetchall()}
    columns = ", ".join(
        name if column.name in stored else f"NULL::{stored_type(column)} AS {name}"
        for column in published_columns(contract)
        for name in [identifier(column.name)]
    )
    return f"SELECT {columns} FROM {source} ORDER BY {BATCH_ID}, {RECORD}"


def _write_once(connection: duckdb.DuckDBPyConnection, sql: str, path: Path, form: Format) -> None:
    """Write the file under a private name, then give it its own; the last of two writers wins."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        if form is Format.ARROW:
            _write_arrow(connection, sql, draft)
        else:
            options = "FORMAT csv, HEADER" if form is Format.CSV else "FORMAT parquet"
            connection.execute(f"COPY ({sql}) TO {literal(str(draft))} ({options})")
        with draft.open("rb") as file:
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    flush_folder(path.parent)


def _write_arrow(connection: duckdb.DuckDBPyConnection, sql: str, draft: Path) -> None:
    rows = rows_of(connection, sql)
    with pa.OSFile(str(draft), "wb") as file, pa.ipc.new_stream(file, rows.schema) as writer:
        for batch in rows:
            writer.write_batch(batch)
