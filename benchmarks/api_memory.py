"""What the API process holds at rest, and how much it grows while a large file is uploaded.

One real API process on a home of its own; the file is made of zeros and streamed, so neither side
reads it from a disk. The resident set is asked every tenth of a second: the whole of it, and the
part that is this process's alone (what it shares with others are files of libraries).
"""

import argparse
import http.client
import os
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self

import psutil
from api_process import Serving, serving, upload_url

MIB = 2**20
LIMIT_MIB = 100
POLL_SECONDS = 0.1


class Watched:
    """The most that a process held while the block ran, in MiB: resident, and its own alone."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self.resident = self.own = 0.0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while True:
            held = self._process.memory_full_info()
            self.resident = max(self.resident, held.rss / MIB)
            self.own = max(self.own, held.uss / MIB)
            if self._ended.wait(POLL_SECONDS):
                return


def streamed(size: int) -> Iterator[bytes]:
    """Yield `size` bytes."""
    piece = b"0" * MIB
    for _ in range(size // MIB):
        yield piece


def put(api: Serving, size: int, name: str = "large.csv") -> float:
    """Upload a file of `size` bytes and return the seconds it took."""
    url = upload_url(api, name)
    connection = http.client.HTTPConnection(api.netloc, timeout=3600)
    began = time.perf_counter()
    connection.request("PUT", url, streamed(size), {"Content-Length": str(size)})
    answer = connection.getresponse()
    answer.read()
    if answer.status != http.client.CREATED:
        raise SystemExit(f"WRONG: the upload was answered {answer.status}")
    return time.perf_counter() - began


def main() -> None:
    """Measure and print; end with an error above the limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gib", type=float, default=5.0, help="size of the file")
    size = int(parser.parse_args().gib * 1024) * MIB
    with TemporaryDirectory() as folder, serving(Path(folder) / "home") as api:
        with Watched(api.pid) as rest:
            time.sleep(1)
        with Watched(api.pid) as busy:
            seconds = put(api, size)
        grown, own = busy.resident - rest.resident, busy.own - rest.own
        print(f"at rest        {rest.resident:6.0f} MiB resident, {rest.own:6.0f} MiB its own")
        print(f"during the PUT {busy.resident:6.0f} MiB resident, {busy.own:6.0f} MiB its own")
        print(f"grown          {grown:6.0f} MiB resident, {own:6.0f} MiB its own")
        print(f"{size / MIB:.0f} MiB in {seconds:.1f} s, {size / MIB / seconds:.0f} MiB/s")
        os.sync()
    if grown > LIMIT_MIB:
        sys.exit(f"MISSED: it grew by more than {LIMIT_MIB} MiB")


if __name__ == "__main__":
    main()
