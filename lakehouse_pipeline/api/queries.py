"""The queries of this API: a few at a time, each in a process of its own that is then gone.

They are copies of a process that is kept, for to start one takes longer than most queries. What
happens in it is in `query_process.py`.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Event, Lock, Timer
from typing import TypeAlias

from lakehouse_pipeline.api.query_process import ResultFormat
from lakehouse_pipeline.errors import LakehouseError
from lakehouse_pipeline.lake.time_limit import QueryTimeError
from lakehouse_pipeline.settings import Settings

AT_ONCE = 2
MOST_WAITING = 16
GRACE_SECONDS = 15.0
"""How long a process may take beside its query, to start and to write the rows."""

Asked: TypeAlias = "subprocess.Popen[str]"

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
    format: ResultFormat
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
        self._free: list[Asked] = []
        self._all: set[Asked] = set()

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
        """End every query, and the processes that wait for one."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        with self._lock:
            left = [*self._all]
        for process in left:
            _end(process)

    def _ask(self, question: Question, target: Path) -> Result:
        with self._lock:
            process = self._free.pop() if self._free else _started()
            self._all.add(process)
        try:
            text = _said(process, self._line(question, target), question.seconds)
        except BaseException:
            _end(process)
            raise
        finally:
            with self._lock:
                self._waiting -= 1
                if process.poll() is None:
                    self._free.append(process)
                else:
                    self._all.discard(process)
        said = json.loads(text)
        if "refused" in said:
            raise QueryRefusedError(said["refused"])
        return Result(said["rows"], said["cut"], tuple(said["datasets"]))

    def _line(self, question: Question, target: Path) -> str:
        asked = {**asdict(question), "settings": self._settings, "target": str(target)}
        return f"{json.dumps(asked)}\n"


def _started() -> Asked:
    """Return a process that answers; its copies are of its group, and end with it."""
    return subprocess.Popen(  # noqa: S603 - the product's own module
        _COMMAND,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        start_new_session=True,
        env=os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
    )


def _said(process: Asked, line: str, seconds: float) -> str:
    """Return what a process answers; one that does not in time, or at all, is ended.

    Raises: QueryTimeError, QueryRefusedError.
    """
    late = Event()

    def end() -> None:
        late.set()
        _kill(process)

    timer = Timer(seconds + GRACE_SECONDS, end)
    timer.start()
    try:
        text = _exchanged(process, line)
    finally:
        timer.cancel()
    if text:
        return text
    _end(process)
    if late.is_set():
        raise QueryTimeError(seconds)
    raise QueryRefusedError("query refused: its process was ended. Ask again.")


def _exchanged(process: Asked, line: str) -> str:
    """Return the line that answers a line, empty when the process has ended."""
    if process.stdin is None or process.stdout is None:
        return ""
    try:
        process.stdin.write(line)
        process.stdin.flush()
        return process.stdout.readline()
    except (OSError, ValueError):
        return ""


def _kill(process: Asked) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _end(process: Asked) -> None:
    """End a process with its copies and leave nothing of it."""
    if process.poll() is None:
        _kill(process)
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with suppress(OSError):
                pipe.close()
