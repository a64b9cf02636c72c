"""5,000,000 orders: `lakehouse ingest` beside the floor, DuckDB alone from CSV to Parquet.

Both run alternately on the same file, `ingest` as a whole process in a fresh home each time.
Prints minimum, median and maximum of each, the ratio of every pair, the seconds per layer and the
peak memory. Ends with an error unless exactly 2 % of the records are quarantined.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from measuring import SHARED, existing, layer_seconds, must_be, register, spread

from lakehouse_pipeline.orchestration.instance import open_instance
from lakehouse_pipeline.settings import Settings

LAKEHOUSE = (sys.executable, "-c", "from lakehouse_pipeline.cli.main import main; main()")


@dataclass(frozen=True, slots=True)
class Finished:
    """A process that ended well: its output, wall seconds and peak memory in MB."""

    output: str
    seconds: float
    peak: float


def main() -> None:
    """Make the file unless one is named, run the pairs, print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, default=SHARED, help="folder of the inputs")
    parser.add_argument("--file", type=Path, help="the file of orders; made when not named")
    parser.add_argument("--rows", type=int, default=5_000_000, help="records of the file to make")
    parser.add_argument("-n", "--pairs", type=int, default=5)
    options = parser.parse_args()
    bench = existing(options.shared / "bench")
    contract = existing(options.shared / "contracts" / "orders.odcs.yaml")
    with tempfile.TemporaryDirectory(prefix="lakehouse-") as folder:
        file = existing(options.file) if options.file else Path(folder) / "orders.csv"
        if not options.file:
            run([sys.executable, str(bench / "gen_orders.py"), str(options.rows), str(file)])
        pairs = []
        for number in range(options.pairs):
            floor = _floor(bench, file, Path(folder))
            ours = _ingest(contract, file)
            pairs.append((floor, ours))
            print(f"{number + 1}: floor {floor:.2f} s, ingest {ours.seconds:.2f} s, "
                  f"ratio {ours.seconds / floor:.2f}, peak {ours.peak:,.0f} MB")  # fmt: skip
            print(f"   {ours.output}")
    print(spread("floor", [floor for floor, _ in pairs]))
    print(spread("ingest, the whole process", [ours.seconds for _, ours in pairs]))
    print(spread("ratio, pair by pair", [ours.seconds / floor for floor, ours in pairs], "x"))
    print(spread("peak memory", [ours.peak for _, ours in pairs], "MB"))


def run(command: Sequence[str], settings: Mapping[str, str] | None = None) -> Finished:
    """Return what a command did; the program ends when it fails."""
    environment = {**os.environ, **(settings or {})}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    begun = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:  # noqa: S603 - our own commands
        output = process.stdout.read() if process.stdout else ""
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - begun
    must_be(f"exit code of {command[-1]}", process.returncode, 0)
    return Finished(output, seconds, usage.ru_maxrss / 1024)


def _floor(bench: Path, file: Path, folder: Path) -> float:
    """Return the seconds that the floor says it took; the start of Python is not in it."""
    target = folder / "floor.parquet"
    done = run([sys.executable, str(bench / "floor.py"), str(file), str(target)])
    target.unlink()
    return float(done.output)


def _ingest(contract: Path, file: Path) -> Finished:
    """Return the figures of one ingest; its `output` says the seconds per layer."""
    with tempfile.TemporaryDirectory(prefix="lakehouse-") as home:
        settings = Settings(home=Path(home))
        register(settings, contract)
        command = [*LAKEHOUSE, "ingest", "--json", "--dataset", "orders", str(file)]
        done = run(command, {"LAKEHOUSE_HOME": home})
        (batch,) = json.loads(done.output)["batches"]
        must_be("state", batch["state"], "published")
        must_be("quarantined of 100 records", 100 * batch["quarantined"] / batch["records"], 2)
        must_be("published", batch["published"], batch["records"] - batch["quarantined"])
        with open_instance(settings) as instance:
            layers = layer_seconds(instance, "orders")
    shown = ", ".join(f"{layer} {seconds:.2f}" for layer, seconds in layers.items())
    rest = done.seconds - sum(layers.values())
    return Finished(f"{batch['records']:,} records: {shown}, rest {rest:.2f} s",
                    done.seconds, done.peak)  # fmt: skip


if __name__ == "__main__":
    main()
