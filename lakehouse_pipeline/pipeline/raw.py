"""Landing files into the raw layer: every record as text, as it stood, with its number.

A file that cannot be read is refused and changes nothing; the others of its group go on. Records
of erased subjects do not enter (`screen.py`), and are taken out of the file they came in.
"""

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa

from lakehouse_pipeline.contracts.model import Contract
from lakehouse_pipeline.errors import (
    FileRefusedError,
    LakehouseError,
    LandingFileMissingError,
    ReconcileError,
)
from lakehouse_pipeline.lake.csv_file import CsvFile, FileFacts
from lakehouse_pipeline.lake.csv_rows import raw_schema as text_schema
from lakehouse_pipeline.lake.landing import COMPRESSIONS, Landing, LandingFile
from lakehouse_pipeline.lake.tables import Staged, stage
from lakehouse_pipeline.names import BATCH_ID, Layer
from lakehouse_pipeline.pipeline.lake import Lake
from lakehouse_pipeline.pipeline.landing_rewrite import LandedCopy, rewrite_landing
from lakehouse_pipeline.pipeline.outcomes import (
    BatchRefused,
    LayerKept,
    LayerWritten,
    Outcome,
    RecordsSuppressed,
)
from lakehouse_pipeline.pipeline.screen import Screen, screening
from lakehouse_pipeline.pipeline.stopwatch import Stopwatch

LARGE_BYTES = 32 << 20
"""Files above this are streamed and form a group of their own; smaller ones are read whole."""

COMPRESSION_RATIO = 10
"""How much larger than on disk a compressed file is taken to be."""

REFUSALS = (FileRefusedError, ReconcileError, LandingFileMissingError)
"""What makes a file refused: it stops its own batch only."""


@dataclass(frozen=True, slots=True)
class LandedBatch:
    """A batch and its landing file; `file` is None when no file of that name is there."""

    batch: str
    file: LandingFile | None
    read_bytes: int

    @property
    def is_large(self) -> bool:
        """Whether the file is streamed instead of read whole."""
        return self.read_bytes > LARGE_BYTES


def landed(lake: Lake, contract: Contract, batches: Sequence[str]) -> list[LandedBatch]:
    """Return the batches with the files they come from, order kept."""
    files = lake.landing.found(contract.dataset, batches)
    return [LandedBatch(batch, files[batch], _read_bytes(files[batch])) for batch in batches]


def _read_bytes(file: LandingFile | None) -> int:
    if file is None:
        return 0
    ratio = COMPRESSION_RATIO if file.path.name.lower().endswith(COMPRESSIONS) else 1
    return file.size * ratio


def write_raw(
    lake: Lake, contract: Contract, files: Sequence[LandedBatch]
) -> Generator[Outcome, None, list[str]]:
    """Write the files of a group into raw in one commit; return the batches raw now holds."""
    watch = Stopwatch()
    held = lake.tables.batches(contract.dataset, Layer.RAW)
    with lake.tables.staging(contract.dataset) as folder, screening(lake, contract) as screen:
        reading = _Reading(contract, files, lake.landing, screen)
        staged = reading.staged(lake.connection, folder / Layer.RAW)
        good = list(reading.facts)
        screen.write_down(good)
        version = lake.tables.replace(contract.dataset, Layer.RAW, good, staged) if good else 0
    seconds = watch.lap()
    for batch, facts in reading.facts.items():
        records = facts.records - screen.dropped[batch]
        yield LayerWritten(batch, Layer.RAW, records, version, seconds, len(good), facts)
        if screen.found[batch]:
            yield RecordsSuppressed(batch, tuple(sorted(screen.found[batch])))
    _clean_landing(lake, contract, [file for file in files if file.batch in reading.facts])
    kept = []
    for batch, error in reading.refusals.items():
        if isinstance(error, LandingFileMissingError) and batch in held:
            kept.append(batch)
            yield LayerKept(batch, Layer.RAW, "the landing file is gone; raw stands as it was")
        else:
            yield BatchRefused(batch, Layer.RAW, (str(error),))
    return [file.batch for file in files if file.batch in reading.facts or file.batch in kept]


