"""What lies in landing and no layer holds: files that wait, that were refused, and that are no CSV.

A file that can be read is searched as raw is; its records are written down, and leave the file as
those of every batch do. One that cannot be read loses the physical lines in which the subject
stands as a word. What cannot be looked into is named in the certificate.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from lakehouse_pipeline.contracts.model import Contract
from lakehouse_pipeline.contracts.subjects import SubjectColumns
from lakehouse_pipeline.errors import FileRefusedError, ReconcileError
from lakehouse_pipeline.lake.csv_bytes import sha256_of
from lakehouse_pipeline.lake.csv_file import CsvFile
from lakehouse_pipeline.lake.csv_without import blocks_of, write_without_lines
from lakehouse_pipeline.lake.erased_records import ErasedRecord
from lakehouse_pipeline.lake.erased_subjects import Suppressed
from lakehouse_pipeline.lake.landing import LandingFile, is_left_over, is_settled
from lakehouse_pipeline.names import Layer
from lakehouse_pipeline.pipeline.lake import Lake
from lakehouse_pipeline.pipeline.screen import Screen, Watch
from lakehouse_pipeline.pipeline.subject_texts import named_in_broken

Told = Callable[[str, LandingFile], None]
"""What is told of a file of a batch (none: empty) that is about to go."""


@dataclass(frozen=True, slots=True)
class UnreadLanding:
    """The landing files of a dataset that raw does not hold; hold the dataset's lock.

    `versions` of the contract are tried in order to read them. What was changed less than
    `settle_seconds` ago, or is being written, is not touched: its records are stopped when it is
    read.
    """

    lake: Lake
    versions: Sequence[Contract]
    columns: SubjectColumns
    suppressed: Suppressed
    settle_seconds: float

    @property
    def dataset(self) -> str:
        """The dataset."""
        return self.versions[0].dataset

    def records(self) -> dict[str, dict[int, ErasedRecord]]:
        """Return the subject's records in those that can be read, by batch and number."""
        found = ((batch, self._in_readable(batch, file)) for batch, file in self._unread())
        return {batch: records for batch, records in found if records}

    def cut(self, announce: Told) -> None:
        """Take the lines of the subject out of those that cannot be read, and what was left over.

        `announce` is told of a file before it is changed or deleted.
        """
        for file in self.lake.landing.no_csv(self.dataset):
            if is_left_over(file):
                announce("", file)
                file.delete()
        for batch, file in self._unread():
            if self._in_readable(batch, file) is None:
                self._cut_lines(batch, file, announce)

    def not_searched(self) -> list[tuple[str, LandingFile]]:
        """Return, with their batches, the files that nobody can look into or that are no CSV."""
        others = [("", file) for file in self.lake.landing.no_csv(self.dataset)]
        return others + [
            (batch, file)
            for batch, file in self._unread()
            if not self._is_text(file) and self._in_readable(batch, file) is None
        ]

    def _unread(self) -> Iterator[tuple[str, LandingFile]]:
        held = self.lake.tables.batches(self.dataset, Layer.RAW)
        for batch, file in self.lake.landing.unheld(self.dataset, held):
            if is_settled(file, self.settle_seconds):
                yield batch, file

    def _in_readable(self, batch: str, file: LandingFile) -> dict[int, ErasedRecord] | None:
        """Return the subject's records in a file, None when no version reads it."""
        path = file.local()
        for contract in self.versions:
            with self.lake.aside() as connection:
                watch = Watch(self.columns, self.suppressed, connection)
                screen = Screen(self.lake, contract, watch)
                try:
                    for rows in CsvFile(path, contract.column_names, contract.csv).batches():
                        screen.passed(batch, path, rows)
                except (FileRefusedError, ReconcileError):
                    continue
                return screen.found[batch]
        return None

    def _is_text(self, file: LandingFile) -> bool:
        """Return whether a file is text in the contract's encoding, or in one that is like it.

        UTF-16 where the contract says otherwise, and what is no text at all, has zero bytes.
        """
        blocks = blocks_of(file.local(), self.versions[0].csv)
        try:
            return not any(b"\0" in block.data for block in blocks)
        except FileRefusedError:
            return False

    def _lines(self, file: LandingFile) -> set[int]:
        """Return the physical lines that name the subject, as far as anybody can look at them."""
        dialect, line, found = self.versions[0].csv, 0, set[int]()
        try:
            for block in blocks_of(file.local(), dialect):
                lines = [("", line + n, text) for n, text in enumerate(block.source.split(b"\n"))]
                hits = named_in_broken(
                    self.lake.connection, lines, self.columns, dialect, self.suppressed
                )
                found.update(number for _, number, _ in hits)
                line += block.source.count(b"\n")
        except FileRefusedError:
            return set()
        return found

    def _cut_lines(self, batch: str, file: LandingFile, announce: Told) -> None:
        if not (lines := self._lines(file)):
            return
        draft: Path = file.draft()
        write_without_lines(file.local(), draft, self.versions[0].csv, lines)
        announce(batch, file)
        self.lake.erased.add_content(self.dataset, batch, sha256_of(draft), ())
        file.replace(draft)
