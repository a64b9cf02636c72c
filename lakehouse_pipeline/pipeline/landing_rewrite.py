"""A landing file without the records that were erased from its batch.

What it is rewritten to is written down first, so the new content is never taken for a new batch. A
file that cannot be rewritten to the very same other records is deleted; raw has them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lakehouse_pipeline.contracts.model import Contract
from lakehouse_pipeline.lake.csv_bytes import sha256_of
from lakehouse_pipeline.lake.csv_file import FileFacts
from lakehouse_pipeline.lake.csv_without import write_without
from lakehouse_pipeline.lake.erased_records import NOTHING, in_file
from lakehouse_pipeline.lake.landing import LandingFile
from lakehouse_pipeline.names import Layer
from lakehouse_pipeline.pipeline.lake import Lake
from lakehouse_pipeline.pipeline.relations import records_per_batch


@dataclass(frozen=True, slots=True)
class Rewritten:
    """What becomes of a landing file: its hashes before and after, None when it is deleted."""

    file: LandingFile
    before: str
    after: str | None


@dataclass(frozen=True, slots=True)
class LandedCopy:
    """A landing file that has the content of a batch.

    `versions` of the contract are tried in order: one of them is what the file was read under.
    """

    batch: str
    file: LandingFile
    versions: Sequence[Contract]

    @property
    def dataset(self) -> str:
        """The dataset."""
        return self.versions[0].dataset


def rewrite_landing(
    lake: Lake, copy: LandedCopy, announce: Callable[[Rewritten], None] = lambda _: None
) -> None:
    """Take the records that were erased from the batch out of its landing file.

    Nothing happens when they are not in it. `announce` is told what is about to happen. A file
    that was put there again meanwhile stays. Hold the dataset's lock.
    """
    file, dataset, batch = copy.file, copy.dataset, copy.batch
    path = file.local()
    before, erased = sha256_of(path), lake.erased.of(dataset).get(batch, NOTHING)
    missing = erased.missing_in(before)
    numbers = [in_file(n, missing) for n in sorted(set(erased.records) - set(missing))]
    if not numbers:
        return
    after = _write(lake, copy, numbers)
    announce(Rewritten(file, before, after.sha256 if after else None))
    if after is None:
        file.draft().unlink(missing_ok=True)
        file.delete()
        return
    lake.erased.add_content(dataset, batch, after.sha256, erased.records)
    file.replace(file.draft())


def _write(lake: Lake, copy: LandedCopy, numbers: Sequence[int]) -> FileFacts | None:
    """Write the draft; return its facts, None when no version reads the file as raw was read."""
    dataset, batch, file = copy.dataset, copy.batch, copy.file
    expired = batch not in lake.tables.batches(dataset, Layer.RAW)
    in_raw = records_per_batch(lake, dataset, Layer.RAW, [batch])[batch]
    for contract in copy.versions:
        facts = write_without(
            file.local(), file.draft(), contract.column_names, contract.csv, numbers
        )
        if facts and (expired or facts.records == in_raw):
            return facts
    return None
