"""The layers on disk: one Delta table per dataset and layer, partitioned by `_batch_id`.

DuckDB writes the Parquet files of a batch into a staging folder; `replace` moves them into the
table and commits them in one Delta transaction that also removes what the batches held before. A
crash before the commit leaves the last good state; the staging folder is swept by the next writer.
One writer per dataset at a time: hold `lock` (why, and why not `write_deltalake`, is in
docs/decisions/0002-delta-commits.md).
"""

import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import DeltaTable, Schema
from deltalake.transaction import AddAction
from filelock import FileLock

from lakehouse_pipeline.errors import LakehouseError
from lakehouse_pipeline.lake.evolution import evolved, placed
from lakehouse_pipeline.names import BATCH_ID, RECORD, Layer

PARQUET = (
    "FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, "
    "DICTIONARY_SIZE_LIMIT 1000, WRITE_BLOOM_FILTER false"
)
"""How a data file is written. Dictionaries only where they are small, and no bloom filters: trying
them on columns full of different texts costs a fifth of the writing and saves nothing."""


@dataclass(frozen=True, slots=True)
class Staged:
    """Parquet files written but not committed: `folder/_batch_id=<batch>/<file>`.

    `rows` counts the records per batch; a batch without records has no file. `schema` is the
    Arrow schema of the relation, with `_batch_id`.
    """

    folder: Path
    rows: dict[str, int]
    schema: pa.Schema
    counts: dict[str, int]
    """Rows per file, by path relative to `folder`."""

    def files(self) -> list[str]:
        """The staged files' full paths."""
        return [str(self.folder / name) for name in self.counts]


class ConcurrentWriteError(LakehouseError):
    """Someone wrote the same batch of a table at the same time without holding the lock."""

    exit_code = 1

    def __init__(self, table: str, batches: Sequence[str]) -> None:
        super().__init__(
            f"{table}: another writer committed {', '.join(batches)} at the same moment. "
            "Replay these batches; run one writer per dataset."
        )


class Tables:
    """The Delta tables below `root`, as `<dataset>/<layer>/`."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, dataset: str, layer: Layer) -> Path:
        """Return where the table of a layer is."""
        return self.root / dataset / layer

    def datasets(self) -> list[str]:
        """Return the datasets that have at least one table, by name."""
        found = self.root.glob("*/*/_delta_log")
        return sorted({log.parent.parent.name for log in found})

    @contextmanager
    def lock(self, dataset: str) -> Iterator[None]:
        """Hold the dataset against other writers on this machine; freed when the process dies."""
        folder = self.root / dataset
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / ".write.lock"):
            shutil.rmtree(folder / ".staging", ignore_errors=True)
            yield

    def open(self, dataset: str, layer: Layer, version: int | None = None) -> DeltaTable | None:
        """Return the table, as of `version` or newest, or None where nothing was ever written."""
        path = str(self.path(dataset, layer))
        return DeltaTable(path, version=version) if DeltaTable.is_deltatable(path) else None

    def files(
        self,
        dataset: str,
        layer: Layer,
        batches: Sequence[str] | None = None,
        version: int | None = None,
    ) -> list[str]:
        """Return the data files of `batches` (default all) in the newest or a given version."""
        table = self.open(dataset, layer, version)
        if table is None:
            return []
        if batches is None:
            return _local(table.file_uris())
        wanted = set(batches)
        return [file for file in _local(table.file_uris()) if _batch_of(file) in wanted]

    def batches(self, dataset: str, layer: Layer, version: int | None = None) -> set[str]:
        """Return the batches with at least one record in a layer."""
        return {_batch_of(file) for file in self.files(dataset, layer, None, version)}

    @contextmanager
    def staging(self, dataset: str) -> Iterator[Path]:
        """Yield a new folder beside the dataset's tables; what is left in it is removed."""
        parent = self.root / dataset / ".staging"
        parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(dir=parent))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def replace(self, dataset: str, layer: Layer, batches: Sequence[str], staged: Staged) -> int:
        """Make `staged` the whole content of `batches` in the layer, in one commit.

        That commit also brings the table's columns up to date, as `evolution` says.

        Returns: the table's new version.
        Raises: SchemaChangeError: other batches hold columns in another type.
        """
        table, schema = self._prepared(dataset, layer, batches, staged.schema)
        actions = [
            self._moved(dataset, layer, staged, name, rows) for name, rows in staged.counts.items()
        ]
        table.create_write_transaction(
            [*actions],
            mode="overwrite",
            schema=schema,
            partition_by=[BATCH_ID],
            partition_filters=[(BATCH_ID, "in", list(batches))],
        )
        self._only_ours(dataset, layer, batches, actions)
        return DeltaTable(str(self.path(dataset, layer))).version()

    def remove(self, dataset: str, layer: Layer, batches: Sequence[str]) -> list[str]:
        """Take `batches` out of a layer; return those that were in it."""
        present = sorted(self.batches(dataset, layer) & set(batches))
        table = self.open(dataset, layer)
        if table is not None and present:
            nothing = Staged(Path(), {}, pa.schema(table.schema().to_arrow()), {})
            self.replace(dataset, layer, present, nothing)
        return present

    def _moved(self, dataset: str, layer: Layer, staged: Staged, name: str, rows: int) -> AddAction:
        target = self.path(dataset, layer) / name
        target.parent.mkdir(parents=True, exist_ok=True)
        (staged.folder / name).replace(target)
        return AddAction(
            path=name,
            size=target.stat().st_size,
            partition_values={BATCH_ID: _batch_of(name)},
            modification_time=int(time.time() * 1000),
            data_change=True,
            stats=json.dumps({"numRecords": rows}),
        )

    def _prepared(
        self, dataset: str, layer: Layer, batches: Sequence[str], schema: pa.Schema
    ) -> tuple[DeltaTable, Schema]:
        """Return the table, made if there is none, and its schema when `schema` is in it too."""
        path = self.path(dataset, layer)
        table = self.open(dataset, layer)
        wanted = placed(Schema.from_arrow(schema).fields)
        if table is None:
            path.mkdir(parents=True, exist_ok=True)
            return _create(path, wanted), wanted
        written = set(batches)
        others = [file for file in _local(table.file_uris()) if _batch_of(file) not in written]
        return table, evolved(table.schema(), wanted, others, path)

    def _only_ours(
        self, dataset: str, layer: Layer, batches: Sequence[str], actions: list[AddAction]
    ) -> None:
        path = self.path(dataset, layer)
        ours = {str(path / action.path) for action in actions}
        if set(self.files(dataset, layer, batches)) != ours:
            raise ConcurrentWriteError(str(path), batches)


