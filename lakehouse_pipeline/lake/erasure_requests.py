"""The erasures of a home: what was asked for, and the certificate of what was done.

`<erasures>/<id>.json` is the request and, once it is done, its certificate; `<id>.jsonl` beside it
are the files that went so far, one a line. The subject stands in neither, only its keyed hash.
"""

import json
import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from filelock import FileLock

from lakehouse_pipeline.errors import LakehouseError, nearest
from lakehouse_pipeline.lake.erased_records import write_privately

DEADLINE_DAYS = 30
"""What article 12(3) of the GDPR leaves: a month."""


class UnknownErasureError(LakehouseError):
    """There is no erasure of this id."""

    def __init__(self, erasure: str, known: Sequence[str]) -> None:
        super().__init__(
            f"unknown erasure '{erasure}'.{nearest(erasure, known)} "
            "List them with: lakehouse erase --list"
        )


@dataclass(frozen=True, slots=True)
class Erasure:
    """An erasure: a request, and its certificate once `completed` says when.

    `subject` is the keyed hash of the value. `dataset` is `*` for all. Times are ISO 8601 in UTC.
    `records` has the numbers of the erased records by dataset and batch. `files_before` are those
    that went or were rewritten, `files_after` those that the batches have now, each with its hash;
    `not_searched` are those in landing that nobody can look into. `beyond_reach` says what a bucket
    may still hold of them.
    """

    id: str
    subject: str
    dataset: str
    by: str
    why: str
    requested: str
    deadline: str
    completed: str | None = None
    searched: tuple[str, ...] = ()
    records: dict[str, dict[str, list[int]]] = field(default_factory=dict)
    files_before: tuple[dict[str, Any], ...] = ()
    files_after: tuple[dict[str, Any], ...] = ()
    not_searched: tuple[dict[str, Any], ...] = ()
    beyond_reach: str = ""

    @property
    def count(self) -> int:
        """How many records were erased."""
        return sum(len(numbers) for one in self.records.values() for numbers in one.values())

    def days_left(self, now: datetime) -> float:
        """Return the days until the deadline, negative when it has passed."""
        return (datetime.fromisoformat(self.deadline) - now) / timedelta(days=1)


def new_request(subject: str, dataset: str, by: str, why: str, now: datetime) -> Erasure:
    """Return a request made now; it is nowhere written down yet."""
    name = f"{now:%Y%m%d}-{secrets.token_hex(4)}"
    deadline = now + timedelta(days=DEADLINE_DAYS)
    times = (now.isoformat(timespec="seconds"), deadline.isoformat(timespec="seconds"))
    return Erasure(name, subject, dataset, by, why, *times)


class Erasures:
    """The erasures below `folder`, which need not exist."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def all(self) -> list[Erasure]:
        """Return every erasure, the oldest request first."""
        found = [_read(path) for path in self._folder.glob("[0-9]*.json")]
        return sorted(found, key=lambda one: (one.requested, one.id))

    def earlier(self, erasure: Erasure) -> list[Erasure]:
        """Return the erasures of the same subject that were completed when this one was asked."""
        return [
            one
            for one in self.all()
            if one.subject == erasure.subject
            and one.id != erasure.id
            and one.completed
            and one.completed <= erasure.requested
        ]

    def open(self) -> list[Erasure]:
        """Return those that are not completed, the oldest first."""
        return [one for one in self.all() if one.completed is None]

    def get(self, erasure: str) -> Erasure:
        """Return an erasure. Raises: UnknownErasureError: there is none of this id."""
        known = {one.id: one for one in self.all()}
        if erasure not in known:
            raise UnknownErasureError(erasure, list(known))
        return known[erasure]

    def write(self, erasure: Erasure) -> None:
        """Write a request, or its certificate; durable when this returns."""
        text = json.dumps(asdict(erasure), indent=2, ensure_ascii=False)
        write_privately(self._folder / f"{erasure.id}.json", f"{text}\n".encode())

    @contextmanager
    def held(self, erasure: str) -> Iterator[Erasure]:
        """Yield an erasure as it is now; nobody else carries it out meanwhile."""
        with FileLock(self._folder / f".{erasure}.lock"):
            yield self.get(erasure)

    def note(self, erasure: str, file: dict[str, Any]) -> None:
        """Write down a file that is about to go; durable when this returns."""
        path = self._journal(erasure)
        with path.open("ab") as journal:
            os.fchmod(journal.fileno(), 0o600)
            journal.write(json.dumps(file).encode() + b"\n")
            journal.flush()
            os.fsync(journal.fileno())

    def noted(self, erasure: str) -> list[dict[str, Any]]:
        """Return the files written down, each once; a line that a crash cut off is left out."""
        try:
            whole, _, _ = self._journal(erasure).read_bytes().rpartition(b"\n")
        except FileNotFoundError:
            return []
        lines = dict.fromkeys(line for line in whole.split(b"\n") if line)
        return [json.loads(line) for line in lines]

    def complete(self, erasure: Erasure) -> Erasure:
        """Write the certificate, with the files written down so far, and return it."""
        done = replace(
            erasure,
            completed=datetime.now(UTC).isoformat(timespec="seconds"),
            files_before=tuple(self.noted(erasure.id)),
        )
        self.write(done)
        self._journal(erasure.id).unlink(missing_ok=True)
        return done

    def _journal(self, erasure: str) -> Path:
        return self._folder / f"{erasure}.jsonl"


def _read(path: Path) -> Erasure:
    said = json.loads(path.read_bytes())
    names = ("searched", "files_before", "files_after", "not_searched")
    lists = {name: tuple(said.get(name, ())) for name in names}
    return Erasure(**{**said, **lists})
