"""The layers on disk: one Delta table per dataset and layer, partitioned by `_batch_id`.

DuckDB writes the Parquet files of a batch into a staging folder; `replace` moves them into the
table and commits them in one Delta transaction that also removes what the batches held before. A
crash before the commit leaves the last good state; the staging folder is swept by the next writer.
In a bucket the files are uploaded instead of moved, and read through copies (`table_objects.py`).
One writer per dataset at a time: hold `lock` (why, and why not `write_deltalake`, is in
docs/decisions/0002-delta-commits.md).
"""

import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import overload

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import DeltaTable, Schema
from deltalake.exceptions import CommitFailedError, DeltaError
from deltalake.transaction import AddAction, CommitProperties
from filelock import FileLock

from lakehouse_pipeline.errors import LakehouseError
from lakehouse_pipeline.lake.bucket_folder import address, below, objects_of
from lakehouse_pipeline.lake.evolution import evolved, placed
from lakehouse_pipeline.lake.objects import StorageError, at_once
from lakehouse_pipeline.lake.table_objects import TableObjects
from lakehouse_pipeline.names import BATCH_ID, RECORD, Stored

PARQUET = (
    "FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, "
    "DICTIONARY_SIZE_LIMIT 1000, WRITE_BLOOM_FILTER false"
)
"""How a data file is written. Dictionaries only where they are small, and no bloom filters: trying
them on columns full of different texts costs a fifth of the writing and saves nothing."""


COMMIT_ATTEMPTS = 20
"""How often a commit is tried in a bucket, when other machines commit to the table meanwhile."""


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


class Each(Sequence[str]):
    """Local files of `names`, each fetched when it is looked at."""

    def __init__(self, names: Sequence[str], fetch: Callable[[str], str]) -> None:
        self._names = names
        self._fetch = fetch

    def __len__(self) -> int:
        return len(self._names)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[str]: ...
    def __getitem__(self, index: int | slice) -> str | Sequence[str]:
        if isinstance(index, slice):
            return Each(self._names[index], self._fetch)
        return self._fetch(self._names[index])


