"""A contract of 500 columns with every kind of rule on each: how long loading and lint take.

The same contract once sound and once with a fault in each column. Each is read again and again in
one process; prints minimum, median and maximum of its seconds, and ends with an error unless the
sound one has all its rules and the other one problem for each column.
"""

import argparse
import time
from collections.abc import Callable

from measuring import must_be, spread

from lakehouse_pipeline.contracts.load import load_text
from lakehouse_pipeline.errors import ContractError

COLUMNS = 500
PATH = "wide.yaml"
HEAD = """\
apiVersion: v3.1.0
kind: DataContract
id: wide
name: wide
version: 1.0.0
status: active
customProperties:
  - {property: compliance, value: gdpr}
  - {property: retention, value: {raw: 90, published: 730}}
slaProperties:
  - {property: frequency, value: 1, unit: d}
schema:
  - name: wide
    properties:
"""
COLUMN = """\
      - name: column_%(i)d
        logicalType: string
        description: Text number %(i)d
        required: true
        unique: true
        classification: personal
        enum: [{value: A1}, {value: B2}, {value: C3}]
        logicalTypeOptions: {pattern: '^[A-Z]{1,%(length)d}[0-9]$', minLength: 1, maxLength: 20}
        relationships: [{to: other.column_%(i)d}]
        customProperties:
          - {property: anonymize, value: {technique: hash}}
          - {property: severity, value: {pattern: warning, unique: warning}}
        quality:
          - {metric: nullValues, mustBeLessThan: 1, unit: percent}
          - {metric: invalidValues, arguments: {validValues: [A1, B2]}, mustBeBetween: [0, 9]}
          - name: other_%(i)d
            type: custom
            engine: lakehouse
            implementation: "column_%(i)d <> 'A1' OR length(column_%(next)d) > 1"
          - name: share_%(i)d
            type: sql
            query: SELECT count(DISTINCT {property}) * 100.0 / count(*) FROM {object}
            mustBeGreaterThan: 5
          - {name: check_%(i)d, type: custom, engine: pandera, implementation: is_known}
"""


def main() -> None:
    """Read both contracts as often as told, print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-n", "--times", type=int, default=10)
    options = parser.parse_args()
    columns = [
        COLUMN % {"i": i, "next": (i + 1) % COLUMNS, "length": i % 9 + 1} for i in range(COLUMNS)
    ]
    sound = HEAD + "".join(columns)
    faulty = sound.replace("length(column_", "length(colunm_")
    print(f"{COLUMNS} columns, {sound.count(chr(10)):,} lines, {len(sound) / 1e6:.2f} MB")
    _measure("load and lint", options.times, lambda: _rules(sound), COLUMNS * 6)
    _measure("with a fault in each column", options.times, lambda: _problems(faulty), COLUMNS)


def _measure(name: str, times: int, read: Callable[[], int], known: int) -> None:
    seconds = []
    for _ in range(times):
        begun = time.perf_counter()
        found = read()
        seconds.append(time.perf_counter() - begun)
        must_be(name, found, known)
    print(spread(name, seconds))


def _rules(text: str) -> int:
    """Return how many rules beside those of a column's own keys the contract has."""
    contract = load_text(text, PATH)
    return (
        len(contract.expressions)
        + len(contract.foreign_keys)
        + len(contract.metrics)
        + len(contract.pandera_checks)
        + len(contract.sql_rules)
    )


def _problems(text: str) -> int:
    try:
        load_text(text, PATH)
    except ContractError as error:
        return len(error.problems)
    return 0


if __name__ == "__main__":
    main()