def stage(
    connection: duckdb.DuckDBPyConnection,
    sql: str,
    folder: Path,
    batches: Sequence[str],
    schema: pa.Schema | None = None,
) -> Staged:
    """Run `sql` and write its rows as Parquet below `folder`, one subfolder per batch.

    One batch is written in the order of `sql`; of several, each keeps its records together.
    `schema` is given where `sql` may be read only once.
    """
    if schema is None:
        schema = connection.sql(f"SELECT * FROM ({sql}) LIMIT 0").to_arrow_table().schema
    folder.mkdir(parents=True, exist_ok=True)
    target = folder
    if len(batches) == 1:
        target = folder / f"{BATCH_ID}={batches[0]}" / f"part-{os.urandom(8).hex()}.parquet"
        target.parent.mkdir()
        sql = f"SELECT * EXCLUDE ({BATCH_ID}) FROM ({sql})"
        options = PARQUET
    else:
        options = f"{PARQUET}, PARTITION_BY ({BATCH_ID}), FILENAME_PATTERN 'part-{{uuid}}'"
    quoted = str(target).replace("'", "''")
    written = connection.execute(f"COPY ({sql}) TO '{quoted}' ({options}, RETURN_STATS true)")
    counts = {
        str(Path(row[0]).relative_to(folder)): int(row[1])
        for row in written.fetchall()
        if int(row[1]) > 0
    }
    return Staged(folder, _rows_per_batch(counts, batches), schema, counts)


def copied(
    tables: Tables, dataset: str, source: Layer, folder: Path, batches: Sequence[str]
) -> Staged:
    """Stage a copy, byte for byte, of the data files that `batches` have in layer `source`."""
    table = tables.open(dataset, source)
    if table is None:
        raise FileNotFoundError(tables.path(dataset, source))
    root, wanted = tables.path(dataset, source), set(batches)
    added = (
        pa.table(table.get_add_actions(flatten=True)).select(["path", "num_records"]).to_pylist()
    )
    counts = {a["path"]: a["num_records"] for a in added if _batch_of(a["path"]) in wanted}
    for name in counts:
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(root / name, target)
    schema = _held_by(folder, counts) or pa.schema(table.schema().to_arrow())
    return Staged(folder, _rows_per_batch(counts, batches), schema, counts)


def _held_by(folder: Path, counts: Mapping[str, int]) -> pa.Schema | None:
    """Return the columns of the first of `counts`' files; the table may hold more in older ones."""
    for name in counts:
        return (
            pq.read_schema(folder / name).remove_metadata().append(pa.field(BATCH_ID, pa.string()))
        )
    return None


def _rows_per_batch(counts: dict[str, int], batches: Sequence[str]) -> dict[str, int]:
    rows: dict[str, int] = dict.fromkeys(batches, 0)
    for name, count in counts.items():
        rows[_batch_of(name)] += count
    return rows


def _create(path: Path, schema: Schema) -> DeltaTable:
    return DeltaTable.create(
        str(path),
        schema=schema,
        partition_by=[BATCH_ID],
        mode="ignore",
        configuration={"delta.dataSkippingStatsColumns": RECORD},
    )


def _local(uris: list[str]) -> list[str]:
    return [uri.removeprefix("file://") for uri in uris]


def _batch_of(path: str) -> str:
    return Path(path).parent.name.removeprefix(f"{BATCH_ID}=")