class Tables:
    """The Delta tables below `root`, as `<dataset>/<layer>/`."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, dataset: str, layer: Stored) -> Path:
        """Return where the table of a layer is; the folder may stand for a bucket's."""
        return below(self.root, dataset, layer)

    def address(self, dataset: str, layer: Stored) -> str:
        """Return the path or URL under which any Delta reader finds the table of a layer."""
        return address(self.path(dataset, layer))

    def datasets(self) -> list[str]:
        """Return the datasets that have at least one table, by name."""
        if (objects := objects_of(self.root)) is not None:
            return [name for name in objects.folder()[0] if objects.folder(name)[0]]
        found = self.root.glob("*/*/_delta_log")
        return sorted({log.parent.parent.name for log in found})

    @contextmanager
    def lock(self, dataset: str) -> Iterator[None]:
        """Hold the dataset against other writers on this machine; freed when the process dies."""
        folder = self.root / dataset
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / ".write.lock"):
            shutil.rmtree(folder / ".staging", ignore_errors=True)
            self._sweep_uploads(dataset)
            yield

    def open(self, dataset: str, layer: Stored, version: int | None = None) -> DeltaTable | None:
        """Return the table, as of `version` or newest, or None where nothing was ever written.

        Raises: StorageError: the object store does not answer, or refuses.
        """
        path = self.address(dataset, layer)
        try:
            there = DeltaTable.is_deltatable(path)
        except (DeltaError, OSError) as error:
            if objects_of(self.root) is None:
                raise
            raise StorageError(path, "open the table", error) from error
        return DeltaTable(path, version=version) if there else None

    def files(
        self,
        dataset: str,
        layer: Stored,
        batches: Sequence[str] | None = None,
        version: int | None = None,
    ) -> list[str]:
        """Return the data files of `batches` (default all) in the newest or a given version.

        They are on the local disk: of a bucket's files, copies are made.
        """
        names = self._names(dataset, layer, batches, version)
        return self._local(dataset, layer, names)

    def batches(self, dataset: str, layer: Stored, version: int | None = None) -> set[str]:
        """Return the batches with at least one record in a layer."""
        return {_batch_of(name) for name in self._names(dataset, layer, None, version)}

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

    def replace(self, dataset: str, layer: Stored, batches: Sequence[str], staged: Staged) -> int:
        """Make `staged` the whole content of `batches` in the layer, in one commit.

        That commit also brings the table's columns up to date, as `evolution` says.

        Returns: the table's new version.

        Raises:
            SchemaChangeError: other batches hold columns in another type.
            ConcurrentWriteError: another machine wrote the same batches at the same moment.
        """
        table, schema = self._prepared(dataset, layer, batches, staged.schema)
        with self._announced(dataset, layer, staged, table):
            actions = self._all_moved(dataset, layer, staged)
            if objects_of(self.root) is None:
                _overwrite(table, schema, batches, actions)
            else:
                self._overwrite_newest(dataset, layer, batches, staged.schema, actions)
        self._only_ours(dataset, layer, batches, actions)
        return DeltaTable(self.address(dataset, layer)).version()

    def _overwrite_newest(
        self,
        dataset: str,
        layer: Stored,
        batches: Sequence[str],
        columns: pa.Schema,
        actions: list[AddAction],
    ) -> None:
        """Commit on the newest version and on no other, since no lock spans machines.

        So a batch that another machine wrote meanwhile is replaced, and never doubled.
        """
        for _ in range(COMMIT_ATTEMPTS):
            table, schema = self._prepared(dataset, layer, batches, columns)
            try:
                _overwrite(table, schema, batches, actions, CommitProperties(max_commit_retries=0))
            except CommitFailedError:
                continue
            return
        raise ConcurrentWriteError(self.address(dataset, layer), batches)

    def check(self, dataset: str, layer: Stored, batches: Sequence[str], schema: pa.Schema) -> None:
        """Change nothing; raise what keeps `batches` from being replaced by records of a schema.

        Raises: SchemaChangeError: other batches hold columns in another type.
        """
        if self.open(dataset, layer) is not None:
            self._prepared(dataset, layer, batches, schema)

    def append(self, dataset: str, layer: Stored, staged: Staged) -> int:
        """Add the records of `staged` to what the layer holds, in one commit; return the version.

        Raises: SchemaChangeError: the layer holds a column in another type.
        """
        path = self.address(dataset, layer)
        table, schema = self._prepared(dataset, layer, [], staged.schema)
        stored = {column.name for column in table.schema().fields}
        if added := [column for column in schema.fields if column.name not in stored]:
            table.alter.add_columns(added)  # an append does not bring the columns up to date
            table = DeltaTable(path)
        with self._announced(dataset, layer, staged, table):
            if actions := self._all_moved(dataset, layer, staged):
                table.create_write_transaction(
                    [*actions], mode="append", schema=table.schema(), partition_by=[BATCH_ID]
                )
        return DeltaTable(path).version()

    def remove(self, dataset: str, layer: Stored, batches: Sequence[str]) -> list[str]:
        """Take `batches` out of a layer; return those that were in it."""
        present = sorted(self.batches(dataset, layer) & set(batches))
        table = self.open(dataset, layer)
        if table is not None and present:
            nothing = Staged(Path(), {}, pa.schema(table.schema().to_arrow()), {})
            self.replace(dataset, layer, present, nothing)
        return present

    def fetched(self, dataset: str, layer: Stored, name: str) -> Path:
        """Return a data file, by its name within the table, on the local disk."""
        (file,) = self._local(dataset, layer, [name])
        return Path(file)

    def _objects(self, dataset: str) -> TableObjects | None:
        folder = below(self.root, dataset)
        objects = objects_of(folder)
        return None if objects is None else TableObjects(objects, folder)

    def _names(
        self, dataset: str, layer: Stored, batches: Sequence[str] | None, version: int | None = None
    ) -> list[str]:
        """Return the data files of `batches` (None: all) by their names within the table."""
        table = self.open(dataset, layer, version)
        names = [] if table is None else _names_in(table)
        wanted = None if batches is None else set(batches)
        return [name for name in names if wanted is None or _batch_of(name) in wanted]

    def _local(self, dataset: str, layer: Stored, names: Sequence[str]) -> list[str]:
        objects = self._objects(dataset)
        if objects is not None:
            return objects.fetch([f"{layer}/{name}" for name in names])
        folder = self.path(dataset, layer)
        return [str(folder / name) for name in names]

    @contextmanager
    def _announced(
        self, dataset: str, layer: Stored, staged: Staged, table: DeltaTable
    ) -> Iterator[None]:
        """Leave word of what is written until it is committed, where a crash would lose track."""
        objects = self._objects(dataset)
        if objects is None:
            yield
            return
        with objects.announced(layer, staged.counts, table.version()):
            yield

    def _sweep_uploads(self, dataset: str) -> None:
        """Delete what writers uploaded that died before their commit."""
        if objects := self._objects(dataset):
            objects.sweep(lambda layer, version: self._committed_since(dataset, layer, version))

    def _committed_since(self, dataset: str, layer: str, version: int) -> set[str] | None:
        path = address(below(self.root, dataset, layer))
        try:
            newest = DeltaTable(path).version()
            later = [DeltaTable(path, version=v) for v in range(version, newest + 1)]
        except DeltaError:  # the log does not reach that far back
            return None
        return {name for table in later for name in _names_in(table)}

    def _all_moved(self, dataset: str, layer: Stored, staged: Staged) -> list[AddAction]:
        """Move the staged files into the table, or upload them, several at a time."""

        def move(file: tuple[str, int]) -> AddAction:
            return self._moved(dataset, layer, staged, *file)

        files = list(staged.counts.items())
        return (
            [move(file) for file in files]
            if self._objects(dataset) is None
            else at_once(move, files)
        )

    def _moved(
        self, dataset: str, layer: Stored, staged: Staged, name: str, rows: int
    ) -> AddAction:
        if objects := self._objects(dataset):
            size = objects.upload(staged.folder / name, f"{layer}/{name}")
        else:
            target = self.path(dataset, layer) / name
            target.parent.mkdir(parents=True, exist_ok=True)
            (staged.folder / name).replace(target)
            size = target.stat().st_size
        return AddAction(
            path=name,
            size=size,
            partition_values={BATCH_ID: _batch_of(name)},
            modification_time=int(time.time() * 1000),
            data_change=True,
            stats=json.dumps({"numRecords": rows}),
        )

    def _prepared(
        self, dataset: str, layer: Stored, batches: Sequence[str], schema: pa.Schema
    ) -> tuple[DeltaTable, Schema]:
        """Return the table, made if there is none, and its schema when `schema` is in it too."""
        path = self.path(dataset, layer)
        table = self.open(dataset, layer)
        wanted = placed(Schema.from_arrow(schema).fields)
        if table is None:
            path.mkdir(parents=True, exist_ok=True)
            return _create(address(path), wanted), wanted
        written = set(batches)
        others = [name for name in _names_in(table) if _batch_of(name) not in written]
        files = Each(others, lambda name: str(self.fetched(dataset, layer, name)))
        return table, evolved(table.schema(), wanted, files, path)

    def _only_ours(
        self, dataset: str, layer: Stored, batches: Sequence[str], actions: list[AddAction]
    ) -> None:
        ours = {action.path for action in actions}
        if set(self._names(dataset, layer, batches)) != ours:
            raise ConcurrentWriteError(self.address(dataset, layer), batches)


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


