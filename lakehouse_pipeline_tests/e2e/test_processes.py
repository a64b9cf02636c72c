import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from dagster import DagsterRunStatus

from lakehouse_pipeline.errors import AlreadyRunningError
from lakehouse_pipeline.orchestration.graphql import ask
from lakehouse_pipeline.orchestration.home_lock import running_url
from lakehouse_pipeline.orchestration.instance import DIED_TAG, fail_dead_runs, open_instance
from lakehouse_pipeline.orchestration.parts import OUTPUT, ProcessFailedError, environment_of
from lakehouse_pipeline.orchestration.processes import _signals_end_the_block, running
from lakehouse_pipeline.settings import Settings
from lakehouse_pipeline_tests.e2e.ups import of_home

pytestmark = pytest.mark.slow

DEFINITIONS = "lakehouse_pipeline_tests.e2e.tiny_definitions"
UP = """
import sys
from pathlib import Path
from lakehouse_pipeline.orchestration.processes import running
from lakehouse_pipeline.settings import Settings
with running(Settings(home=Path(sys.argv[1])), definitions=sys.argv[2]) as stack:
    print(stack.url, flush=True)
    stack.join()
"""
LAUNCH = """mutation { launchRun(executionParams: { selector: {
  repositoryLocationName: "lakehouse", repositoryName: "__repository__", jobName: "endless" } }) {
  __typename ... on LaunchRunSuccess { run { runId } } } }"""


def until(what: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def run_pids(home: Path) -> list[int]:
    """Return the process of the endless run and that of the helper it started."""
    return [int(pid) for pid in (home / "run.pids").read_text().split()]


def is_alive(pid: int) -> bool:
    """Return whether the process works; one that ended and was not yet fetched does not."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "home"
    yield path
    for process in of_home(path):
        process.kill()


@pytest.fixture
def up(home: Path) -> Iterator[subprocess.Popen[str]]:
    """Yield a process that holds `home` with an endless run under way."""
    started = start_up(home)
    yield started
    started.kill()
    started.communicate()


def start_up(home: Path) -> subprocess.Popen[str]:
    """Start the stack as a shell's background job does, with SIGINT ignored; launch a run."""
    background = ["sh", "-c", 'trap "" INT; exec "$@"', "sh"]
    command = [*background, sys.executable, "-c", UP, str(home), DEFINITIONS]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    url = process.stdout.readline().strip()
    answer = ask(url, LAUNCH)
    assert answer["launchRun"]["__typename"] == "LaunchRunSuccess", answer
    until((home / "run.pids").exists)
    return process


def test_two_homes_work_side_by_side_and_leave_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    one, other = Settings(home=tmp_path / "one", threads=3), Settings(home=tmp_path / "other")
    told: list[str] = []
    with running(one, told.append, DEFINITIONS) as first:
        assert told == [
            "opening the records",
            "loading the datasets",
            "starting the UI",
            "starting the sensor",
        ]
        assert running_url(one) == first.url
        with pytest.raises(AlreadyRunningError, match=first.url), running(one):
            pytest.fail("a second one was let in")
        with running(other, definitions=DEFINITIONS) as second:
            assert ask(second.url, "{ version }") == ask(first.url, "{ version }")
        assert of_home(other.home) == []
        assert_environment(psutil.Process(first.parts[0].process.pid).environ(), threads="3")
        first.check()
        first.parts[-1].process.kill()
        with pytest.raises(ProcessFailedError, match="the webserver ended with exit code -9"):
            first.join()
    assert of_home(one.home) == []
    assert running_url(one) is None
    assert (one.dagster / OUTPUT / "daemon.log").exists()


def assert_environment(environment: dict[str, str], threads: str) -> None:
    """Settings are handed on, what slows Python down is not, and this process keeps its own."""
    assert environment["LAKEHOUSE_THREADS"] == threads
    assert "PYTHONDONTWRITEBYTECODE" not in environment
    assert os.environ["PYTHONDONTWRITEBYTECODE"] == "1"


def test_the_processes_read_every_setting_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = Settings(home=tmp_path, check_modules=("a.b", "c"), api_names=(), api_tokens=True)
    for name, value in environment_of(given, "stack").items():
        monkeypatch.setenv(name, value)
    assert Settings() == given


def test_ctrl_c_ends_every_process_and_every_run(up: subprocess.Popen[str], home: Path) -> None:
    pids = run_pids(home)
    up.send_signal(signal.SIGINT)
    assert up.wait(timeout=40) != 0
    assert of_home(home) == []
    assert not any(map(is_alive, pids))


def test_after_kill_9_nothing_is_left_and_the_next_start_says_that_the_run_died(
    up: subprocess.Popen[str], home: Path
) -> None:
    pids = run_pids(home)
    up.kill()
    until(lambda: not of_home(home), seconds=30)
    until(lambda: not any(map(is_alive, pids)), seconds=5)
    settings = Settings(home=home)
    with running(settings, definitions=DEFINITIONS), open_instance(settings) as instance:
        (run,) = instance.get_runs()
        assert (run.status, run.tags[DIED_TAG]) == (DagsterRunStatus.FAILURE, "true")
        assert fail_dead_runs(instance, launched=True) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_leaves_the_block_in_order(number: signal.Signals) -> None:
    former = signal.getsignal(number)
    with pytest.raises((KeyboardInterrupt, SystemExit)), _signals_end_the_block():
        signal.raise_signal(number)
    assert signal.getsignal(number) == former


def test_a_part_that_dies_at_its_start_is_one_error_with_its_log(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lakehouse_pipeline.orchestration.parts.LATE", "no.such.module")
    with pytest.raises(ProcessFailedError) as failed, running(Settings(home=home)):
        pytest.fail("it started")
    assert re.search("the (daemon|webserver) ended with exit code 1", str(failed.value))
    assert "No module named" in str(failed.value)
    assert of_home(home) == []


def test_definitions_that_do_not_load_are_one_error_with_the_log(home: Path) -> None:
    settings = Settings(home=home)
    with pytest.raises(ProcessFailedError) as failed, running(settings, definitions="no_such"):
        pytest.fail("it started")
    assert "the code server cannot load the definitions" in str(failed.value)
    assert "no_such" in str(failed.value)
    assert of_home(home) == []
