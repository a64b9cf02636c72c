import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from dagster import AssetKey, AssetMaterialization, DagsterInstance
from dagster._core.events.log import EventLogEntry
from dagster._core.storage.event_log import SqliteEventLogStorage

from lakehouse_pipeline.orchestration.event_storage import KEPT_SHARDS, KeptSqliteEventLog
from lakehouse_pipeline.orchestration.instance import open_instance
from lakehouse_pipeline.settings import Settings

WRITER = """
import sys
from pathlib import Path
from dagster import AssetMaterialization
from lakehouse_pipeline.orchestration.instance import open_instance
from lakehouse_pipeline.settings import Settings
with open_instance(Settings(home=Path(sys.argv[1]))) as instance:
    for number in range(100_000):
        instance.report_runless_asset_event(AssetMaterialization("a", partition=f"b{number}"))
        print(number, flush=True)
"""


def event(run_id: str, message: str = "hello") -> EventLogEntry:
    return EventLogEntry(  # type: ignore[no-untyped-call] # Dagster's __new__ has no types
        error_info=None,
        level=20,
        user_message=message,
        run_id=run_id,
        timestamp=time.time(),
        step_key=None,
        job_name="job",
        dagster_event=None,
    )


def messages(storage: SqliteEventLogStorage, run_id: str) -> list[str]:
    return [entry.user_message for entry in storage.get_logs_for_run(run_id)]


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[KeptSqliteEventLog]:
    kept = KeptSqliteEventLog(str(tmp_path / "runs"))
    yield kept
    kept.dispose()


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[DagsterInstance]:
    with open_instance(Settings(home=tmp_path / "home")) as opened:
        yield opened


def open_databases() -> set[str]:
    return {Path(file.path).name for file in psutil.Process().open_files() if ".db" in file.path}


def test_a_home_keeps_its_events_in_this_storage(instance: DagsterInstance) -> None:
    assert type(instance.event_log_storage) is KeptSqliteEventLog


def test_dagsters_own_storage_reads_what_was_written(
    storage: KeptSqliteEventLog, tmp_path: Path
) -> None:
    storage.store_event(event("run"))
    plain = SqliteEventLogStorage(str(tmp_path / "runs"))
    assert messages(plain, "run") == ["hello"]
    plain.dispose()


def test_every_write_is_flushed_to_the_disk(storage: KeptSqliteEventLog) -> None:
    full = 2
    for connect in (storage.index_connection, lambda: storage.run_connection("run")):
        with connect() as connection:
            assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == full
            assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"


def test_only_the_last_runs_stay_open(storage: KeptSqliteEventLog) -> None:
    for number in range(KEPT_SHARDS + 4):
        storage.store_event(event(f"run{number}"))
    databases = {name for name in open_databases() if name.endswith(".db")}
    assert len(databases) <= KEPT_SHARDS
    assert f"run{KEPT_SHARDS + 3}.db" in databases
    assert messages(storage, "run0") == ["hello"]


def test_dispose_closes_every_database(storage: KeptSqliteEventLog) -> None:
    storage.store_event(event("run"))
    assert "run.db" in open_databases()
    storage.dispose()
    assert "run.db" not in open_databases()


def test_a_database_deleted_by_another_process_is_made_anew(
    storage: KeptSqliteEventLog, tmp_path: Path
) -> None:
    storage.store_event(event("run", "before"))
    for file in (tmp_path / "runs").glob("run.db*"):
        file.unlink()
    storage.store_event(event("run", "after"))
    with sqlite3.connect(tmp_path / "runs" / "run.db") as other:
        assert other.execute("SELECT count(*) FROM event_logs").fetchone() == (1,)
    other.close()
    assert messages(storage, "run") == ["after"]


def test_threads_writing_to_many_runs_lose_nothing(storage: KeptSqliteEventLog) -> None:
    runs = [f"run{number}" for number in range(2 * KEPT_SHARDS)]

    def write() -> None:
        for run in runs:
            storage.store_event(event(run))

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [len(messages(storage, run)) for run in runs] == [4] * len(runs)


def test_a_watcher_in_another_process_sees_a_write(
    storage: KeptSqliteEventLog, tmp_path: Path
) -> None:
    storage.store_event(event("run", "first"))
    seen: list[str] = []
    arrived = threading.Event()

    def note(entry: EventLogEntry, _cursor: str) -> None:
        seen.append(entry.user_message)
        if len(seen) == 2:
            arrived.set()

    watching = KeptSqliteEventLog(str(tmp_path / "runs"))
    watching.watch("run", None, note)
    storage.store_event(event("run", "second"))
    assert arrived.wait(timeout=20), seen
    watching.end_watch("run", note)
    watching.dispose()
    assert seen == ["first", "second"]


def test_a_forked_child_writes_beside_its_parent(storage: KeptSqliteEventLog) -> None:
    storage.store_event(event("run", "parent"))
    child = os.fork()
    if child == 0:
        storage.store_event(event("run", "child"))
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    storage.store_event(event("run", "parent again"))
    assert messages(storage, "run") == ["parent", "child", "parent again"]
    with storage.run_connection("run") as connection:
        assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"


@pytest.mark.slow
def test_an_event_that_was_acknowledged_survives_kill_9(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WRITER, str(tmp_path / "home")]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        acknowledged = 0
        for line in writer.stdout:
            acknowledged = int(line) + 1
            if acknowledged == 50:
                writer.send_signal(signal.SIGKILL)
    with open_instance(Settings(home=tmp_path / "home")) as instance:
        kept = instance.get_materialized_partitions(AssetKey("a"))
    assert kept >= {f"b{number}" for number in range(acknowledged)}


def test_a_materialization_is_found_by_its_partition(instance: DagsterInstance) -> None:
    instance.report_runless_asset_event(AssetMaterialization("a", partition="b1"))
    assert instance.get_materialized_partitions(AssetKey("a")) == {"b1"}
