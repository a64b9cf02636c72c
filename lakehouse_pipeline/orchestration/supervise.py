"""Ends every process of one `lakehouse up`, also when the one that started them was killed.

Every process that belongs together carries the same name in its environment, and so does whatever
it starts: code servers, runs, helpers, also those that outlived their parent. As a program,
`python -m lakehouse_pipeline.orchestration.supervise NAME` waits until its standard input is
closed, which the system does when the starter ends in any way, and then ends what is left.
What is started, and how it is waited for, is in `processes.py`.
"""

import os
import signal
import sys
import time
from contextlib import suppress

import psutil

STACK = "LAKEHOUSE_STACK"
"""The environment variable that says which `lakehouse up` a process belongs to."""

GRACE_SECONDS = 8.0
"""How long a process may take to end after SIGTERM before SIGKILL."""

_POLL_SECONDS = 0.05


def processes_of(stack: str) -> list[psutil.Process]:
    """Return the living processes of `stack`, without the caller."""
    return [
        process
        for process in psutil.process_iter()
        if process.pid != os.getpid() and _stack_of(process) == stack
    ]


def end_all(stack: str, grace_seconds: float = GRACE_SECONDS) -> list[psutil.Process]:
    """End every process of `stack`, also those started meanwhile, and return who is still there.

    SIGTERM once for each, SIGKILL after `grace_seconds`. The list is empty unless a process
    cannot be ended at all.
    """
    begun = time.monotonic()
    asked: set[psutil.Process] = set()
    while alive := processes_of(stack):
        seconds = time.monotonic() - begun
        if seconds > 2 * grace_seconds:
            break
        for process in alive:
            with suppress(psutil.NoSuchProcess):
                if seconds > grace_seconds:
                    process.kill()
                elif process not in asked:
                    process.terminate()
        asked.update(alive)
        time.sleep(_POLL_SECONDS)
    return alive


def main() -> None:
    """Wait until standard input is closed, then end every process of the named stack."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    sys.stdin.buffer.read()
    end_all(sys.argv[1])


def _stack_of(process: psutil.Process) -> str | None:
    try:
        environment: dict[str, str] = process.environ()
    except (psutil.Error, OSError):
        return None
    return environment.get(STACK)


if __name__ == "__main__":
    main()
