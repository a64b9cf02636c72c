"""A real API process for the tests, and a small client that shows status, headers and bytes."""

import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from lakehouse_pipeline.access.roles import Role
from lakehouse_pipeline.orchestration.instance import open_instance
from lakehouse_pipeline.orchestration.tokens import Wanted, create_token, revoke_token
from lakehouse_pipeline.settings import Settings

CSV = b"id,amount\n1,9.5\n2,x\n3,7\n"
PUBLISHED = b"id,amount\n1,9.5\n3,7.0\n"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server said."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:  # noqa: ANN401 JSON has no narrower type
        return json.loads(self.body)

    def problem(self, status: int) -> str:
        """Return the detail of a problem document with this status."""
        assert self.headers["content-type"] == "application/problem+json", self
        assert self.json.keys() >= {"type", "title", "status", "detail"}
        assert (self.status, self.json["status"]) == (status, status), self
        return str(self.json["detail"])


@dataclass(frozen=True, slots=True)
class Api:
    """An API that listens at `url`, of the home in `home`."""

    url: str
    home: Path
    log: Path
    pid: int
    token: str = ""

    def of(self, token: str) -> "Api":
        """Return the same API, called with a token."""
        return replace(self, token=token)

    def given(self, name: str, role: str, *datasets: str, days: float = 1) -> "Api":
        """Return the same API, called with a new token of this name."""
        return self.of(make_token(self.home, name, role, *datasets, days=days))

    def call(
        self,
        method: str,
        url: str,
        body: bytes | Iterator[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send a request; `url` is a path or a whole URL."""
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=60)
        try:
            bearer = {"Authorization": f"Bearer {self.token}"} if self.token else {}
            connection.request(
                method, url.removeprefix(self.url), body, bearer | dict(headers or {})
            )
            answer = connection.getresponse()
            named = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, named, answer.read())
        finally:
            connection.close()

    def get(self, url: str, **headers: str) -> Answer:
        return self.call("GET", url, headers=_named(headers))

    def post(self, url: str, body: object, **headers: str) -> Answer:
        named = {"Content-Type": "application/json"} | _named(headers)
        return self.call("POST", url, json.dumps(body).encode(), named)

    def put(self, url: str, body: bytes | Iterator[bytes], **headers: str) -> Answer:
        return self.call("PUT", url, body, _named(headers))

    def dataset(self, name: str, **columns: str) -> str:
        """Register a dataset and return its name."""
        schema = columns or {"id": "int", "amount": "float"}
        answer = self.post("/datasets", {"name": name, "schema": schema})
        assert answer.status == 201, answer
        return name

    def upload_url(self, dataset: str, filename: str = "may.csv", **more: object) -> str:
        answer = self.post(f"/datasets/{dataset}/upload-url", {"filename": filename, **more})
        assert answer.status == 200, answer
        return str(answer.json["url"])

    def published(self, dataset: str, body: bytes = CSV, filename: str = "may.csv") -> str:
        """Upload a file, publish it, and return its batch."""
        landed = self.put(self.upload_url(dataset, filename), body)
        assert landed.status == 201, landed
        replayed = self.post("/replay", {"dataset": dataset})
        assert replayed.json["status"] == "done", replayed
        return str(landed.json["batch_id"])

    def download_url(self, dataset: str, **wanted: object) -> str:
        answer = self.post(f"/datasets/{dataset}/download-url", wanted)
        assert answer.status == 200, answer
        return str(answer.json["url"])

    def events(self, dataset: str) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = self.get(f"/events?dataset={dataset}&limit=1000").json[
            "items"
        ]
        return items

    def landed(self, dataset: str) -> list[str]:
        """Return the names of all that lies in the landing folder, hidden files too."""
        return sorted(path.name for path in (self.home / "landing" / dataset).iterdir())


def _named(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


def until(what: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def make_token(home: Path, name: str, role: str, *datasets: str, days: float = 1) -> str:
    """Make a token, as `lakehouse token create` does, and return its secret."""
    settings = Settings(home=home)
    with open_instance(settings) as instance:
        wanted = Wanted(name, Role(role), datasets, days)
        return create_token(instance, settings, wanted, "Olga")[1]


def end_token(home: Path, name: str) -> None:
    """End a token, as `lakehouse token revoke` does."""
    settings = Settings(home=home)
    with open_instance(settings) as instance:
        revoke_token(instance, settings, name, "Olga")


@contextmanager
def serving(home: Path, **more: object) -> Iterator[Api]:
    """Start the API of a home as a process of its own, and end it with the block."""
    port = free_port()
    log = home.parent / "api.log"
    settings = {"LAKEHOUSE_HOME": str(home), "LAKEHOUSE_THREADS": "1"}
    settings |= {"LAKEHOUSE_SETTLE_SECONDS": "0"}
    settings |= {f"LAKEHOUSE_{name.upper()}": str(value) for name, value in more.items()}
    command = [sys.executable, "-m", "lakehouse_pipeline.api.server", str(port)]
    environment = os.environ | settings
    with (
        log.open("wb") as output,
        subprocess.Popen(command, env=environment, stdout=output, stderr=output) as process,
    ):
        try:
            api = Api(f"http://127.0.0.1:{port}", home, log, process.pid)
            until(lambda: process.poll() is not None or listens(port), 60)
            assert process.poll() is None, log.read_text()
            yield api
        finally:
            process.terminate()
            process.wait(20)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
