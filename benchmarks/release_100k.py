"""100,000 records of a batch of 5,000,000 released by one command, as a whole process.

Each time in a fresh copy of the same home. Prints the spread of the seconds, and ends with an error
unless every released record is published and marked.
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
RELEASED_EVERY = 50
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
      - {name: order_id, logicalType: integer, required: true, unique: true}
      - {name: country, logicalType: string, logicalTypeOptions: {maxLength: 2}}
      - {name: amount, logicalType: number, physicalType: DOUBLE, logicalTypeOptions: {minimum: 0}}
      - {name: ordered, logicalType: date}
"""


def main() -> None:
    """Ingest once, then release in copies of the home."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-n", type=int, default=5, help="how often it is measured")
    parser.add_argument("--records", type=int, default=5_000_000)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home, file = Path(folder) / "home", Path(folder) / "orders.csv"
        _write(file, asked.records)
        contract = Path(folder) / "orders.yaml"
        contract.write_text(CONTRACT, "utf-8")
        _call(home, "contract", "add", str(contract))
        _call(home, "ingest", "-d", "orders", str(file))
        batch = next(path.name for path in (home / "lake/orders/raw").glob("_batch_id=*"))
        seconds = [
            _release(home, Path(folder) / f"copy-{turn}", batch.removeprefix("_batch_id="), asked)
            for turn in range(asked.n)
        ]
    print(spread(f"{asked.records // RELEASED_EVERY:,} released", seconds))


def _write(file: Path, records: int) -> None:
    sql = (
        "SELECT range AS order_id, ['DE','FR','ES'][1 + range % 3] AS country, "
        f"CASE WHEN range % {RELEASED_EVERY} = 0 THEN -1 ELSE range % 9999 END AS amount, "
        f"DATE '2020-01-01' + (range % 2000)::INTEGER AS ordered FROM range(1, {records + 1})"
    )
    with duckdb.connect() as connection:
        connection.execute(f"COPY ({sql}) TO '{file}' (HEADER)")


def _release(home: Path, copy: Path, batch: str, asked: argparse.Namespace) -> float:
    shutil.copytree(home, copy)
    started = time.perf_counter()
    rule = ("--rule", "amount.minimum", "--by", "a steward", "--why", "returned goods")
    _call(copy, "quarantine", "release", "orders", batch, *rule)
    seconds = time.perf_counter() - started
    files = Tables(copy / "lake").files("orders", Layer.PUBLISHED)
    with duckdb.connect() as connection:
        counted = connection.execute(
            f"SELECT count(*), count_if(_released) FROM {parquet_relation(files)}"
        ).fetchone()
    must_be("published and released", counted, (asked.records, asked.records // RELEASED_EVERY))
    shutil.rmtree(copy)
    return seconds


def _call(home: Path, *arguments: str) -> None:
    environment = os.environ | {"LAKEHOUSE_HOME": str(home)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    done = subprocess.run(  # noqa: S603 our own command
        [*LAKEHOUSE, *arguments], env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(done.stderr or done.stdout)


if __name__ == "__main__":
    main()
