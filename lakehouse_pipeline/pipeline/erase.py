"""One subject's records leave a dataset: every layer, older versions, exports and landing files.

First the records are written down by batch and number (`lake/erased_records.py`); what is written
down is then taken out, table by table, in one commit each, and the files of older versions that
held it are deleted. A process that dies in between leaves the rest to the next one, which takes out
what is written down whether or not it still finds the subject. Only batches that hold the subject
are touched; the other records of these batches stay as they are.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from lakehouse_pipeline.contracts.model import Contract
from lakehouse_pipeline.contracts.subjects import subject_columns
from lakehouse_pipeline.lake.batch_files import (
    FileHash,
    batches_with_files,
    delete_older,
    file_hashes,
    forget_copies,
    names_by_batch,
)
from lakehouse_pipeline.lake.csv_bytes import sha256_of
from lakehouse_pipeline.lake.delta_log import forget_values
from lakehouse_pipeline.lake.engine import parquet_relation, sweep_spills
from lakehouse_pipeline.lake.export_files import export_hashes, without_exports
from lakehouse_pipeline.lake.landing import LandingFile
from lakehouse_pipeline.lake.tables import Staged, stage
from lakehouse_pipeline.names import (
    BATCH_ID,
    LANDING,
    RECORD,
    VAULT,
    Input,
    Layer,
    Stored,
    literal,
)
from lakehouse_pipeline.pipeline.find_subject import Search
from lakehouse_pipeline.pipeline.forget_tokens import Forgetting
from lakehouse_pipeline.pipeline.lake import Lake
from lakehouse_pipeline.pipeline.landing_rewrite import LandedCopy, Rewritten, rewrite_landing
from lakehouse_pipeline.pipeline.token_holders import Holders, holders_of, takes_tokens
from lakehouse_pipeline.pipeline.unread_landing import UnreadLanding
from lakehouse_pipeline.pipeline.upsert import upsert_published

TABLES: tuple[Stored, ...] = (*Input, *Layer)
"""In this order records leave: what a replay starts from goes first, so none brings them back."""

EXPORT = "exports"


@dataclass(frozen=True, slots=True)
class FileGone:
    """A file that held a record of the subject, or may have, and is no more as it was.

    `place` is a folder of the dataset, or `vault`; `batch` is empty for what is of no one batch.
    `url` and `version` are those of an object in a bucket, as in `FileHash`.
    """

    dataset: str
    batch: str
    place: str
    name: str
    bytes: int
    sha256: str
    url: str = ""
    version: str = ""


@dataclass(frozen=True, slots=True)
class Erasing:
    """One erasure in one dataset.

    `versions` are the contract's, the one that counts first; `arrived` are all batches in the
    order they arrived. `note` is told of each file before it goes, and keeps that durably;
    `exports` is the folder of all exports.
    A file in landing is whole when nobody changed it for `settle_seconds`.
    """

    lake: Lake
    versions: Sequence[Contract]
    erasure: str
    arrived: Sequence[str]
    note: Callable[[FileGone], None]
    exports: Path
    settle_seconds: float = 0.0

    @property
    def dataset(self) -> str:
        """The dataset."""
        return self.versions[0].dataset

    def run(self) -> dict[str, list[int]]:
        """Take the subject out; return the numbers of its records by batch.

        Holds the dataset's lock throughout, so an ingest beside it waits and loses nothing; that
        of a dataset that shares a vault, too.
        """
        holders = holders_of(self.lake, self.versions)
        with holders.locked():
            self._write_down()
            records = self._records()
            for table in TABLES:
                if table is Layer.VALIDATED:
                    self._leave_vault(records, holders)
                if records and table is not Layer.PUBLISHED:
                    self._leave(table, records)
            if records:
                self._leave_published(records)
            self._leave_landing()
            if unread := self._unread():
                unread.cut(lambda batch, file: self.note(self._landing_file(batch, file)))
            self.lake.landing.forget_copies(self.dataset)
        sweep_spills(self.lake.temporary)
        return records

    def not_searched(self) -> list[FileGone]:
        """Return the files in landing that nobody can look into, as they are now."""
        unread = self._unread()
        found = unread.not_searched() if unread else []
        return [self._landing_file(batch, file) for batch, file in found]

    def files_now(self, batches: Sequence[str]) -> Iterator[FileGone]:
        """Yield the files of the batches, in landing too, as they are now, and the vault's."""
        for batch, files in self._landed(batches).items():
            for landed in files:
                yield self._landing_file(batch, landed)
        for table in TABLES:
            path = self.lake.tables.path(self.dataset, table)
            for batch in batches:
                for file in file_hashes(path, batch):
                    yield self._file(table, file)
        if takes_tokens(self.versions) and self.lake.replacer.vault.path.exists():
            yield self._vault()

    def _file(self, place: str, file: FileHash) -> FileGone:
        facts = (file.name, file.bytes, file.sha256, file.url, file.version)
        return FileGone(self.dataset, file.batch, str(place), *facts)

    def _landing_file(self, batch: str, file: LandingFile, sha256: str = "") -> FileGone:
        """Return what a file in landing is; `sha256` is asked of the file where it is not given."""
        content = sha256 or sha256_of(file.local())
        facts = (file.path.name, file.size, content, file.url, file.version())
        return FileGone(self.dataset, batch, LANDING, *facts)

    def _write_down(self) -> None:
        unread = self._unread()
        if unread is None:
            return
        dialect = self.versions[0].csv
        search = Search(self.lake, self.dataset, unread.columns, dialect, unread.suppressed)
        for batch, records in (search.run() | unread.records()).items():
            self.lake.erased.add(self.dataset, batch, records)

    def _unread(self) -> UnreadLanding | None:
        columns = subject_columns(self.versions)
        suppressed = self.lake.subjects.of(self.dataset, self.erasure)
        if not columns or suppressed is None:
            return None
        return UnreadLanding(self.lake, self.versions, columns, suppressed, self.settle_seconds)

    def _records(self) -> dict[str, list[int]]:
        erased = self.lake.erased.of(self.dataset)
        mine = {batch: one.of(self.erasure) for batch, one in erased.items()}
        return {batch: numbers for batch, numbers in mine.items() if numbers}

    def _leave(self, table: Stored, records: Mapping[str, Sequence[int]]) -> None:
        self._take_out(table, records)
        self._delete_older(table, sorted(records))

    def _leave_vault(self, records: Mapping[str, Sequence[int]], holders: Holders) -> None:
        """Take out the values that only these records had, while validated still says which."""
        suppressed = self.lake.subjects.of(self.dataset, self.erasure)
        forgetting = Forgetting(holders, records, suppressed)
        forgetting.run(lambda: self.note(self._vault()))

    def _vault(self) -> FileGone:
        path = self.lake.replacer.vault.path
        return FileGone(self.dataset, "", VAULT, path.name, path.stat().st_size, sha256_of(path))

    def _leave_published(self, records: Mapping[str, Sequence[int]]) -> None:
        """Take the records out of published; in mode upsert older records of their keys return."""
        contract = self.versions[0]
        for file in export_hashes(self.exports, self.dataset):
            self.note(self._file(EXPORT, file))
        with without_exports(self.exports, self.dataset):
            self._take_out(Layer.PUBLISHED, records)
            batches = set(records)
            if contract.publish.mode == "upsert" and self._holds(Layer.ANONYMIZED):
                written = upsert_published(self.lake, contract, [], self.arrived)
                batches |= {one.batch for one in written}
            self._delete_older(Layer.PUBLISHED, sorted(batches))

    def _holds(self, layer: Layer) -> bool:
        return bool(self.lake.tables.batches(self.dataset, layer))

    def _take_out(self, table: Stored, records: Mapping[str, Sequence[int]]) -> None:
        """Write the batches that still hold a record anew without it, in one commit."""
        tables, delta = self.lake.tables, self.lake.tables.open(self.dataset, table)
        batches = self._holding(table, records)
        if delta is None or not batches:
            return
        schema = pa.schema(delta.schema().to_arrow())
        with tables.staging(self.dataset) as folder:
            staged = Staged(folder / table, {}, schema, {})
            for batch in batches:
                source = parquet_relation(tables.files(self.dataset, table, [batch]))
                listed = ", ".join(map(str, records[batch]))
                kept = f"coalesce({RECORD} NOT IN ({listed}), true)"
                sql = f"SELECT * FROM {source} WHERE {kept}"
                one = stage(self.lake.connection, sql, staged.folder, [batch])
                staged.rows.update(one.rows)
                staged.counts.update(one.counts)
            tables.replace(self.dataset, table, batches, staged)

    def _holding(self, table: Stored, records: Mapping[str, Sequence[int]]) -> list[str]:
        """Return the batches that hold one of their records in a table's newest version."""
        files = self.lake.tables.files(self.dataset, table, sorted(records))
        if not files:
            return []
        pairs = ", ".join(f"({literal(b)}, {n})" for b, numbers in records.items() for n in numbers)
        sql = (
            f"SELECT DISTINCT {BATCH_ID} FROM {parquet_relation(files)} "
            f"WHERE ({BATCH_ID}, {RECORD}) IN ({pairs}) ORDER BY 1"
        )
        return [batch for (batch,) in self.lake.connection.execute(sql).fetchall()]

    def _delete_older(self, table: Stored, batches: Sequence[str]) -> None:
        path = self.lake.tables.path(self.dataset, table)
        named = names_by_batch(self.lake.tables.open(self.dataset, table), batches)
        live = {name for names in named.values() for name in names}
        held = batches_with_files(path)
        if mine := [batch for batch in batches if batch in held]:
            gone = [file for batch in mine for file in file_hashes(path, batch, live)]
            for file in gone:
                self.note(self._file(table, file))
            delete_older(path, gone)
            forget_values(path, lambda file: self.note(FileGone(self.dataset, "", table, *file)))
        forget_copies(path, batches, live)

    def _leave_landing(self) -> None:
        """Take out what was ever erased: a copy may have come since that nobody has read yet."""
        for batch, files in self._landed(self.lake.erased.of(self.dataset)).items():
            for file in files:
                rewrite_landing(
                    self.lake, LandedCopy(batch, file, self.versions), self._announce(batch)
                )

    def _landed(self, batches: Iterable[str]) -> dict[str, list[LandingFile]]:
        """Return the files in landing that have the content of a batch, whatever they are called.

        A copy under another name counts also when nobody has read it yet.
        """
        names = [file.path.name for file in self.lake.landing.files(self.dataset)]
        return self.lake.landing.holding(self.dataset, dict.fromkeys(batches, names))

    def _announce(self, batch: str) -> Callable[[Rewritten], None]:
        def announce(what: Rewritten) -> None:
            self.note(self._landing_file(batch, what.file, what.before))

        return announce
