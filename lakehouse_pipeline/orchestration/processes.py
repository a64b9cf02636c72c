"""The processes of `lakehouse up`: code server, daemon, webserver and API of one home.

`running` starts them, waits until the UI shows the datasets, and ends them with everything they
started, whatever ends the block. How they are found and ended is in `supervise.py`; who may hold
a home is in `home_lock.py`; the instance they share is in `instance.py`.
"""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from types import FrameType

from lakehouse_pipeline.orchestration.behind_login import Move
from lakehouse_pipeline.orchestration.home_lock import HomeLock, hold_home
from lakehouse_pipeline.orchestration.instance import fail_dead_runs, open_instance
from lakehouse_pipeline.orchestration.late import HOST, listens
from lakehouse_pipeline.orchestration.life_cycle import report_life_cycle
from lakehouse_pipeline.orchestration.parts import (
    LOCATION,
    Stack,
    Starter,
    answer_of,
    location_loaded,
    write_workspace,
)
from lakehouse_pipeline.orchestration.supervise import GRACE_SECONDS, end_all
from lakehouse_pipeline.orchestration.tokens import require_tokens, tokens_in_force
from lakehouse_pipeline.settings import Settings

DEFINITIONS = "lakehouse_pipeline.orchestration.definitions"
_API = "lakehouse_pipeline.api.server"
_API_NEEDS = ("fastapi", "httpx2", "jwt", "limits", "prometheus_client", "uvicorn", "websockets")
_EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 - to know them, not to listen there
_ENDING_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_HEARTBEATS = """{ instance { daemonHealth {
  allDaemonStatuses { required lastHeartbeatTime } } } }"""


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
    starter = Starter(stack, settings, lock)
    write_workspace(starter.workspace, lock.code_port)
    begun = time.time()
    if not (settings.dagster / "schedules" / "schedules.db").exists():
        with open_instance(settings):  # a new home: two that make its tables at once break them
            pass
    folder = settings.dagster.resolve()  # Dagster puts it on sys.path: not where somebody starts us
    code = starter.start("code server", *_code_server(lock.code_port, definitions, folder))
    report("opening the records")
    with open_instance(settings) as instance:
        fail_dead_runs(instance, launched=True)
        report_life_cycle(instance, settings)
    api = starter.start("API", "-m", _API, str(lock.api_port)) if stack.api_url else None
    daemon = starter.daemon()
    web = starter.webserver(lock)
    view = starter.view(lock) if lock.view_port else None
    report("loading the datasets")
    starter.wait(code, lambda: listens(lock.code_port))
    report("starting the UI")
    starter.wait(web, lambda: location_loaded(lock.url, code))
    if view is not None:
        starter.wait(view, lambda: location_loaded(lock.view_url, code))
    report("starting the sensor")
    starter.wait(daemon, lambda: _daemon_beats(lock.url, begun))
    if api is not None:
        host = HOST if settings.api_host in _EVERYWHERE else settings.api_host
        starter.wait(api, lambda: listens(lock.api_port, host))
        if view is None:
            stack.tasks.append(Move(starter, code, web).look)


def api_is_installed() -> bool:
    """Return whether the packages of the extra `api` are there."""
    return all(find_spec(name) is not None for name in _API_NEEDS)


def _code_server(port: int, definitions: str, folder: Path) -> Sequence[str]:
    options = ("--host", HOST, "--port", str(port), "--location-name", LOCATION)
    pointer = ("--module-name", definitions, "--working-directory", str(folder))
    python = "--use-python-environment-entry-point"
    return ("-m", "dagster", "code-server", "start", *options, *pointer, python)


def _start_supervisor(stack: str) -> subprocess.Popen[bytes]:
    module = "lakehouse_pipeline.orchestration.supervise"
    return subprocess.Popen(  # noqa: S603 - our own interpreter and our own module
        [sys.executable, "-P", "-m", module, stack], stdin=subprocess.PIPE, start_new_session=True
    )


def _end(stack: Stack, name: str, supervisor: subprocess.Popen[bytes]) -> None:
    """End every process of the stack; a second signal does not cut this short, it is bounded."""
    with _signals(signal.SIG_IGN):
        end_all(name)
        for part in stack.parts:
            with suppress(subprocess.TimeoutExpired):
                part.process.wait(GRACE_SECONDS)
        supervisor.communicate()


def _daemon_beats(url: str, since: float) -> bool:
    """Return whether every loop of the daemon has given a sign of life after `since`."""
    answer = answer_of(url, _HEARTBEATS)
    daemons = answer["instance"]["daemonHealth"]["allDaemonStatuses"] if answer else []
    return bool(daemons) and all(
        (daemon["lastHeartbeatTime"] or 0) >= since for daemon in daemons if daemon["required"]
    )


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
