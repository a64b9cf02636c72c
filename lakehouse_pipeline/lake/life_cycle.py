"""The ledger of a dataset: `life_cycle.jsonl` beside its contracts, one JSON object a line.

Lines are only ever added, each on disk before anybody acts on it. A last line without its line end
was cut off by a crash: nobody was told that it is there, so it is not read, and the next line takes
its place. What the lines mean is in `contracts/life_cycle.py`.
"""

import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from lakehouse_pipeline.contracts.life_cycle import Line, Step
from lakehouse_pipeline.errors import ContractError, Problem
from lakehouse_pipeline.lake.contract_files import flush_folder, unreadable

LEDGER = "life_cycle.jsonl"

KEYS = frozenset({"step", "version", "at", "by", "why", "sha256"})


@dataclass(frozen=True, slots=True)
class Entry:
    """What is to be written: a line without its number and its time."""

    step: Step
    version: str | None
    by: str
    why: str
    sha256: str = ""


class Ledger:
    """The ledger in the folder of a dataset; there need be none yet."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / LEDGER

    def lines(self) -> list[Line]:
        """Return every whole line, the oldest first; reading needs no lock.

        Raises: ContractError: a whole line is none of ours; then none counts.
        """
        try:
            whole, _, _ = self.path.read_bytes().rpartition(b"\n")
        except FileNotFoundError:
            return []
        except OSError as error:
            raise ContractError([unreadable(self.path, error)]) from error
        texts = whole.split(b"\n") if whole else []
        return [self._line(number, text) for number, text in enumerate(texts, 1)]

    def append(self, entries: Iterable[Entry]) -> list[Line]:
        """Write entries, each on disk when this returns, and return them as lines.

        The caller holds the lock of the contracts. Raises: ContractError: as `lines`.
        """
        number = len(self.lines())
        at = datetime.now(UTC).isoformat(timespec="seconds")
        added = [Line(number + n, at=at, **asdict(entry)) for n, entry in enumerate(entries, 1)]
        is_new = not self.path.exists()
        with self.path.open("ab" if is_new else "r+b") as file:
            if not is_new:
                file.truncate(_whole_bytes(self.path))
                file.seek(0, os.SEEK_END)
            for line in added:
                file.write(_text(line))
                file.flush()
                os.fsync(file.fileno())
        if is_new:
            flush_folder(self.path.parent)
        return added

    def _line(self, number: int, text: bytes) -> Line:
        try:
            return _parsed(number, json.loads(text))
        except ValueError as error:
            message = f"not a line of the ledger: {error}. Put back the file as it was backed up"
            raise ContractError([Problem(str(self.path), number, 1, message)]) from error


def _parsed(number: int, entry: object) -> Line:
    """Return a line from its JSON. Raises: ValueError: it is none of ours."""
    if not isinstance(entry, dict) or entry.keys() != KEYS:
        raise ValueError(f"expected the keys {', '.join(sorted(KEYS))}")
    version = entry.pop("version")
    if not all(isinstance(text, str) for text in (*entry.values(), version or "")):
        raise ValueError("expected texts")
    return Line(number, Step(entry.pop("step")), version, **entry)


def _text(line: Line) -> bytes:
    entry = {key: value for key, value in asdict(line).items() if key in KEYS}
    return json.dumps(entry, ensure_ascii=False).encode() + b"\n"


def _whole_bytes(path: Path) -> int:
    """Return how many bytes of the file are whole lines."""
    return path.read_bytes().rfind(b"\n") + 1
