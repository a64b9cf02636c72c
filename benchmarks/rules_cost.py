"""What rules cost: 5,000,000 orders judged under 3 rules, under 13, and with a foreign key more.

The same raw records are judged again and again, the contracts taking turns, beside the floor:
DuckDB alone from CSV to typed Parquet. A rule that a contract does not use must cost nothing; a
foreign key against 1,000,000 published customers at most one and a half floors. Prints the spread
of each and the ratios, and ends with an error unless the key quarantines what points nowhere.
"""

import argparse
import shutil
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import duckdb
from measuring import must_be, spread

from lakehouse_pipeline.contracts.load import load_text
from lakehouse_pipeline.contracts.model import Contract, ForeignKey
from lakehouse_pipeline.lake.csv_bytes import sha256_of
from lakehouse_pipeline.lake.landing import batch_id
from lakehouse_pipeline.names import Layer
from lakehouse_pipeline.pipeline.judgement import judge
from lakehouse_pipeline.pipeline.lake import Lake, open_lake
from lakehouse_pipeline.pipeline.outcomes import BatchJudged
from lakehouse_pipeline.pipeline.process import process

HEAD = """\
apiVersion: v3.1.0
kind: DataContract
id: {name}
name: {name}
version: 1.0.0
status: active
schema:
  - name: {name}
    properties:
"""
CUSTOMERS = "      - {name: customer_id, logicalType: integer, required: true}\n"
THREE = """\
      - {name: order_id, logicalType: integer, required: true}
      - {name: customer_id, logicalType: integer}
      - {name: country, logicalType: string}
      - {name: amount, logicalType: string}
      - {name: ordered, logicalType: string}
"""
THIRTEEN = """\
      - {name: order_id, logicalType: integer, required: true, unique: true}
      - {name: customer_id, logicalType: integer, required: true, logicalTypeOptions: {minimum: 1}}
      - {name: country, logicalType: string,
         logicalTypeOptions: {pattern: "^[A-Z]{2}$", maxLength: 2}}
      - {name: amount, logicalType: number, physicalType: DOUBLE,
         logicalTypeOptions: {minimum: 0, maximum: 100000}}
      - {name: ordered, logicalType: date,
         logicalTypeOptions: {minimum: "2020-01-01", maximum: "2026-12-31"}}
"""
FLOOR = (
    "{'order_id': 'BIGINT', 'customer_id': 'BIGINT', 'country': 'VARCHAR', "
    "'amount': 'DOUBLE', 'ordered': 'DATE'}"
)


def main() -> None:
    """Write the files, judge them, print what it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-n", type=int, default=5, help="how often each is measured")
    parser.add_argument("--records", type=int, default=5_000_000)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        customers = _contract(home, "customers", CUSTOMERS)
        _write(
            home, customers, f"SELECT range AS customer_id FROM range(1, {asked.records // 5 + 1})"
        )
        orders = _write(home, _contract(home, "orders", THREE), _orders(asked.records))
        with open_lake(home) as lake:
            list(process(lake, customers, [_batch(home, customers)]))
            _measure(lake, home, orders, asked.n)


def _orders(records: int) -> str:
    people = records // 5 * 101 // 100
    return (
        f"SELECT range AS order_id, 1 + (range * 7919) % {people} AS customer_id, "
        "['DE','FR','ES','IT','NL'][1 + range % 5] AS country, (range % 9999) / 10 AS amount, "
        f"DATE '2020-01-01' + (range % 2000)::INTEGER AS ordered FROM range(1, {records + 1})"
    )


def _contract(home: Path, name: str, columns: str) -> Contract:
    text = HEAD.format(name=name) + columns
    path = home / "contracts" / name / "1.0.0.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return load_text(text, str(path))


def _write(home: Path, contract: Contract, sql: str) -> Path:
    path = home / "landing" / contract.dataset / "all.csv"
    path.parent.mkdir(parents=True)
    with duckdb.connect() as connection:
        connection.execute(f"COPY ({sql}) TO '{path}' (HEADER)")
    return path


def _batch(home: Path, contract: Contract) -> str:
    path = home / "landing" / contract.dataset / "all.csv"
    return batch_id(path.name, sha256_of(path))


def _measure(lake: Lake, home: Path, file: Path, times: int) -> None:
    three, thirteen = _contract(home, "orders", THREE), _contract(home, "orders", THIRTEEN)
    key = ForeignKey("customer_id.foreignKey", ("customer_id",), "customers", ("customer_id",))
    pointing = replace(thirteen, foreign_keys=(key,))
    batch = _batch(home, three)
    list(process(lake, three, [batch], [Layer.RAW]))
    kinds = {"3 rules": three, "13 rules": thirteen, "13 rules and the key": pointing}
    seconds: dict[str, list[float]] = {name: [] for name in ("floor", *kinds)}
    for _ in range(times):
        seconds["floor"].append(_floor(file, home))
        for name, contract in kinds.items():
            _forget(lake)
            started = time.perf_counter()
            judged = [o for o in judge(lake, contract, [batch]) if isinstance(o, BatchJudged)]
            seconds[name].append(time.perf_counter() - started)
            must_be(name, judged[0].quarantined > 0, contract is pointing)
    for name, values in seconds.items():
        print(spread(name, values))
    pairs = zip(seconds["13 rules"], seconds["13 rules and the key"], seconds["floor"], strict=True)
    print(spread("the key, in floors", [(much - less) / floor for less, much, floor in pairs], "x"))
    both = zip(seconds["13 rules"], seconds["3 rules"], strict=True)
    print(spread("13 rules over 3", [much / less for much, less in both], "x"))


def _forget(lake: Lake) -> None:
    """Remove the tables of both halves: the contracts differ in types."""
    for layer in (Layer.QUARANTINED, Layer.VALIDATED):
        shutil.rmtree(lake.tables.path("orders", layer), ignore_errors=True)


def _floor(file: Path, home: Path) -> float:
    with duckdb.connect() as connection:
        started = time.perf_counter()
        connection.execute(
            f"COPY (SELECT * FROM read_csv('{file}', columns={FLOOR}, header=true, "
            f"auto_detect=false, delim=',')) TO '{home}/floor.parquet' (FORMAT parquet)"
        )
        return time.perf_counter() - started


if __name__ == "__main__":
    main()
