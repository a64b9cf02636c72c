"""A query in a process of its own: `python -m lakehouse_pipeline.api.query_process`.

It reads one request as a line of JSON, writes the rows into a file, says in a line of JSON how it
went, and ends. The operating system bounds its memory, so that a query takes nobody else's.
"""

import json
import resource
import sys
from enum import StrEnum
from pathlib import Path
from typing import Any

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


def main() -> None:
    """Answer one request; without one, because nobody asks any more, end."""
    line = sys.stdin.readline()
    if not line:
        return
    _bound()
    try:
        said = _answered(json.loads(line))
    except LakehouseError as error:
        said = {"refused": str(error)}
    except MemoryError:
        said = {"refused": str(QueryError("it takes more memory than a query may"))}
    sys.stdout.write(json.dumps(said))


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
