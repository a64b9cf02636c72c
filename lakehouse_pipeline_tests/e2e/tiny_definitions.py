"""A code location of its own for the tests of `processes.py`: a run that never ends by itself."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import dagster as dg


@dg.op
def never_ends() -> None:
    helper = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
    note = Path(os.environ["LAKEHOUSE_HOME"]) / "run.pids"
    part = note.with_suffix(".part")
    part.write_text(f"{os.getpid()} {helper.pid}")
    part.replace(note)
    while True:
        signal.pause()


@dg.job
def endless() -> None:
    never_ends()


defs = dg.Definitions(jobs=[endless], executor=dg.in_process_executor)
