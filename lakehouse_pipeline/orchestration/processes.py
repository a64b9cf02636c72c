"""The processes of `lakehouse up`: code server, daemon, webserver and API of one home.

`running` starts them, waits until the UI shows the datasets, and ends them with everything they
started, whatever ends the block. How they are found and ended is in `supervise.py`; who may hold
a home is in `home_lock.py`; the instance they share is in `instance.py`.
"""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from types import FrameType
from typing import Any

from lakehouse_pipeline.errors import LakehouseError
from lakehouse_pipeline.orchestration.graphql import ask
from lakehouse_pipeline.orchestration.home_lock import PREFIX, HomeLock, hold_home
from lakehouse_pipeline.orchestration.instance import fail_dead_runs, open_instance
from lakehouse_pipeline.orchestration.late import HOST, listens
from lakehouse_pipeline.orchestration.life_cycle import report_life_cycle
from lakehouse_pipeline.orchestration.supervise import GRACE_SECONDS, STACK, end_all
from lakehouse_pipeline.orchestration.tokens import require_tokens, tokens_in_force
from lakehouse_pipeline.settings import Settings

DEFINITIONS = "lakehouse_pipeline.orchestration.definitions"
LOCATION = "lakehouse"
START_SECONDS = 120.0
TICK_SECONDS = 3600
"""How long a tick of the sensor may take: to read one very large file takes minutes."""

LOG_LINES = 15
OUTPUT = "output"
"""The folder of the logs, under `DAGSTER_HOME`. Not `logs`: Dagster sends what lies there away."""

_POLL_SECONDS = 0.1
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_LATE = "lakehouse_pipeline.orchestration.late"
_WEBSERVER = "lakehouse_pipeline.orchestration.webserver"
_API = "lakehouse_pipeline.api.server"
_API_NEEDS = ("fastapi", "httpx2", "jwt", "limits", "prometheus_client", "uvicorn", "websockets")
_EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 - to know them, not to listen there
_UNREACHABLE = "DagsterUserCodeUnreachableError"
_ENDING_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_LOCATIONS = """{ workspaceOrError { ... on Workspace { locationEntries {
  locationOrLoadError { __typename ... on PythonError { className message } } } } } }"""
_HEARTBEATS = """{ instance { daemonHealth {
  allDaemonStatuses { required lastHeartbeatTime } } } }"""


class ProcessFailedError(LakehouseError):
    """A process of `lakehouse up` ended, or did not get ready; shows the end of its log."""

    def __init__(self, part: str, what: str, log: Path) -> None:
        lines = log.read_text("utf-8", errors="replace").splitlines() if log.exists() else []
        last = [_COLOUR.sub("", line) for line in lines[-LOG_LINES:]]
        shown = "\n".join(f"  {line}" for line in last) or "  (it wrote nothing)"
        super().__init__(f"the {part} {what}. The end of its log {log}:\n{shown}")


