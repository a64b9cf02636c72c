"""Tables in a bucket when a writer is killed, and when two machines write at once."""

import json
import multiprocessing
import os
import signal
from collections import Counter
from collections.abc import Callable
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from lakehouse_pipeline.lake.bucket_folder import address, below, working_folder
from lakehouse_pipeline.lake.delta_log import forget_values
from lakehouse_pipeline.lake.engine import engine, parquet_relation
from lakehouse_pipeline.lake.objects import Objects, StorageError
from lakehouse_pipeline.lake.tables import ConcurrentWriteError, Tables, stage
from lakehouse_pipeline.names import BATCH_ID, RECORD, Layer

pytestmark = [pytest.mark.storage, pytest.mark.slow]

DATASET, CANARY = "orders", 7770007770007
ROUNDS = 5


def tables_of(machine: Path, url: str) -> Tables:
    """Return the tables as the home of one machine sees them."""
    return Tables(below(working_folder(machine, url), "lake"))


def write(machine: Path, url: str, batch: str, records: int) -> None:
    tables = tables_of(machine, url)
    sql = f"SELECT n AS v, n AS _record, '{batch}' AS _batch_id FROM range({records}) AS t(n)"
    with (
        engine(machine / "tmp", threads=1) as connection,
        tables.lock(DATASET),
        tables.staging(DATASET) as folder,
    ):
        tables.replace(DATASET, Layer.RAW, [batch], stage(connection, sql, folder / "raw", [batch]))


def held(machine: Path, url: str) -> dict[str, int]:
    files = tables_of(machine, url).files(DATASET, Layer.RAW)
    with engine(machine / "tmp", threads=1) as connection:
        sql = f"SELECT _batch_id, count(*) FROM {parquet_relation(files)} GROUP BY ALL"
        return dict(connection.execute(sql).fetchall())


def killed(machine: Path, url: str, batch: str) -> None:
    """Write a batch and die when its file is uploaded and no commit names it."""
    moved: Callable[..., Any] = Tables._moved

    def dying(self: Tables, *what: Any) -> None:  # noqa: ANN401
        moved(self, *what)
        os.kill(os.getpid(), signal.SIGKILL)

    pytest.MonkeyPatch().setattr(Tables, "_moved", dying)
    write(machine, url, batch, 9)


def elsewhere(target: Callable[..., None], *arguments: object) -> int | None:
    """Run a function in a process of its own and return how that ended."""
    process = multiprocessing.get_context("spawn").Process(target=target, args=arguments)
    process.start()
    process.join(60)
    return process.exitcode


def parts(objects: Objects, batch: str) -> list[str]:
    return [one.key for one in objects.under(f"lake/{DATASET}/raw/_batch_id={batch}")]


def test_what_a_killed_writer_uploaded_is_swept_by_the_next(
    objects: Objects, tmp_path: Path
) -> None:
    here, there, url = tmp_path / "here", tmp_path / "there", objects.url
    write(here, url, "a", 3)
    assert elsewhere(killed, here, url, "b") == -signal.SIGKILL
    assert len(parts(objects, "b")) == 1
    assert held(here, url) == held(there, url) == {"a": 3}
    write(there, url, "c", 1)
    assert len(parts(objects, "b")) == 1, "another machine cannot know that the writer is dead"
    write(here, url, "a", 2)
    assert parts(objects, "b") == []
    assert objects.under(f"lake/{DATASET}/_uploads") == []
    assert len(parts(objects, "a")) == 2, "the older version stays readable"
    assert held(here, url) == held(there, url) == {"a": 2, "c": 1}


