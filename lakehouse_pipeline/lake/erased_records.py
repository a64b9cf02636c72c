"""Which records of each batch were erased: their numbers, never their content.

`<erasures>/records/<dataset>.json`, written whole or not at all. A record is written down here
before it leaves any layer, so a process that dies in between has lost nothing: the next one takes
out what is written down. Taking out is in `pipeline/erase.py`.

A landing file that was rewritten without a record has another content than its batch is named
after. Its hash is kept here with the records it lacks, so that it is known for what it is.
"""

import json
import os
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lakehouse_pipeline.lake.contract_files import flush_folder

PRIVATE = 0o600


@dataclass(frozen=True, slots=True)
class ErasedRecord:
    """An erased record: the physical lines it stood on, and the erasure's id."""

    lines: int
    erasure: str


@dataclass(frozen=True, slots=True)
class ErasedBatch:
    """What was erased from a batch.

    `records` are by number. `contents` has, for each content (SHA-256) that its landing file was
    rewritten to, the numbers that are not in it; what was delivered is not among them.
    """

    records: Mapping[int, ErasedRecord] = field(default_factory=dict)
    contents: Mapping[str, tuple[int, ...]] = field(default_factory=dict)

    def missing_in(self, sha256: str) -> tuple[int, ...]:
        """Return the numbers that a landing file of this content lacks, in order."""
        return self.contents.get(sha256, ())

    def of(self, erasure: str) -> list[int]:
        """Return the numbers of the records that one erasure took, in order."""
        return sorted(n for n, record in self.records.items() if record.erasure == erasure)


NOTHING = ErasedBatch()


class ErasedRecords:
    """The erased records below `folder`, which need not exist. Writers hold the dataset's lock."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "records"

    def of(self, dataset: str) -> dict[str, ErasedBatch]:
        """Return what was erased from each batch of a dataset."""
        try:
            said = json.loads(self._path(dataset).read_bytes())
        except FileNotFoundError:
            return {}
        return {batch: _read(one) for batch, one in said.items()}

    def batches_of(self, dataset: str, sha256: str) -> list[str]:
        """Return the batches that a landing file was rewritten of to this content, mostly none."""
        return [b for b, erased in self.of(dataset).items() if sha256 in erased.contents]

    def add(self, dataset: str, batch: str, records: Mapping[int, ErasedRecord]) -> None:
        """Write down erased records, each once; durable when this returns."""
        said = self.of(dataset)
        before = said.get(batch, NOTHING)
        if not set(records) - set(before.records):
            return
        said[batch] = ErasedBatch({**records, **before.records}, before.contents)
        self._write(dataset, said)

    def add_content(self, dataset: str, batch: str, sha256: str, missing: Iterable[int]) -> None:
        """Write down what a landing file is rewritten to, before it is; durable on return."""
        said = self.of(dataset)
        before = said.get(batch, NOTHING)
        contents = {**before.contents, sha256: tuple(sorted(missing))}
        said[batch] = ErasedBatch(before.records, contents)
        self._write(dataset, said)

    def _path(self, dataset: str) -> Path:
        return self._folder / f"{dataset}.json"

    def _write(self, dataset: str, said: Mapping[str, ErasedBatch]) -> None:
        plain = {
            batch: {
                "records": {str(n): [r.lines, r.erasure] for n, r in sorted(one.records.items())},
                "contents": {sha256: list(missing) for sha256, missing in one.contents.items()},
            }
            for batch, one in said.items()
        }
        write_privately(self._path(dataset), json.dumps(plain).encode())


def write_privately(target: Path, content: bytes) -> None:
    """Write a file for its owner alone; whole or not at all, whenever the machine stops."""
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = target.with_name(f".{target.name}.{os.getpid()}.part")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, PRIVATE)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(target)
    flush_folder(target.parent)


def in_file(number: int, missing: Sequence[int]) -> int:
    """Return which record of a file, that lacks these (in order), has this number in its batch."""
    return number - bisect_left(missing, number)


def _read(one: Mapping[str, Mapping[str, list[int | str]]]) -> ErasedBatch:
    records = {
        int(n): ErasedRecord(int(lines), str(erasure))
        for n, (lines, erasure) in one["records"].items()
    }
    contents = {sha256: tuple(map(int, missing)) for sha256, missing in one["contents"].items()}
    return ErasedBatch(records, contents)
