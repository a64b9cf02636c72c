"""A whole `lakehouse up` killed while clients deliver: they try again, and each file is there once.

Each client behaves as a program that delivers should: it asks for a URL, sends its file, and does
both again until it is told that the file has landed.
"""

import http.client
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from lakehouse_pipeline_tests.api.client import Answer, Api, until
from lakehouse_pipeline_tests.e2e.ups import Up, of_home

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

DATASET = "sales"
RECORDS = 20
HALVES = 2
PATIENCE = 240.0


class Client:
    """Delivers one file until it has landed; `begun` is set when half of it has been sent once."""

    def __init__(self, api: Api, name: str, body: bytes, hold: threading.Event) -> None:
        self.api, self.name, self.body, self.hold = api, name, body, hold
        self.begun = threading.Event()
        self.tries = 0

    def deliver(self) -> Answer:
        """Return the answer that says that the file has landed."""
        deadline = time.monotonic() + PATIENCE
        while True:
            self.tries += 1
            try:
                answer = self.api.put(self.api.upload_url(DATASET, self.name), self._parts())
                if answer.status in (200, 201):
                    return answer
            except (OSError, http.client.HTTPException, AssertionError):
                time.sleep(0.2)
            assert time.monotonic() < deadline, self.name

    def _parts(self) -> Iterator[bytes]:
        half = len(self.body) // HALVES
        yield self.body[:half]
        self.begun.set()
        self.hold.wait(PATIENCE)
        yield self.body[half:]


def body(first: int) -> bytes:
    """Return a file of records that no other file has."""
    return b"id,amount\n" + b"".join(b"%d,1.5\n" % n for n in range(first, first + RECORDS))


def kill(up: Up, home: Path, what: str) -> None:
    """Kill, with -9, the one that was started, or every process at once as a power cut does."""
    everything = of_home(home)
    assert len(everything) >= 4  # code server, API, daemon, webserver
    supervisors = psutil.Process(up.process.pid).children()
    up.process.kill()
    for process in (*supervisors, *everything) if what == "every process" else ():
        with suppress(psutil.NoSuchProcess):
            process.kill()
    up.process.wait(30)
    until(lambda: of_home(home) == [], 60)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[], Up]]:
    """Yield what starts a `lakehouse up` on the test's home; whatever is left of it is ended."""
    started: list[Up] = []

    def begin() -> Up:
        started.append(Up(tmp_path / "home"))
        return started[-1]

    yield begin
    for up in started:
        up.end()
    for process in of_home(tmp_path / "home"):
        process.kill()


@pytest.mark.parametrize("what", ["who started it", "every process"])
def test_what_is_delivered_while_everything_is_killed_is_there_once(
    start: Callable[[], Up], tmp_path: Path, what: str
) -> None:
    home = tmp_path / "home"
    first = start()
    address = first.said("Portal: ")
    api = Api(address, home, tmp_path, first.process.pid)
    api.dataset(DATASET)
    assert api.put(api.upload_url(DATASET, "before.csv"), body(0)).status == 201
    held, free = threading.Event(), threading.Event()
    free.set()
    under_way = [
        Client(api, "alone.csv", body(1000), held),
        Client(api, "repeated.csv", body(2000), held),
        Client(api, "repeated.csv", body(2000), held),
        Client(api, "raced.csv", body(3000), held),
        Client(api, "raced.csv", body(4000), held),
    ]
    storm = [Client(api, f"storm-{n}.csv", body(10_000 + 100 * n), free) for n in range(30)]
    with ThreadPoolExecutor(len(under_way) + 3) as pool:
        landed = [pool.submit(client.deliver) for client in under_way]
        for client in under_way:
            assert client.begun.wait(60)
        landed += [pool.submit(client.deliver) for client in storm]
        until(lambda: sum(map(Future.done, landed)) >= 5)  # some have landed, some are under way
        kill(first, home, what)
        held.set()
        known = {one.result().json["batch_id"] for one in landed if one.done()}
        second = start()
        assert second.said("Portal: ") == address
        answers = [one.result(PATIENCE) for one in landed]
    assert all(client.tries > 1 for client in under_way)
    batches = [answer.json["batch_id"] for answer in answers]
    assert known <= set(batches)
    assert len(set(batches)) == len(batches) - 1  # the repeated one is one batch
    contents = {body(n) for n in (0, 1000, 2000, 3000, 4000)}
    contents |= {client.body for client in storm}
    delivered = [path.read_bytes() for path in (home / "landing" / DATASET).iterdir()]
    assert sorted(delivered) == sorted(contents)
    until(lambda: states(api).count("published") == len(contents), PATIENCE)
    assert set(states(api)) == {"published"}
    assert len(states(api)) == len(contents)
    sums = "SELECT count(*) AS n, count(DISTINCT id) AS ids, min(id) AS first FROM sales"
    (row,) = api.post("/query", {"sql": sums}).json["rows"]
    assert row == {"n": RECORDS * len(contents), "ids": RECORDS * len(contents), "first": 0}
    second.command("verify")
    second.end()
    assert of_home(home) == []


def states(api: Api) -> list[str]:
    return [batch["state"] for batch in api.get(f"/datasets/{DATASET}/batches").json["items"]]