def together(parts: Sequence[Staged]) -> Staged:
    """Return what was staged in parts, in one folder, as one; the first part's columns first."""
    (first, *others) = parts
    if not others:
        return first
    rows = {batch: count for part in parts for batch, count in part.rows.items()}
    counts = {name: count for part in parts for name, count in part.counts.items()}
    schema = pa.unify_schemas([part.schema.remove_metadata() for part in parts])
    return Staged(first.folder, rows, schema, counts)


def copied(
    tables: Tables, dataset: str, source: Stored, folder: Path, batches: Sequence[str]
) -> Staged:
    """Stage a copy, byte for byte, of the data files that `batches` have in layer `source`."""
    table = tables.open(dataset, source)
    if table is None:
        raise FileNotFoundError(tables.path(dataset, source))
    wanted = set(batches)
    added = (
        pa.table(table.get_add_actions(flatten=True)).select(["path", "num_records"]).to_pylist()
    )
    counts = {a["path"]: a["num_records"] for a in added if _batch_of(a["path"]) in wanted}
    for name in counts:
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(tables.fetched(dataset, source, name), target)
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


def _create(path: str, schema: Schema) -> DeltaTable:
    return DeltaTable.create(
        path,
        schema=schema,
        partition_by=[BATCH_ID],
        mode="ignore",
        configuration={"delta.dataSkippingStatsColumns": RECORD},
    )


def _overwrite(
    table: DeltaTable,
    schema: Schema,
    batches: Sequence[str],
    actions: list[AddAction],
    how: CommitProperties | None = None,
) -> None:
    """Commit files as the whole content of `batches`."""
    table.create_write_transaction(
        [*actions],
        mode="overwrite",
        schema=schema,
        partition_by=[BATCH_ID],
        partition_filters=[(BATCH_ID, "in", list(batches))],
        commit_properties=how,
    )


def _names_in(table: DeltaTable) -> list[str]:
    """Return a table's data files by their names within it: `_batch_id=<batch>/<file>`."""
    return ["/".join(uri.rsplit("/", 2)[1:]) for uri in table.file_uris()]


def _batch_of(path: str) -> str:
    return Path(path).parent.name.removeprefix(f"{BATCH_ID}=")