def _clean_landing(lake: Lake, contract: Contract, read: Sequence[LandedBatch]) -> None:
    """Take what did not pass the screen out of the landing files too, and out of their copies.

    Copies under other names are known by their size, then by their content. The file that was read
    goes last: whoever finishes this after a crash finds the copies by it.
    """
    erased = lake.erased.of(contract.dataset)
    mine = {one.batch: one.file for one in read if one.batch in erased and one.file}
    if not mine:
        return
    sizes = {file.size for file in mine.values()}
    alike = [f.path.name for f in lake.landing.files(contract.dataset) if f.size in sizes]
    holding = lake.landing.holding(contract.dataset, dict.fromkeys(mine, alike))
    for batch, files in holding.items():
        for file in sorted(files, key=mine[batch].__eq__):
            rewrite_landing(lake, LandedCopy(batch, file, [contract]))


class _Reading:
    """The reading of a group: facts of each file that was read, the refusal of each other."""

    def __init__(
        self, contract: Contract, files: Sequence[LandedBatch], landing: Landing, screen: Screen
    ) -> None:
        self.contract = contract
        self.files = files
        self._landing = landing
        self._screen = screen
        self.facts: dict[str, FileFacts] = {}
        self.refusals: dict[str, LakehouseError] = {}
        self._failure: Exception | None = None
        self._schema = text_schema(contract.column_names).append(
            pa.field(BATCH_ID, pa.dictionary(pa.int8(), pa.string()))
        )

    def staged(self, connection: duckdb.DuckDBPyConnection, folder: Path) -> Staged:
        """Read the files and stage their records; `facts` and `refusals` say how it went."""
        schema = raw_schema(self.contract)
        reader = pa.RecordBatchReader.from_batches(self._schema, self._rows())
        connection.register("landing_records", reader)
        batches = [file.batch for file in self.files]
        try:
            return stage(connection, "SELECT * FROM landing_records", folder, batches, schema)
        except duckdb.Error:
            if self._failure is None:
                raise
            if isinstance(self._failure, REFUSALS):
                return Staged(folder, {}, schema, {})
            raise self._failure from None
        finally:
            connection.unregister("landing_records")

    def _rows(self) -> Iterator[pa.RecordBatch]:
        """Yield the records of each file; DuckDB hides what is raised here, so it is kept."""
        for file in self.files:
            try:
                rows = self._read(file)
                yield from rows if file.is_large else list(rows)
            except REFUSALS as refusal:
                self.facts.pop(file.batch, None)
                self.refusals[file.batch] = refusal
                if file.is_large:
                    self._failure = refusal
                    raise
            except Exception as failure:
                self._failure = failure
                raise

    def _read(self, file: LandedBatch) -> Iterator[pa.RecordBatch]:
        contract = self.contract
        if file.file is None:
            raise LandingFileMissingError(contract.dataset, file.batch)
        path = file.file.local()
        csv = CsvFile(path, contract.column_names, contract.csv)
        for read in csv.batches():
            rows = self._screen.passed(file.batch, path, read)
            batch = _constant(file.batch, rows.num_rows)
            yield pa.RecordBatch.from_arrays([*rows.columns, batch], schema=self._schema)
        is_now = self._landing.batch_of(contract.dataset, path.name, csv.facts.sha256)
        if is_now != file.batch:
            raise LandingFileMissingError(contract.dataset, file.batch)
        self.facts[file.batch] = csv.facts


def raw_schema(contract: Contract) -> pa.Schema:
    """Return the Arrow schema of raw: the columns as text, `_record`, `_defect`, `_batch_id`."""
    return text_schema(contract.column_names).append(pa.field(BATCH_ID, pa.string()))


def _constant(text: str, rows: int) -> pa.DictionaryArray:
    """Return `rows` times the same text, held once."""
    return pa.DictionaryArray.from_arrays(pa.nulls(rows, pa.int8()).fill_null(0), [text])
