"""The queries of this API: a few at a time, each in a process of its own that is then gone.

One process is always started ahead, for to start one takes longer than most queries. What happens
in it is in `query_process.py`.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from lakehouse_pipeline.api.query_process import ResultFormat
from lakehouse_pipeline.errors import LakehouseError
from lakehouse_pipeline.lake.time_limit import QueryTimeError
from lakehouse_pipeline.settings import Settings

AT_ONCE = 2
MOST_WAITING = 16
GRACE_SECONDS = 15.0
"""How long a process may take beside its query, to start and to write the rows."""

_COMMAND = (sys.executable, "-m", "lakehouse_pipeline.api.query_process")


class QueryRefusedError(LakehouseError):
    """A query that is not allowed or does not run; says why as the query's process does."""

    def __init__(self, said: str) -> None:
        super().__init__(said)


class BusyError(LakehouseError):
    """So many queries wait that another one would wait too long."""

    def __init__(self) -> None:
        super().__init__("too many queries are waiting. Ask again in a few seconds.")


@dataclass(frozen=True, slots=True)
class Question:
    """A query and what it may take; `datasets` are those it may read, None for all."""

    sql: str
    rows: int
    seconds: float
    result: ResultFormat
    datasets: Sequence[str] | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """How a query went: how many rows, whether there were more, which datasets it read."""

    rows: int
    cut: bool
    datasets: tuple[str, ...]


class Queries:
    """Runs queries of one home, `AT_ONCE` at a time."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings.model_dump(mode="json")
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="query")
        self._lock = Lock()
        self._waiting = 0
        self._spare: subprocess.Popen[str] | None = None
        self._running: set[subprocess.Popen[str]] = set()

    def ask(self, question: Question, target: Path) -> "Future[Result]":
        """Return what comes of a question; its rows are then in the new file `target`.

        Raises: BusyError: too many wait. The future raises QueryRefusedError and QueryTimeError.
        """
        with self._lock:
            if self._waiting >= MOST_WAITING:
                raise BusyError
            self._waiting += 1
        return self._pool.submit(self._ask, question, target)

    def close(self) -> None:
        """End every query and the process that waits for one."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        with self._lock:
            left = [*self._running, *([self._spare] if self._spare else [])]
            self._spare = None
        for process in left:
            _end(process)

    def _ask(self, question: Question, target: Path) -> Result:
        process = self._process()
        try:
            return self._answer(process, question, target)
        finally:
            with self._lock:
                self._waiting -= 1
                self._running.discard(process)
            _end(process)

    def _answer(self, process: "subprocess.Popen[str]", question: Question, target: Path) -> Result:
        asked = {
            "settings": self._settings,
            "sql": question.sql,
            "rows": question.rows,
            "seconds": question.seconds,
            "format": question.result,
            "datasets": question.datasets,
            "target": str(target),
        }
        try:
            line = f"{json.dumps(asked)}\n"
            text, _ = process.communicate(line, timeout=question.seconds + GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            raise QueryTimeError(question.seconds) from None
        if not text:
            raise QueryRefusedError("query refused: it takes more memory than a query may")
        said = json.loads(text)
        if "refused" in said:
            raise QueryRefusedError(said["refused"])
        return Result(said["rows"], said["cut"], tuple(said["datasets"]))

    def _process(self) -> "subprocess.Popen[str]":
        """Return a process for one query, and start the one for the next."""
        with self._lock:
            process, self._spare = self._spare or _started(), _started()
            self._running.add(process)
        return process


def _started() -> "subprocess.Popen[str]":
    return subprocess.Popen(  # noqa: S603 - the product's own module
        _COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    )


def _end(process: "subprocess.Popen[str]") -> None:
    """End a process and leave nothing of it."""
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with suppress(OSError):
                pipe.close()
