"""What a technique costs: 5,000,000 validated orders made safe by each, beside a plain copy.

The copy is the same step with no technique: every column read and written. Each technique is on one
column. The turns alternate, a copy before each. Prints the spread of the seconds and, for each
technique, of the ratios.
"""

import argparse
import shutil
import tempfile
import time
from pathlib import Path

import duckdb
from measuring import must_be, spread

from lakehouse_pipeline.contracts.load import load_text
from lakehouse_pipeline.contracts.model import Contract
from lakehouse_pipeline.lake.csv_bytes import sha256_of
from lakehouse_pipeline.lake.landing import batch_id
from lakehouse_pipeline.names import Layer
from lakehouse_pipeline.pipeline.lake import Lake, open_lake
from lakehouse_pipeline.pipeline.process import process
from lakehouse_pipeline.pipeline.release import write_anonymized

HEAD = """\
apiVersion: v3.1.0
kind: DataContract
id: orders
name: orders
version: 1.0.0
status: active
schema:
  - name: orders
    properties:
"""
COLUMNS = {
    "order_id": "logicalType: integer",
    "customer_email": "logicalType: string",
    "country": "logicalType: string",
    "amount": "logicalType: number, physicalType: DOUBLE",
    "quantity": "logicalType: integer",
    "order_date": "logicalType: date",
    "status": "logicalType: string",
    "phone": "logicalType: string",
}
TECHNIQUES = {
    "hash": ("customer_email", "hash", 2.5),
    "mask": ("customer_email", "mask, keepFirst: 1", 1.3),
    "mask an e-mail": ("customer_email", "mask, format: email", 1.3),
    "mask a phone": ("phone", "mask, format: phone", 1.3),
    "generalize a number": ("amount", "generalize, step: 1000", 1.3),
    "generalize a date": ("order_date", "generalize, to: month", 1.3),
    "generalize a text": ("phone", "generalize, prefix: 3", 1.3),
    "pseudonymize a name": ("customer_email", "pseudonymize, kind: name", 3.0),
    "pseudonymize an e-mail": ("customer_email", "pseudonymize, kind: email", 3.0),
    "noise": (
        "amount",
        "noise, epsilon: 1, sensitivity: 10, minimum: 0, maximum: 100000",
        None,
    ),
    "aggregate": ("amount", "aggregate, k: 5", None),
}
"""By name: the column, the technique, and the goal as a multiple of the copy."""

ORDERS = (
    "SELECT range AS order_id, 'user' || (range * 7919) % 9999991 || '@example' || range % 97 || "
    "'.com' AS customer_email, ['DE','FR','ES','IT','NL'][1 + range % 5] AS country, "
    "((range * 31) % 9999999) / 100 AS amount, 1 + range % 1000 AS quantity, "
    "DATE '2020-01-01' + (range % 2557)::INTEGER AS order_date, "
    "['new','paid','shipped','returned'][1 + range % 4] AS status, "
    "'+' || (30 + range % 30) || ' ' || lpad((range * 104729 % 1000000000)::VARCHAR, 9, '0') "
    "AS phone FROM range(1, {records} + 1)"
)


def main() -> None:
    """Write and judge the records, then make them safe again and again."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-n", type=int, default=5, help="how often each is measured")
    parser.add_argument("--records", type=int, default=5_000_000)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "landing" / "orders" / "all.csv"
        file.parent.mkdir(parents=True)
        with duckdb.connect() as connection:
            connection.execute(f"COPY ({ORDERS.format(records=asked.records)}) TO '{file}'")
        batch = batch_id(file.name, sha256_of(file))
        layers = [Layer.RAW, Layer.QUARANTINED, Layer.VALIDATED]
        with open_lake(Path(folder)) as lake:
            list(process(lake, _contract(), [batch], layers))
            _measure(lake, batch, asked)


def _contract(column: str = "", technique: str = "") -> Contract:
    text = HEAD
    for name, kind in COLUMNS.items():
        safe = (
            ", classification: personal, customProperties: [{property: anonymize, value: "
            f"{{technique: {technique}}}}}]"
            if name == column
            else ""
        )
        text += f"      - {{name: {name}, {kind}{safe}}}\n"
    return load_text(text, "orders.yaml")


def _measure(lake: Lake, batch: str, asked: argparse.Namespace) -> None:
    copies: list[float] = []
    ratios: dict[str, list[float]] = {name: [] for name in TECHNIQUES}
    for _ in range(asked.n):
        for name, (column, technique, _goal) in TECHNIQUES.items():
            copies.append(_seconds(lake, _contract(), batch, asked.records))
            safe = _contract(column, technique)
            ratios[name].append(_seconds(lake, safe, batch, asked.records) / copies[-1])
    print(spread("copy", copies))
    for name, found in ratios.items():
        goal = TECHNIQUES[name][2]
        print(spread(name, found, "x"), f"(goal {goal:g})" if goal else "")


def _seconds(lake: Lake, contract: Contract, batch: str, records: int) -> float:
    shutil.rmtree(lake.tables.path("orders", Layer.ANONYMIZED), ignore_errors=True)
    started = time.perf_counter()
    (written,) = write_anonymized(lake, contract, [batch])
    seconds = time.perf_counter() - started
    must_be("records", written.records, records)
    return seconds


if __name__ == "__main__":
    main()
