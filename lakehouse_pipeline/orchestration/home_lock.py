"""Who holds a home: one `lakehouse up` at a time, remembered with its address and ports.

The lock is the system's, so it ends with the process that holds it. What the processes of the
holder are is in `processes.py`.
"""

import json
import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from lakehouse_pipeline.errors import AlreadyRunningError
from lakehouse_pipeline.orchestration.late import HOST
from lakehouse_pipeline.orchestration.supervise import end_all
from lakehouse_pipeline.settings import Settings


@dataclass(frozen=True, slots=True)
class HomeLock:
    """What the holder of a home uses: the name of its processes and its loopback ports.

    The ports stay the same from one start to the next as long as they are free, so that a
    bookmark of the UI keeps working.
    """

    stack: str
    web_port: int
    code_port: int
    api_port: int = 0

    @property
    def url(self) -> str:
        """The address of the UI."""
        return f"http://{HOST}:{self.web_port}"

    @property
    def api_url(self) -> str:
        """The address of the HTTP API."""
        return f"http://{HOST}:{self.api_port}"


@contextmanager
def hold_home(settings: Settings) -> Iterator[HomeLock]:
    """Hold the home for the block, first ending what a killed holder may have left behind.

    Raises: AlreadyRunningError: another process holds it; names that one's address.
    """
    settings.dagster.mkdir(parents=True, exist_ok=True)
    former = _remembered(settings)
    lock = FileLock(settings.dagster / "up.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise AlreadyRunningError(settings.home, former.url if former else None) from None
    try:
        if former is not None:
            end_all(former.stack)
        holder = _holder(former)
        _remember(settings, holder)
        yield holder
    finally:
        lock.release()


def running_url(settings: Settings) -> str | None:
    """Return the address of the UI of the `lakehouse up` that holds the home, None without one."""
    former = _remembered(settings)
    if former is None:
        return None
    try:
        with FileLock(settings.dagster / "up.lock", timeout=0):
            return None
    except Timeout:
        return former.url


def _holder(former: HomeLock | None) -> HomeLock:
    wanted = (former.web_port, former.code_port, former.api_port) if former else (0, 0, 0)
    return HomeLock(secrets.token_hex(8), *map(_free_port, wanted))


def _free_port(preferred: int) -> int:
    """Return `preferred` when it is free on loopback, else any free port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, preferred))
        except OSError:
            return _free_port(0)
        port: int = probe.getsockname()[1]
        return port


def _file(settings: Settings) -> Path:
    return settings.dagster / "up.json"


def _remember(settings: Settings, holder: HomeLock) -> None:
    new = _file(settings).with_suffix(f".{os.getpid()}.part")
    new.write_text(json.dumps(asdict(holder)), "utf-8")
    new.replace(_file(settings))


def _remembered(settings: Settings) -> HomeLock | None:
    """Return the last holder; None when there was none or the file is not one of ours."""
    try:
        return HomeLock(**json.loads(_file(settings).read_text("utf-8")))
    except (FileNotFoundError, json.JSONDecodeError, TypeError):
        return None
