"""A Delta log without values: what other writers left in it of records that were erased.

Our own commits hold counts only. A tool that compacts a table or deletes from it may write minima
and maxima of columns, or its predicate, into the log, where they outlive the files.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import DeltaTable

from lakehouse_pipeline.lake.bucket_folder import address, objects_of
from lakehouse_pipeline.lake.csv_bytes import sha256_of
from lakehouse_pipeline.names import BATCH_ID, RECORD

LOG = "_delta_log"
_HARMLESS = {RECORD, BATCH_ID}


class LogFile(NamedTuple):
    """A file of a log, by its name within the table; in a bucket the hash is the store's own."""

    name: str
    bytes: int
    sha256: str


def forget_values(table: Path, announce: Callable[[LogFile], None] = lambda _: None) -> bool:
    """Drop the log of all versions before the newest when it may hold values; say whether it did.

    Call after the commit that replaced the files in question. Older versions can then not be
    opened any more. `announce` is told of each file before it goes.
    """
    if not any(_may_hold_values(entry) for entry in _entries(table)):
        return False
    delta = DeltaTable(address(table))
    delta.create_checkpoint()
    newest = f"{delta.version():020d}"
    if objects := objects_of(table):
        old = [o for o in objects.under(LOG) if _version(o.name) < newest]
        for one in old:
            announce(LogFile(f"{LOG}/{one.name}", one.size, one.content))
        objects.delete(one.key for one in old)
        return True
    for path in sorted((table / LOG).iterdir()):
        if path.is_file() and _version(path.name) < newest:
            announce(LogFile(f"{LOG}/{path.name}", path.stat().st_size, sha256_of(path)))
            path.unlink()
    return True


def _version(name: str) -> str:
    """Return the version that a file of the log is of; what is of none counts as newest."""
    first = name.split(".", 1)[0]
    return first if first.isdigit() else "~"


def _entries(table: Path) -> Iterator[dict[str, object]]:
    """Yield the actions of every commit and checkpoint."""
    for name, content in _files(table):
        if name.endswith(".json"):
            yield from (json.loads(line) for line in content.splitlines() if line)
        elif ".checkpoint" in name and name.endswith(".parquet"):
            yield from pq.read_table(pa.BufferReader(content)).to_pylist()


def _files(table: Path) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of every file of the log."""
    if objects := objects_of(table):
        yield from ((one.name, objects.get(one.key)) for one in objects.under(LOG))
    else:
        files = (path for path in sorted((table / LOG).iterdir()) if path.is_file())
        yield from ((path.name, path.read_bytes()) for path in files)


def _may_hold_values(entry: dict[str, object]) -> bool:
    if any(set(values) - _HARMLESS for values in _statistics(entry)):
        return True
    info = entry.get("commitInfo")
    parameters = info.get("operationParameters") if isinstance(info, dict) else None
    predicate = str((parameters or {}).get("predicate") or "")
    return bool(predicate) and BATCH_ID not in predicate


def _statistics(entry: dict[str, object]) -> Iterator[dict[str, object]]:
    """Yield the minima and maxima that an action holds."""
    for kind in ("add", "remove"):
        action = entry.get(kind)
        stats = action.get("stats") if isinstance(action, dict) else None
        if stats:
            parsed = json.loads(str(stats))
            yield from (parsed.get(key) or {} for key in ("minValues", "maxValues"))