@dataclass(frozen=True, slots=True)
class Part:
    """One started process: its name for people, its handle and where its output goes."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path


@dataclass(slots=True)
class Stack:
    """The running processes of one home; `url` is the UI's address on loopback.

    `api_url` is the API's, empty without the packages of the extra `api`. `shown_url` is the UI's
    address for people: behind the API's login once there are tokens.
    """

    url: str
    api_url: str = ""
    shown_url: str = ""
    parts: list[Part] = field(default_factory=list)

    def check(self) -> None:
        """Return when every process is alive. Raises: ProcessFailedError: one has ended."""
        for part in self.parts:
            code = part.process.poll()
            if code is not None:
                raise ProcessFailedError(part.name, f"ended with exit code {code}", part.log)

    def join(self) -> None:
        """Wait until a signal ends the block. Raises: ProcessFailedError: a process has ended."""
        while True:
            self.check()
            time.sleep(1)


@contextmanager
def running(
    settings: Settings,
    report: Callable[[str], None] = lambda _: None,
    definitions: str = DEFINITIONS,
) -> Iterator[Stack]:
    """Yield the home's running code server, daemon, webserver and API, ready to be used.

    When the block ends, also by SIGINT, SIGTERM or SIGHUP, every process started here is ended
    with all its children; when this process is killed, the supervisor does it.

    Args:
        settings: `home` is the home; all of them are handed to the processes.
        report: is told, in a few words, what is waited for, each time that changes.
        definitions: the module with Dagster's definitions.

    Raises:
        AlreadyRunningError: another process holds the home.
        TokensMissingError: the API demands tokens and there is none.
        ProcessFailedError: a process ended at its start or was not ready in `START_SECONDS`.
    """
    has_api = api_is_installed()
    if has_api:
        require_tokens(settings)
    guarded = has_api and tokens_in_force(settings)
    with hold_home(settings, guarded=guarded) as lock, _signals_end_the_block():
        supervisor = _start_supervisor(lock.stack)
        stack = Stack(lock.url, lock.api_url if has_api else "", lock.shown_url)
        try:
            _start(stack, settings, lock, definitions, report)
            yield stack
        finally:
            _end(stack, lock.stack, supervisor)


def _start(
    stack: Stack,
    settings: Settings,
    lock: HomeLock,
    definitions: str,
    report: Callable[[str], None],
) -> None:
    """Start the parts side by side and return when all are ready."""
    environment = _environment(settings, lock.stack)
    workspace = _write_workspace(settings.dagster, lock.code_port)
    begun = time.time()

    def start(name: str, *command: str) -> Part:
        part = _start_part(name, command, settings.dagster / OUTPUT, environment)
        stack.parts.append(part)
        return part

    if not (settings.dagster / "schedules" / "schedules.db").exists():
        with open_instance(settings):  # a new home: two that make its tables at once break them
            pass
    code = start("code server", *_code_server(lock.code_port, definitions))
    report("opening the records")
    with open_instance(settings) as instance:
        fail_dead_runs(instance, launched=True)
        report_life_cycle(instance, settings)
    api = start("API", "-m", _API, str(lock.api_port)) if stack.api_url else None
    daemon = start("daemon", *_daemon(lock.code_port, workspace))
    prefix = ("--path-prefix", PREFIX) if lock.view_port else ()
    web = start("webserver", *_webserver(lock.code_port, lock.web_port, workspace), *prefix)
    view = None
    if lock.view_port:
        options = (*_webserver(lock.code_port, lock.view_port, workspace), *prefix)
        view = start("read-only webserver", *options, "--read-only")
    report("loading the datasets")
    _await(stack, code, lambda: listens(lock.code_port))
    report("starting the UI")
    _await(stack, web, lambda: _location_loaded(stack.url, code))
    if view is not None:
        _await(stack, view, lambda: _location_loaded(lock.view_url, code))
    report("starting the sensor")
    _await(stack, daemon, lambda: _daemon_beats(stack.url, begun))
    if api is not None:
        host = HOST if settings.api_host in _EVERYWHERE else settings.api_host
        _await(stack, api, lambda: listens(lock.api_port, host))


def api_is_installed() -> bool:
    """Return whether the packages of the extra `api` are there."""
    return all(find_spec(name) is not None for name in _API_NEEDS)


def _code_server(port: int, definitions: str) -> Sequence[str]:
    options = ("--host", HOST, "--port", str(port), "--location-name", LOCATION)
    pointer = ("--module-name", definitions, "--use-python-environment-entry-point")
    return ("-m", "dagster", "code-server", "start", *options, *pointer)


def _webserver(code_port: int, port: int, workspace: Path) -> Sequence[str]:
    options = ("-h", HOST, "-p", str(port), "-w", str(workspace))
    return ("-m", _LATE, str(code_port), _WEBSERVER, *options)


def _daemon(code_port: int, workspace: Path) -> Sequence[str]:
    return ("-m", _LATE, str(code_port), "dagster._daemon.cli", "run", "-w", str(workspace))


def _start_part(
    name: str, command: Sequence[str], logs: Path, environment: Mapping[str, str]
) -> Part:
    logs.mkdir(parents=True, exist_ok=True)
    log = logs / f"{name.lower().replace(' ', '-')}.log"
    if log.exists():
        log.replace(log.with_suffix(".log.1"))
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and our own modules
            [sys.executable, *command],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return Part(name, process, log)


def _start_supervisor(stack: str) -> subprocess.Popen[bytes]:
    module = "lakehouse_pipeline.orchestration.supervise"
    return subprocess.Popen(  # noqa: S603 - our own interpreter and our own module
        [sys.executable, "-m", module, stack], stdin=subprocess.PIPE, start_new_session=True
    )


def _end(stack: Stack, name: str, supervisor: subprocess.Popen[bytes]) -> None:
    """End every process of the stack; a second signal does not cut this short, it is bounded."""
    with _signals(signal.SIG_IGN):
        end_all(name)
        for part in stack.parts:
            with suppress(subprocess.TimeoutExpired):
                part.process.wait(GRACE_SECONDS)
        supervisor.communicate()


def _environment(settings: Settings, stack: str) -> dict[str, str]:
    """Return this process's environment, with all settings and the name of the stack.

    Without `PYTHONDONTWRITEBYTECODE`, which doubles the time that every process takes to start.
    """
    ours = {
        f"LAKEHOUSE_{key.upper()}": json.dumps(value) if isinstance(value, tuple) else str(value)
        for key, value in settings.model_dump().items()
    }
    environment = {
        **os.environ,
        **ours,
        "DAGSTER_HOME": str(settings.dagster),
        "DAGSTER_DISABLE_TELEMETRY": "yes",
        "DAGSTER_SENSOR_GRPC_TIMEOUT_SECONDS": str(TICK_SECONDS),
        "PYTHONUNBUFFERED": "1",
        STACK: stack,
    }
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    return environment


def _write_workspace(folder: Path, port: int) -> Path:
    path = folder / "workspace.yaml"
    server = {"host": HOST, "port": port, "location_name": LOCATION}
    path.write_text(json.dumps({"load_from": [{"grpc_server": server}]}), "utf-8")
    return path


def _await(stack: Stack, part: Part, ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not ready():
        stack.check()
        if time.monotonic() > deadline:
            raise ProcessFailedError(
                part.name, f"was not ready after {START_SECONDS:.0f} s", part.log
            )
        time.sleep(_POLL_SECONDS)


def _location_loaded(url: str, code: Part) -> bool:
    """Return whether the webserver shows the datasets. Raises when they cannot be loaded."""
    answer = _answer(url, _LOCATIONS)
    entries = answer["workspaceOrError"].get("locationEntries", []) if answer else []
    states = [entry["locationOrLoadError"] for entry in entries]
    for state in states:
        if state and state["__typename"] == "PythonError" and state["className"] != _UNREACHABLE:
            raise ProcessFailedError(code.name, "cannot load the definitions", code.log)
    return bool(states) and all(state and state["__typename"] != "PythonError" for state in states)


def _daemon_beats(url: str, since: float) -> bool:
    """Return whether every loop of the daemon has given a sign of life after `since`."""
    answer = _answer(url, _HEARTBEATS)
    daemons = answer["instance"]["daemonHealth"]["allDaemonStatuses"] if answer else []
    return bool(daemons) and all(
        (daemon["lastHeartbeatTime"] or 0) >= since for daemon in daemons if daemon["required"]
    )


def _answer(url: str, query: str) -> dict[str, Any] | None:
    """Return the webserver's answer, None while it does not listen yet."""
    try:
        return ask(url, query)
    except OSError:
        return None


@contextmanager
def _signals_end_the_block() -> Iterator[None]:
    """Turn the signals that end a program into exceptions, so that the block is left in order.

    Also when the shell that started us in the background had SIGINT ignored: the processes
    started here would inherit that and ignore SIGTERM, too.
    """

    def end(number: int, _frame: FrameType | None) -> None:
        if number == signal.SIGINT:
            raise KeyboardInterrupt
        raise SystemExit(128 + number)

    with _signals(end):
        yield


@contextmanager
def _signals(handler: Callable[[int, FrameType | None], None] | signal.Handlers) -> Iterator[None]:
    """Handle the ending signals with `handler` in the block; only the main thread may do that."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    former = {number: signal.signal(number, handler) for number in _ENDING_SIGNALS}
    try:
        yield
    finally:
        for number, handling in former.items():
            signal.signal(number, handling)
