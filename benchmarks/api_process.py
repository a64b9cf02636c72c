"""What the benchmarks of the API share: a real API process, and calls to it."""

import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HOST = "127.0.0.1"
DATASET = "bench"
START_SECONDS = 120.0
POLL_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Serving:
    """An API that answers at `netloc`, with one dataset."""

    netloc: str
    pid: int

    def post(self, path: str, body: object) -> dict[str, Any]:
        """Return the answer to a call; end the program when it is refused."""
        return post(http.client.HTTPConnection(self.netloc, timeout=60), path, body)


def post(connection: http.client.HTTPConnection, path: str, body: object) -> dict[str, Any]:
    """Return the answer to a call over a connection; end the program when it is refused."""
    headers = {"Content-Type": "application/json"}
    connection.request("POST", path, json.dumps(body), headers)
    answer = connection.getresponse()
    said = answer.read()
    if answer.status >= http.client.BAD_REQUEST:
        raise SystemExit(f"WRONG: POST {path} was answered {answer.status}: {said.decode()}")
    found: dict[str, Any] = json.loads(said)
    return found


def upload_url(api: Serving, name: str) -> str:
    """Return path and query of a URL that takes a file."""
    url = str(api.post(f"/datasets/{DATASET}/upload-url", {"filename": name})["url"])
    return url.partition(api.netloc)[2]


def registered(api: Serving) -> None:
    """Register the dataset that all calls are about."""
    api.post("/datasets", {"name": DATASET, "schema": {"id": "int", "amount": "float"}})


@contextmanager
def serving(home: Path) -> Iterator[Serving]:
    """Yield the API of a new home as a process of its own, which ends with the block."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port = int(probe.getsockname()[1])
    command = [sys.executable, "-m", "lakehouse_pipeline.api.server", str(port)]
    environment = os.environ | {"LAKEHOUSE_HOME": str(home)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    with subprocess.Popen(command, env=environment) as process:  # noqa: S603 - our own module
        try:
            _wait(port)
            api = Serving(f"{HOST}:{port}", process.pid)
            registered(api)
            yield api
        finally:
            process.terminate()


def _wait(port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        with socket.socket() as probe:
            if probe.connect_ex((HOST, port)) == 0:
                return
        if time.monotonic() > deadline:
            raise SystemExit("the API did not start")
        time.sleep(POLL_SECONDS)
