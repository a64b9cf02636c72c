"""The parts of a running `lakehouse up`: what each one is, how it is started and waited for.

Which parts there are, and when they start and end, is in `processes.py`.
"""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lakehouse_pipeline.errors import LakehouseError
from lakehouse_pipeline.orchestration.graphql import ask
from lakehouse_pipeline.orchestration.home_lock import PREFIX, HomeLock
from lakehouse_pipeline.orchestration.late import HOST
from lakehouse_pipeline.orchestration.supervise import GRACE_SECONDS, STACK
from lakehouse_pipeline.settings import Settings

LOCATION = "lakehouse"
START_SECONDS = 120.0
TICK_SECONDS = 3600
"""How long a tick of the sensor may take: to read one very large file takes minutes."""

LOG_LINES = 15
OUTPUT = "output"
"""The folder of the logs, under `DAGSTER_HOME`. Not `logs`: Dagster sends what lies there away."""

LATE = "lakehouse_pipeline.orchestration.late"
_WEBSERVER = "lakehouse_pipeline.orchestration.webserver"
_POLL_SECONDS = 0.1
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_UNREACHABLE = "DagsterUserCodeUnreachableError"
_LOCATIONS = """{ workspaceOrError { ... on Workspace { locationEntries {
  locationOrLoadError { __typename ... on PythonError { className message } } } } } }"""


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
    address for people: behind the API's login once there are tokens. `tasks` are looked after each
    second of `join`, and tell people what they did.
    """

    url: str
    api_url: str = ""
    shown_url: str = ""
    parts: list[Part] = field(default_factory=list)
    tasks: list[Callable[[Callable[[str], None]], None]] = field(default_factory=list)

    def check(self) -> None:
        """Return when every process is alive. Raises: ProcessFailedError: one has ended."""
        for part in self.parts:
            code = part.process.poll()
            if code is not None:
                raise ProcessFailedError(part.name, f"ended with exit code {code}", part.log)

    def join(self, told: Callable[[str], None] = lambda _: None) -> None:
        """Wait until a signal ends the block. Raises: ProcessFailedError: a process has ended."""
        while True:
            self.check()
            for task in self.tasks:
                task(told)
            time.sleep(1)


@dataclass(frozen=True, slots=True)
class Starter:
    """Starts parts of one stack, with its settings and under its name."""

    stack: Stack
    settings: Settings
    lock: HomeLock

    def start(self, name: str, *command: str) -> Part:
        """Start a part of the stack: our own interpreter with these arguments."""
        environment = environment_of(self.settings, self.lock.stack)
        part = _start_part(name, command, self.settings.dagster / OUTPUT, environment)
        self.stack.parts.append(part)
        return part

    def webserver(self, lock: HomeLock) -> Part:
        """Start the webserver that can be operated, below the API's prefix if it has a login."""
        return self._web("webserver", lock.web_port, *_prefix(lock))

    def view(self, lock: HomeLock) -> Part:
        """Start the read-only webserver."""
        return self._web("read-only webserver", lock.view_port, *_prefix(lock), "--read-only")

    def daemon(self) -> Part:
        """Start the daemon."""
        run = ("dagster._daemon.cli", "run", "-w", str(self.workspace))
        return self.start("daemon", "-m", LATE, str(self.lock.code_port), *run)

    def wait(self, part: Part, ready: Callable[[], bool]) -> None:
        """Return when a part is ready.

        Raises: ProcessFailedError: it is not in time, or any part has ended.
        """
        deadline = time.monotonic() + START_SECONDS
        while not ready():
            self.stack.check()
            if time.monotonic() > deadline:
                what = f"was not ready after {START_SECONDS:.0f} s"
                raise ProcessFailedError(part.name, what, part.log)
            time.sleep(_POLL_SECONDS)

    def end(self, part: Part) -> None:
        """End a part and take it out of the stack."""
        self.stack.parts.remove(part)
        part.process.terminate()
        with suppress(subprocess.TimeoutExpired):
            part.process.wait(GRACE_SECONDS)
        part.process.kill()
        part.process.wait()

    @property
    def workspace(self) -> Path:
        """The file that says where the code server is."""
        return self.settings.dagster / "workspace.yaml"

    def _web(self, name: str, port: int, *options: str) -> Part:
        where = ("-h", HOST, "-p", str(port), "-w", str(self.workspace))
        return self.start(name, "-m", LATE, str(self.lock.code_port), _WEBSERVER, *where, *options)


def _prefix(lock: HomeLock) -> Sequence[str]:
    return ("--path-prefix", PREFIX) if lock.view_port else ()


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


def environment_of(settings: Settings, stack: str) -> dict[str, str]:
    """Return this process's environment, with all settings and the name of the stack.

    Without `PYTHONDONTWRITEBYTECODE`, which doubles the time that every process takes to start, and
    with `PYTHONSAFEPATH`: a `yaml.py` in the folder where somebody starts us is not imported.
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
        "PYTHONSAFEPATH": "1",
        "PYTHONUNBUFFERED": "1",
        STACK: stack,
    }
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    return environment


def write_workspace(path: Path, port: int) -> None:
    """Write the file that says where the code server is."""
    server = {"host": HOST, "port": port, "location_name": LOCATION}
    path.write_text(json.dumps({"load_from": [{"grpc_server": server}]}), "utf-8")


def location_loaded(url: str, code: Part) -> bool:
    """Return whether the webserver shows the datasets. Raises when they cannot be loaded."""
    answer = answer_of(url, _LOCATIONS)
    entries = answer["workspaceOrError"].get("locationEntries", []) if answer else []
    states = [entry["locationOrLoadError"] for entry in entries]
    for state in states:
        if state and state["__typename"] == "PythonError" and state["className"] != _UNREACHABLE:
            raise ProcessFailedError(code.name, "cannot load the definitions", code.log)
    return bool(states) and all(state and state["__typename"] != "PythonError" for state in states)


def answer_of(url: str, query: str) -> dict[str, Any] | None:
    """Return the webserver's answer, None while it does not listen yet."""
    try:
        return ask(url, query)
    except OSError:
        return None
