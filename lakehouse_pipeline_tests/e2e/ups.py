"""A `lakehouse up` as people start it, what it prints, and the processes that belong to it."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from queue import Queue
from threading import Thread

import psutil

from lakehouse_pipeline.orchestration.supervise import STACK

LAKEHOUSE = (sys.executable, "-P", "-c", "from lakehouse_pipeline.cli.main import main; main()")
SECONDS = 90.0


class Up:
    """A running `lakehouse up` of one home, started in a folder; `end` it."""

    def __init__(self, home: Path, folder: Path | None = None) -> None:
        self.environment = os.environ | {"LAKEHOUSE_HOME": str(home), "LAKEHOUSE_THREADS": "1"}
        self.process = subprocess.Popen(
            [*LAKEHOUSE, "up"],
            env=self.environment | {"PYTHONUNBUFFERED": "1"},
            cwd=folder,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.lines: Queue[str] = Queue()
        self.reader = Thread(target=self._read)
        self.reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.put(line.rstrip())

    def said(self, begin: str) -> str:
        """Return the rest of the next line that begins so."""
        while True:
            line = self.lines.get(timeout=SECONDS)
            if line.startswith(begin):
                return line.removeprefix(begin)

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run another command on the same home; it has to end well."""
        return subprocess.run(
            [*LAKEHOUSE, *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            check=True,
        )

    def end(self) -> None:
        """End it as Ctrl-C does, unless it has ended."""
        self.process.send_signal(signal.SIGINT)
        self.process.wait(60)
        self.reader.join(60)
        assert self.process.stdout is not None
        self.process.stdout.close()


def of_home(home: Path) -> list[psutil.Process]:
    """Return every living process of a `lakehouse up` that works on this home."""
    found = []
    for process in psutil.process_iter():
        try:
            environment = process.environ()
        except (psutil.Error, OSError):
            continue
        if STACK in environment and environment.get("LAKEHOUSE_HOME") == str(home):
            found.append(process)
    return found
