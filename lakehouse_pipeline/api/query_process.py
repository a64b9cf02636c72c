"""Queries in processes of their own: `python -m lakehouse_pipeline.api.query_process`.

It reads requests, a line of JSON each. For each it makes a copy of itself, which writes the rows
into a file, says in a line of JSON how it went, and ends. The operating system bounds the memory of
the copy, so that a query takes nobody else's. It ends when nobody can ask any more, in the middle
of a query too: an API that was killed leaves no query behind.
"""

import json
import os
import resource
import select
import signal
import sys
from enum import StrEnum
from pathlib import Path
from typing import Any, NoReturn

from lakehouse_pipeline.errors import LakehouseError, QueryError
from lakehouse_pipeline.lake.engine import engine
from lakehouse_pipeline.lake.first_rows import Answer, Limits
from lakehouse_pipeline.lake.json_rows import write_json, write_ndjson
from lakehouse_pipeline.lake.result_file import FileFormat, write_rows
from lakehouse_pipeline.pipeline.published_query import published_query
from lakehouse_pipeline.settings import Settings

MORE_BYTES = 3 * 2**30
"""What a query may take beside the process as it is before one: twice DuckDB's part, and more."""


class ResultFormat(StrEnum):
    """How the rows are written."""

    JSON = "json"
    NDJSON = "ndjson"
    CSV = "csv"
    ARROW = "arrow"


TOO_MUCH = str(QueryError("it takes more memory than a query may"))


def main() -> None:
    """Answer one request after the other."""
    for line in iter(sys.stdin.readline, ""):
        ended, held = os.pipe()
        child = os.fork()
        if child == 0:
            _answer(line)
        os.close(held)
        if not _is_waited_for(ended):
            os.kill(child, signal.SIGKILL)
        os.close(ended)
        _, status = os.waitpid(child, 0)
        if status != 0:
            _say({"refused": TOO_MUCH})


def _is_waited_for(ended: int) -> bool:
    """Return, once the copy that holds the other end of `ended` has gone, that somebody waits.

    Returns False as soon as nobody does: who asks holds the other end of standard input, and the
    system closes that however it dies. Nobody but this process can stop the copy then.
    """
    watched = select.poll()
    for end in (ended, sys.stdin.fileno()):
        watched.register(end, 0)  # tells of the other end being closed, whatever is asked for
    return any(end == ended for end, _ in watched.poll())


def _answer(line: str) -> NoReturn:
    """Answer a request and end; a crash, or a bug, ends with another status than 0."""
    status = 1
    try:
        _bound()
        _say(_answered(json.loads(line)))
        status = 0
    except LakehouseError as error:
        _say({"refused": str(error)})
        status = 0
    except MemoryError:
        pass
    finally:
        os._exit(status)


def _say(said: dict[str, Any]) -> None:
    sys.stdout.write(f"{json.dumps(said)}\n")
    sys.stdout.flush()


def _answered(asked: dict[str, Any]) -> dict[str, Any]:
    settings = Settings(**asked["settings"])
    limits = Limits(asked["rows"], asked["seconds"], settings.memory_limit, settings.threads)
    home, lake = settings.home, settings.lake
    answer = published_query(home, asked["sql"], limits, asked["datasets"], lake)
    _write(settings, answer, Path(asked["target"]), ResultFormat(asked["format"]))
    return {
        "rows": answer.rows.num_rows,
        "cut": answer.cut,
        "datasets": answer.datasets,
    }


def _write(settings: Settings, answer: Answer, target: Path, result: ResultFormat) -> None:
    if result is ResultFormat.JSON:
        write_json(answer.rows, target, cut=answer.cut)
    elif result is ResultFormat.NDJSON:
        write_ndjson(answer.rows, target)
    else:
        with engine(settings.home / "tmp", settings.memory_limit) as connection:
            write_rows(connection, answer.rows, target, FileFormat(result.value))


def _bound() -> None:
    """Let the process take no more memory than a query may; only Linux knows what it has."""
    if not sys.platform.startswith("linux"):
        return
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
    most = pages * resource.getpagesize() + MORE_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


if __name__ == "__main__":
    main()
