"""The oracle: SQL and pandera give the same verdict on every record, rule by rule.

`LAKEHOUSE_ORACLE_CONTRACTS` draws that many contracts at random instead of the same few as ever;
`make oracle` does it.
"""

import csv
import io
import os
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import pandas as pd
import pandera.errors
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings

from lakehouse_pipeline.contracts.record_schema import TEXT, record_schema
from lakehouse_pipeline.layers.judged import judged_records, typed_records
from lakehouse_pipeline.layers.keys import repeated_keys
from lakehouse_pipeline.layers.quarantined import quarantined
from lakehouse_pipeline.names import BATCH_ID, DEFECT, RANK, REASONS, RECORD, WAIVED, Layer
from lakehouse_pipeline.pipeline.relations import DEFECT_TYPE
from lakehouse_pipeline_tests.pipelines import drop, records, take
from lakehouse_pipeline_tests.properties.drawn_contracts import Drawn, drawn

BATCH = "batch"
LONGER = int(os.environ.get("LAKEHOUSE_ORACLE_CONTRACTS") or 0)
CONTRACTS = LONGER or 350
SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]

KINDS = {"required", "type", "unique", "enum", "pattern", "format", "minLength", "maxLength"}
KINDS |= {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"}

Verdicts = dict[int, list[str]]


def by_sql(connection: duckdb.DuckDBPyConnection, case: Drawn) -> Verdicts:
    """Return the rules that each record breaks, as the pipeline's SQL judges it."""
    contract, names = case.contract, case.contract.column_names
    texts = {name: [row[i] for row in case.records] for i, name in enumerate(names)}
    delivered = pa.table({name: pa.array(texts[name], pa.string()) for name in names})
    connection.register("delivered", delivered)
    raw = (
        f"(SELECT *, {RECORD} AS {RANK}, NULL::VARCHAR[] AS {WAIVED} FROM "
        f"(SELECT *, row_number() OVER () AS {RECORD}, '{BATCH}' AS {BATCH_ID}, "
        f"NULL::{DEFECT_TYPE} AS {DEFECT} FROM delivered))"
    )
    typed = typed_records(contract, raw)
    for n, key in enumerate(contract.unique_keys):
        keys = repeated_keys(contract, key, typed, [BATCH])
        connection.execute(f"CREATE OR REPLACE TABLE repeats{n} AS {keys}")
    sql = quarantined(contract, judged_records(contract, typed))
    found = connection.execute(f"SELECT {RECORD}, {REASONS} FROM ({sql}) ORDER BY 1").fetchall()
    return {record: sorted(reason["rule"] for reason in reasons) for record, reasons in found}


def by_pandera(case: Drawn) -> Verdicts:
    """Return the rules that each record breaks, as the schema over its texts judges it."""
    numbers = range(1, len(case.records) + 1)
    columns = list(case.contract.column_names)
    frame = pd.DataFrame(case.records, index=numbers, columns=columns, dtype=TEXT)
    verdicts: Verdicts = {number: [] for number in numbers}
    try:
        record_schema(case.contract).validate(frame, lazy=True)
    except pandera.errors.SchemaErrors as errors:
        for rule, record in errors.failure_cases[["check", "index"]].itertuples(index=False):
            verdicts[record].append(rule)
    return {record: sorted(rules) for record, rules in verdicts.items()}


def disagreements(case: Drawn, sql: Verdicts, pandera: Verdicts) -> list[str]:
    """Return a line for each rule that one of both finds broken and the other does not."""
    columns = {column.name: column for column in case.contract.columns}
    lines = []
    for record, texts in enumerate(case.records, 1):
        for rule in sorted(set(sql[record]) ^ set(pandera[record])):
            column = columns[rule.split(".")[0]]
            text = texts[case.contract.column_names.index(column.name)]
            who = "SQL" if rule in sql[record] else "pandera"
            lines.append(f"only {who}: {rule} broken by {text!r}: {column}")
    return lines


def by_pipeline(case: Drawn) -> Verdicts:
    """Return the rules that each record breaks, when it comes in a file, through every layer."""
    file = io.StringIO(newline="")
    writer = csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerows([case.contract.column_names, *case.records])
    with TemporaryDirectory() as folder:
        home = Path(folder)
        take(home, case.contract, [drop(home, case.contract, "drawn.csv", file.getvalue())])
        found = records(home, case.contract, Layer.QUARANTINED)
    broken = {row[RECORD]: sorted(reason["rule"] for reason in row[REASONS]) for row in found}
    return {record: broken.get(record, []) for record in range(1, len(case.records) + 1)}


@settings(max_examples=15, derandomize=not LONGER, deadline=None, suppress_health_check=SLOW)
@given(drawn(at_most=200))
def test_the_whole_pipeline_gives_that_verdict_too(case: Drawn) -> None:
    assert disagreements(case, by_pipeline(case), by_pandera(case)) == []


@pytest.mark.slow
@pytest.mark.timeout(0 if LONGER else 120)
def test_sql_and_pandera_give_the_same_verdict_on_every_record() -> None:
    seen: Counter[str] = Counter()
    connection = duckdb.connect()
    connection.execute("SET TimeZone='UTC'")
    connection.execute("SET threads=1")

    @settings(
        max_examples=CONTRACTS,
        derandomize=not LONGER,
        deadline=None,
        suppress_health_check=SLOW,
    )
    @given(drawn())
    def agree(case: Drawn) -> None:
        sql, pandera = by_sql(connection, case), by_pandera(case)
        assert disagreements(case, sql, pandera) == []
        seen["records"] += len(case.records)
        seen["broken"] += sum(map(bool, sql.values()))
        seen.update(rule.split(".")[1] for rules in sql.values() for rule in rules)

    agree()
    connection.close()
    assert seen["records"] >= 10_000
    assert {kind for kind, count in seen.items() if count > 50} >= KINDS
    assert seen["records"] - seen["broken"] > 100
