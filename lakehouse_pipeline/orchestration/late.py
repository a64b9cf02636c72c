"""Runs a Dagster command as soon as the code server answers, loaded beforehand.

`python -m lakehouse_pipeline.orchestration.late PORT MODULE ARGUMENT…` imports MODULE at once and
calls its `main` when somebody listens on loopback PORT. Dagster's daemon looks for a code server
that was not there at its start only once a minute; starting it early and letting it wait saves the
second that loading takes. Nothing here has a deadline: whoever starts the processes has one.
"""

import importlib
import socket
import sys
import time

HOST = "127.0.0.1"
POLL_SECONDS = 0.05


def listens(port: int, host: str = HOST) -> bool:
    """Return whether somebody listens on this port."""
    try:
        with socket.create_connection((host, port), timeout=1):
            return True
    except OSError:
        return False


def main() -> None:
    """Load the module, wait for the port, and become the command."""
    port, name = int(sys.argv[1]), sys.argv[2]
    module = importlib.import_module(name)
    sys.argv = [name, *sys.argv[3:]]
    while not listens(port):
        time.sleep(POLL_SECONDS)
    module.main()


if __name__ == "__main__":
    main()
