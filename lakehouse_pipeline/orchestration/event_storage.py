"""Where one home keeps Dagster's runs, events and ticks: SQLite, made fit for an audit stream.

Dagster opens and closes a database for every event it writes. `KeptSqliteEventLog` keeps the
databases of the last runs open instead: the same files and tables, 6.5 ms an event where it was
18.6 ms (a run over 100 batches, 1,212 events: 7.9 s for 22 s), each flushed to the disk before the
write returns; without the flush it would be 4.6 ms (docs/decisions/0004-event-storage.md).
`HomeStorage` is what `dagster.yaml` names. How a home is configured is in `instance.py`; what the
events say is in `audit/`.
"""

import os
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Self

from dagster._core.events.log import EventLogEntry
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._core.storage.sqlite_storage import (
    DagsterSqliteStorage,
    _event_logs_directory,
)
from dagster._serdes import ConfigurableClassData
from sqlalchemy import Connection, Engine, QueuePool, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

KEPT_SHARDS = 8
"""How many databases stay open; each holds three file descriptors."""

_inherited: list[object] = []
"""Connections opened before a fork. Closing one in the child would damage the parent's file."""


@dataclass(frozen=True, slots=True)
class _Shard:
    """An open database of one run (or `index`), and the file it stands for."""

    engine: Engine
    file: tuple[int, int]


class KeptSqliteEventLog(SqliteEventLogStorage):
    """Dagster's SQLite event log with the databases of the last `KEPT_SHARDS` runs kept open.

    A returned write is on the disk (`synchronous=FULL`), so neither `kill -9` nor a power cut
    loses an event. One lock per storage orders all access, as in the parent class. A database
    that was deleted or replaced by another process is opened anew: nothing is ever written to a
    file that no longer has a name.
    """

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._shards: OrderedDict[str, _Shard] = OrderedDict()
        self._pid = os.getpid()
        super().__init__(base_dir, inst_data)

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> Self:
        """Return the storage a `dagster.yaml` describes; the parent would return its own class."""
        return cls(inst_data=inst_data, **config_value)

    def store_event(self, event: EventLogEntry) -> None:
        """Store `event`, then touch the run's file: that is how other processes' watchers learn.

        With the database kept open a write reaches the `-wal` file only, which nobody watches.
        """
        super().store_event(event)
        os.utime(self.path_for_shard(event.run_id))

    def dispose(self) -> None:
        """Close every kept database and stop the watcher."""
        super().dispose()
        with self._db_lock:
            self._close_all()

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        with self._db_lock, self._kept(shard).engine.begin() as connection:
            yield connection

    def _kept(self, name: str) -> _Shard:
        self._forget_what_a_fork_inherited()
        shard = self._shards.pop(name, None)
        if shard is not None and shard.file != _file(self.path_for_shard(name)):
            shard.engine.dispose()
            self._initialized_dbs.discard(name)
            shard = None
        self._shards[name] = shard or self._open(name)
        while len(self._shards) > KEPT_SHARDS:
            self._shards.popitem(last=False)[1].engine.dispose()
        return self._shards[name]

    def _open(self, name: str) -> _Shard:
        path = self.path_for_shard(name)
        if _file(path) is None:
            self._initialized_dbs.discard(name)
        engine = create_engine(
            self.conn_string_for_shard(name),
            poolclass=QueuePool,
            pool_size=1,
            max_overflow=1,  # setting a new database up takes two connections
            connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS, "check_same_thread": False},
        )
        event.listen(engine, "connect", _write_through)
        if name not in self._initialized_dbs:
            self._initdb(engine)
            self._initialized_dbs.add(name)
            engine.dispose()  # a connection from before the switch to WAL may not know of it yet
        file = _file(path)
        if file is None:
            raise FileNotFoundError(path)
        return _Shard(engine, file)

    def _close_all(self) -> None:
        while self._shards:
            self._shards.popitem()[1].engine.dispose()

    def _forget_what_a_fork_inherited(self) -> None:
        if self._pid != os.getpid():
            _inherited.append(self._shards)
            self._shards = OrderedDict()
            self._pid = os.getpid()


class HomeStorage(DagsterSqliteStorage):
    """Dagster's SQLite storage under one folder, with `KeptSqliteEventLog` for the events.

    Files lie where the default storage puts them, so either can open what the other wrote.
    """

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        super().__init__(base_dir, inst_data)
        self._event_log_storage = KeptSqliteEventLog(_event_logs_directory(base_dir))

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> Self:
        """Return the storage a `dagster.yaml` describes; the parent would return its own class."""
        return cls.from_local(inst_data=inst_data, **config_value)


def _write_through(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    """Make every commit wait for the disk, whatever this SQLite was built with."""
    cursor = connection.cursor()
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.close()


def _file(path: str) -> tuple[int, int] | None:
    """Return device and inode of `path`, None when there is no such file."""
    try:
        status = os.stat(path)  # noqa: PTH116 - called for every event; Path costs twice as much
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino
