"""One subject erased from 100 batches of 50,000 records, beside a running ingest.

The subject is in four of the batches. Each time in a fresh copy of the same home, by the command as
a whole process, while another process ingests one more file. Prints the spread of the seconds, and
ends with an error when another batch's files were touched, a record of somebody else is gone, or
the ingest lost one.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb
from measuring import must_be, spread

from lakehouse_pipeline.lake.engine import parquet_relation
from lakehouse_pipeline.lake.tables import Tables
from lakehouse_pipeline.names import Layer

LAKEHOUSE = (sys.executable, "-c", "from lakehouse_pipeline.cli.main import main; main()")
SUBJECT = "erased@example.org"
HOLDING = 4
CONTRACT = """\
apiVersion: v3.1.0
kind: DataContract
id: orders
name: orders
version: 1.0.0
status: active
schema:
  - name: orders
    properties:
      - {name: order_id, logicalType: integer, required: true}
      - name: customer
        logicalType: string
        classification: personal
        customProperties:
          - {property: anonymize, value: {technique: hash}}
          - {property: subject, value: true}
      - {name: amount, logicalType: number, physicalType: DOUBLE, logicalTypeOptions: {minimum: 0}}
"""


def main() -> None:
    """Ingest once, then erase in copies of the home."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-n", type=int, default=5, help="how often it is measured")
    parser.add_argument("--batches", type=int, default=100)
    parser.add_argument("--records", type=int, default=50_000, help="records of a batch")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder, home = Path(name), Path(name) / "home"
        contract = folder / "orders.yaml"
        contract.write_text(CONTRACT, "utf-8")
        _wait(_call(home, "contract", "add", str(contract)))
        files = [_file(folder, number, asked) for number in range(asked.batches + 1)]
        _wait(_call(home, "ingest", "-d", "orders", *map(str, files[:-1])))
        seconds = [
            _erase(home, folder / f"copy-{turn}", files[-1], asked) for turn in range(asked.n)
        ]
    print(spread(f"erased from {HOLDING} of {asked.batches}", seconds))


def _file(folder: Path, number: int, asked: argparse.Namespace) -> Path:
    """Write a batch's file; a few have one record of the subject."""
    every = asked.batches // HOLDING
    whose = f"CASE WHEN range = 7 AND {number} % {every} = 3 THEN '{SUBJECT}' ELSE "
    sql = (
        f"SELECT {number} * {asked.records} + range AS order_id, {whose}"
        f"'p' || (range * 31 + {number}) % 99991 || '@example.org' END AS customer, "
        f"range % 999 AS amount FROM range({asked.records})"
    )
    path = folder / f"day-{number:03}.csv"
    with duckdb.connect() as connection:
        connection.execute(f"COPY ({sql}) TO '{path}'")
    return path


def _erase(home: Path, copy: Path, more: Path, asked: argparse.Namespace) -> float:
    shutil.copytree(home, copy)
    before = _files(copy)
    beside = _call(copy, "ingest", "-d", "orders", str(more))
    started = time.perf_counter()
    signed = ("--by", "a steward", "--why", "asked by letter")
    _wait(_call(copy, "erase", "--subject", SUBJECT, "-d", "orders", *signed))
    seconds = time.perf_counter() - started
    _wait(beside)
    _wait(_call(copy, "verify"))
    tables = Tables(copy / "lake")
    for layer in (Layer.RAW, Layer.PUBLISHED):
        with duckdb.connect() as connection:
            counted = connection.execute(
                f"SELECT count(*) FROM {parquet_relation(tables.files('orders', layer))}"
            ).fetchone()
        must_be(f"records in {layer}", counted, ((asked.batches + 1) * asked.records - HOLDING,))
    touched = {path.parent.name for path in before - _files(copy)}
    must_be("batches touched", len(touched), HOLDING)
    shutil.rmtree(copy)
    return seconds


def _files(home: Path) -> set[Path]:
    return {path.relative_to(home) for path in (home / "lake").rglob("*.parquet")}


def _call(home: Path, *arguments: str) -> subprocess.Popen[str]:
    environment = os.environ | {"LAKEHOUSE_HOME": str(home)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    return subprocess.Popen(  # noqa: S603 our own command
        [*LAKEHOUSE, *arguments],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def _wait(process: subprocess.Popen[str]) -> None:
    said, _ = process.communicate()
    if process.returncode:
        raise SystemExit(said)


if __name__ == "__main__":
    main()
