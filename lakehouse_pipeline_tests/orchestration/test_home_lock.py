import os
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from lakehouse_pipeline.errors import AlreadyRunningError
from lakehouse_pipeline.orchestration.home_lock import PORTS, hold_home, running_url
from lakehouse_pipeline.orchestration.supervise import STACK, end_all, processes_of
from lakehouse_pipeline.settings import Settings

STUBBORN = """
import signal, subprocess, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
print(child.pid, flush=True)
signal.pause()
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home")


def test_a_second_holder_is_told_where_the_first_one_is(settings: Settings) -> None:
    with (
        hold_home(settings) as first,
        pytest.raises(AlreadyRunningError, match=f"Its UI is at {first.url}"),
        hold_home(settings),
    ):
        pytest.fail("a second one was let in")


def test_the_address_is_known_only_while_the_home_is_held(settings: Settings) -> None:
    assert running_url(settings) is None
    with hold_home(settings) as holder:
        assert running_url(settings) == holder.url
    assert running_url(settings) is None


def test_the_ports_stay_the_same(settings: Settings) -> None:
    with hold_home(settings) as first:
        pass
    with hold_home(settings) as second:
        assert (second.web_port, second.code_port) == (first.web_port, first.code_port)
        assert second.stack != first.stack


def test_a_port_that_was_taken_meanwhile_is_replaced(settings: Settings) -> None:
    with hold_home(settings) as first:
        pass
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", first.web_port))
        taken.listen()
        with hold_home(settings) as second:
            assert second.web_port != first.web_port


def test_a_damaged_memory_of_the_last_holder_is_forgotten(settings: Settings) -> None:
    settings.dagster.mkdir(parents=True)
    (settings.dagster / "up.json").write_text('{"stack": 1, "colour": 2}')
    with hold_home(settings) as holder:
        assert running_url(settings) == holder.url


def test_what_a_killed_holder_left_is_ended_first(settings: Settings) -> None:
    with hold_home(settings) as killed:
        pass
    left = subprocess.Popen(
        [sys.executable, "-c", "import signal; signal.pause()"],
        env={**os.environ, STACK: killed.stack},
    )
    with hold_home(settings):
        assert processes_of(killed.stack) == []
    assert left.wait(timeout=5) != 0


def test_a_process_that_ignores_sigterm_is_killed_with_its_children() -> None:
    stubborn = subprocess.Popen(
        [sys.executable, "-c", STUBBORN],
        env={**os.environ, STACK: "stubborn"},
        stdout=subprocess.PIPE,
        text=True,
    )
    with stubborn:
        assert stubborn.stdout is not None
        child = psutil.Process(int(stubborn.stdout.readline()))
        assert end_all("stubborn", grace_seconds=0.3) == []
    assert stubborn.returncode == -9
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE


def test_processes_of_others_are_left_alone() -> None:
    mine = {**os.environ, STACK: "mine"}
    sleeper = [sys.executable, "-c", "import signal; signal.pause()"]
    with subprocess.Popen(sleeper, env=mine) as one:
        assert end_all("someone else's") == []
        assert one.poll() is None
        assert [process.pid for process in processes_of("mine")] == [one.pid]
        assert end_all("mine") == []


def test_ports_are_none_that_the_system_hands_out_and_each_another_one(tmp_path: Path) -> None:
    with hold_home(Settings(home=tmp_path)) as first:
        ports = {first.web_port, first.code_port, first.api_port}
    assert len(ports) == 3
    assert ports <= set(PORTS)
    with hold_home(Settings(home=tmp_path)) as again:
        assert {again.web_port, again.code_port, again.api_port} == ports
