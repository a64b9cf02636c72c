"""60 upload URLs a second, asked by 16 clients, while the pipeline takes in files.

A real `lakehouse up`. Every client asks at fixed moments, so an answer that comes late makes the
next one no later; what is measured is the time from the moment a call was due to its answer. Before
each run a file of 200,000 records is dropped, so that a run of the pipeline goes on beside it. Half
of each run asks `/healthz` at the same pace: what that takes is the machine's and the server's.
"""

import argparse
import http.client
import statistics
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

from api_process import DATASET, Serving, post, registered
from measuring import spread

from lakehouse_pipeline.orchestration.processes import running
from lakehouse_pipeline.settings import Settings

CLIENTS = 16
RATE = 60
"""Calls a second, of all clients together."""

LIMIT_MS = 400.0
RECORDS = 200_000


Call = Callable[[http.client.HTTPConnection, str], object]


def for_a_url(connection: http.client.HTTPConnection, name: str) -> None:
    """Ask for a URL."""
    post(connection, f"/datasets/{DATASET}/upload-url", {"filename": f"{name}.csv"})


def for_life(connection: http.client.HTTPConnection, _name: str) -> None:
    """Ask whether the process lives."""
    connection.request("GET", "/healthz")
    connection.getresponse().read()


def asked(netloc: str, ask: Call, seconds: float) -> list[float]:
    """Let all clients ask at once; return the milliseconds of every call."""
    begin = time.perf_counter() + 1
    with ThreadPoolExecutor(CLIENTS) as pool:
        futures = [
            pool.submit(asking, netloc, ask, client, seconds, begin) for client in range(CLIENTS)
        ]
        return [one for future in futures for one in future.result()]


def asking(netloc: str, ask: Call, client: int, seconds: float, begin: float) -> list[float]:
    """Ask as one client does for so long; return milliseconds from due to answered."""
    connection = http.client.HTTPConnection(netloc, timeout=60)
    took = []
    for call in range(int(seconds * RATE / CLIENTS)):
        due = begin + (call * CLIENTS + client) / RATE
        time.sleep(max(0.0, due - time.perf_counter()))
        ask(connection, f"{client}_{call}")
        took.append((time.perf_counter() - due) * 1000)
    return took


def p99(values: list[float]) -> float:
    """Return the value that one in a hundred is above."""
    return statistics.quantiles(values, n=100)[98]


def drop(home: Path, number: int) -> None:
    """Put a file into the landing folder, other content each time."""
    lines = "".join(f"{number}{n},{n}.5\n" for n in range(RECORDS))
    (home / "landing" / DATASET / f"beside-{number}.csv").write_text(f"id,amount\n{lines}")


def main() -> None:
    """Measure and print; end with an error above the limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-n", type=int, default=5, help="how many runs")
    parser.add_argument("--seconds", type=float, default=20.0, help="of one run")
    given = parser.parse_args()
    medians, last, floors = [], [], []
    with TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        with running(Settings(home=home)) as stack:
            api = Serving(urlsplit(stack.api_url).netloc, 0)
            registered(api)
            for number in range(given.n):
                drop(home, number)
                floors.append(p99(asked(api.netloc, for_life, given.seconds / 2)))
                took = asked(api.netloc, for_a_url, given.seconds / 2)
                medians.append(statistics.median(took))
                last.append(p99(took))
    print(spread("median of a run", medians, "ms"))
    print(spread("p99 of a run", last, "ms"))
    print(spread("p99 of /healthz", floors, "ms"))
    if statistics.median(last) > LIMIT_MS:
        sys.exit(f"MISSED: p99 above {LIMIT_MS:g} ms")


if __name__ == "__main__":
    main()
