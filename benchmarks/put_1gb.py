"""A PUT of 1 GB against writing and flushing the same bytes with Python, in pairs.

The product is held to at least half the speed. Both write to the same disk, one after the other, so
that other work of the machine slows both. Client and server share the cores of the machine.
"""

import argparse
import os
import statistics
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from api_memory import MIB, put, streamed
from api_process import DATASET, serving
from measuring import spread

LIMIT = 2.0
"""How many times the seconds of Python a PUT may take."""


def written(path: Path, size: int) -> float:
    """Write and flush a file of `size` bytes; return the seconds it took."""
    began = time.perf_counter()
    with path.open("wb") as file:
        for piece in streamed(size):
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())
    seconds = time.perf_counter() - began
    path.unlink()
    return seconds


def main() -> None:
    """Measure and print; end with an error below half the speed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-n", type=int, default=5, help="how many pairs")
    parser.add_argument("--mib", type=int, default=1024, help="size of the file")
    given = parser.parse_args()
    size, floors, puts = given.mib * MIB, [], []
    with TemporaryDirectory() as folder, serving(Path(folder) / "home") as api:
        for number in range(given.n):
            floors.append(written(Path(folder) / "floor", size))
            puts.append(put(api, size, f"{number}.csv"))
            for landed in (Path(folder) / "home" / "landing" / DATASET).iterdir():
                landed.unlink()
    ratios = [one / floor for one, floor in zip(puts, floors, strict=True)]
    print(spread("Python alone", floors))
    print(spread("PUT", puts))
    print(spread("PUT / Python", ratios, "times"))
    if statistics.median(ratios) > LIMIT:
        sys.exit(f"MISSED: more than {LIMIT:g} times the seconds of Python")


if __name__ == "__main__":
    main()
