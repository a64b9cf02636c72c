"""Who holds a home: one `lakehouse up` at a time, remembered with its address and ports.

The lock is the system's, so it ends with the process that holds it. What the processes of the
holder are is in `processes.py`.
"""

import json
import os
import random
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from filelock import FileLock, Timeout

from lakehouse_pipeline.errors import AlreadyRunningError
from lakehouse_pipeline.orchestration.late import HOST
from lakehouse_pipeline.orchestration.supervise import end_all
from lakehouse_pipeline.settings import Settings

PREFIX = "/dagster"
"""Where the API serves the UI when it stands behind a login."""

PORTS = range(20_000, 32_000)
"""From where ports are taken: below those that systems give to whoever asks for any port, which
another program might get between our choice and the start of the process that listens there."""


@dataclass(frozen=True, slots=True)
class HomeLock:
    """What the holder of a home uses: the name of its processes and its loopback ports.

    With a `view_port` the UI stands behind the login of the API: the webserver at `web_port` can
    be operated, that at `view_port` is read-only, both below `PREFIX`. `api_host` is what people
    call the address of the API. The ports stay the same from one start to the next as long as they
    are free, so that a bookmark of the UI keeps working.
    """

    stack: str
    web_port: int
    code_port: int
    api_port: int = 0
    view_port: int = 0
    api_host: str = HOST

    @property
    def url(self) -> str:
        """The address of the UI on loopback, for programs of this home."""
        return f"http://{HOST}:{self.web_port}{PREFIX if self.view_port else ''}"

    @property
    def view_url(self) -> str:
        """The address of the read-only UI on loopback."""
        return f"http://{HOST}:{self.view_port}{PREFIX}"

    @property
    def api_url(self) -> str:
        """The address of the HTTP API."""
        host = f"[{self.api_host}]" if ":" in self.api_host else self.api_host
        return f"http://{host}:{self.api_port}"

    @property
    def shown_url(self) -> str:
        """The address of the UI for people: behind the login of the API if there is one."""
        return f"{self.api_url}{PREFIX}" if self.view_port else self.url


@contextmanager
def hold_home(settings: Settings, *, guarded: bool = False) -> Iterator[HomeLock]:
    """Hold the home for the block, first ending what a killed holder may have left behind.

    `guarded`: the UI stands behind the login of the API.
    Raises: AlreadyRunningError: another process holds it; names that one's address.
    """
    settings.dagster.mkdir(parents=True, exist_ok=True)
    former = _remembered(settings)
    lock = FileLock(settings.dagster / "up.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise AlreadyRunningError(settings.home, former.shown_url if former else None) from None
    try:
        if former is not None:
            end_all(former.stack)
        holder = _holder(former, settings, guarded=guarded)
        _remember(settings, holder)
        yield holder
    finally:
        lock.release()


@contextmanager
def put_behind_login(settings: Settings, holder: HomeLock) -> Iterator[HomeLock]:
    """Yield a holder as it is with a login, and remember it so when the block has ended well."""
    moved = replace(holder, view_port=_free_ports(holder.view_port)[0])
    yield moved
    _remember(settings, moved)


def running(settings: Settings) -> HomeLock | None:
    """Return what the `lakehouse up` uses that holds the home, None without one."""
    former = _remembered(settings)
    if former is None:
        return None
    try:
        with FileLock(settings.dagster / "up.lock", timeout=0):
            return None
    except Timeout:
        return former


def running_url(settings: Settings) -> str | None:
    """Return the loopback address of the UI that runs on the home, None without one."""
    holder = running(settings)
    return holder.url if holder else None


def holder_of(settings: Settings) -> HomeLock | None:
    """Return the last holder of the home, running or not; it costs a read of a small file."""
    return _remembered(settings)


def _holder(former: HomeLock | None, settings: Settings, *, guarded: bool) -> HomeLock:
    last = former or HomeLock("", 0, 0)
    web, code, api, view = _free_ports(last.web_port, last.code_port, last.api_port, last.view_port)
    return HomeLock(
        secrets.token_hex(8),
        web,
        code,
        settings.api_port or api,
        view if guarded else 0,
        settings.api_names[0] if settings.api_names else settings.api_host,
    )


def _free_ports(*preferred: int) -> list[int]:
    """Return each of `preferred` that is free on loopback, and for the others free ones."""
    others = iter(random.sample(PORTS, len(PORTS)))
    found: list[int] = []
    for port in preferred:
        wanted = port
        while not wanted or wanted in found or not _is_free(wanted):
            wanted = next(others)
        found.append(wanted)
    return found


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


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