def test_what_was_committed_before_the_writer_died_stays(objects: Objects, tmp_path: Path) -> None:
    url = objects.url
    write(tmp_path, url, "a", 3)
    (name,) = parts(objects, "a")
    said = {
        "writer": (tmp_path / "remote").glob("*/lake/orders/.writer").__next__().read_text(),
        "layer": "raw",
        "version": 0,
        "files": [name.removeprefix(f"lake/{DATASET}/raw/"), "_batch_id=a/gone.parquet"],
    }
    objects.put_new(f"lake/{DATASET}/_uploads/x.json", json.dumps(said).encode())
    write(tmp_path, url, "a", 2)
    assert name in parts(objects, "a")
    assert objects.under(f"lake/{DATASET}/_uploads") == []


def test_values_in_the_checkpoint_of_another_tool_leave_a_log(
    objects: Objects, tmp_path: Path
) -> None:
    tables, log = tables_of(tmp_path, objects.url), objects.below("lake", DATASET, "raw/_delta_log")
    path = tables.path(DATASET, Layer.RAW)
    person = pa.table({"v": [CANARY], RECORD: [1], BATCH_ID: ["a"]})
    write_deltalake(address(path), person, partition_by=[BATCH_ID])
    write(tmp_path, objects.url, "b", 1)
    DeltaTable(address(path)).create_checkpoint()
    log.delete([f"{0:020}.json"])
    write(tmp_path, objects.url, "a", 2)
    assert any(str(CANARY).encode() in log.get(one.key) for one in log.under())
    assert forget_values(path)
    assert not any(str(CANARY).encode() in log.get(one.key) for one in log.under())
    assert held(tmp_path, objects.url) == {"a": 2, "b": 1}
    assert not forget_values(path)


def race(machine: Path, url: str, batches: list[str], barrier: Barrier) -> None:
    """Write each batch at the moment another machine does; what is refused is written again."""
    for batch in batches:
        barrier.wait(60)
        try:
            write(machine, url, batch, 5)
        except ConcurrentWriteError:
            (machine / "refused").mkdir(exist_ok=True)
            (machine / "refused" / batch).touch()


def together(tmp_path: Path, url: str, batches: dict[str, list[str]]) -> Counter[str]:
    """Let machines write at once; return how many of them were refused, by batch."""
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(len(batches))
    machines = [
        context.Process(target=race, args=(tmp_path / name, url, theirs, barrier))
        for name, theirs in batches.items()
    ]
    for machine in machines:
        machine.start()
    for machine in machines:
        machine.join(100)
    assert [machine.exitcode for machine in machines] == [0] * len(batches)
    return Counter(path.name for path in tmp_path.glob("*/refused/*"))


def test_two_machines_writing_different_batches_lose_nothing(
    objects: Objects, tmp_path: Path
) -> None:
    write(tmp_path / "x", objects.url, "first", 1)
    theirs = {name: [f"{name}{n}" for n in range(ROUNDS)] for name in "xy"}
    assert together(tmp_path, objects.url, theirs) == Counter()
    expected = {batch: 5 for batches in theirs.values() for batch in batches}
    assert held(tmp_path / "x", objects.url) == expected | {"first": 1}


def test_two_machines_writing_one_batch_at_once_double_nothing(
    objects: Objects, tmp_path: Path
) -> None:
    write(tmp_path / "x", objects.url, "first", 1)
    batches = [f"b{n}" for n in range(ROUNDS)]
    refused = together(tmp_path, objects.url, {"x": batches, "y": batches})
    assert set(refused.values()) <= {1}, "one of the two stands"
    assert held(tmp_path / "y", objects.url) == dict.fromkeys(batches, 5) | {"first": 1}


def test_a_store_that_refuses_is_said_in_one_line(
    objects: Objects, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, objects.url, "a", 1)
    key = "c2VjcmV0LXNlY3JldC1zZWNyZXQ="
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", key)
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", key)
    with pytest.raises(StorageError, match=r"cannot open the table: .*Check LAKEHOUSE_STO") as e:
        tables_of(tmp_path, objects.url).files(DATASET, Layer.RAW)
    assert key not in str(e.value)
    assert "\n" not in str(e.value)
