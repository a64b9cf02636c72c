"""The numbers of a batch that its gate judges, counted over what the tables hold.

What they mean for the batch is said in `layers/gate.py`.
"""

import math
from collections.abc import Mapping, Sequence

import duckdb

from lakehouse_pipeline.contracts.model import Contract
from lakehouse_pipeline.lake.engine import parquet_relation
from lakehouse_pipeline.lake.query import locked
from lakehouse_pipeline.layers.gate import Measures
from lakehouse_pipeline.layers.judged import typed_records
from lakehouse_pipeline.layers.metrics import measured, metric_values, warning_counts
from lakehouse_pipeline.layers.rules import record_rules
from lakehouse_pipeline.names import Layer, identifier
from lakehouse_pipeline.pipeline.effective import effective
from lakehouse_pipeline.pipeline.inputs import decisions
from lakehouse_pipeline.pipeline.lake import Lake
from lakehouse_pipeline.pipeline.relations import empty, records_per_batch

Warned = Mapping[str, Mapping[str, int]]
"""Per batch, how many records break each rule that only warns."""


def measure(
    lake: Lake, contract: Contract, batches: Sequence[str], warned: Warned | None = None
) -> dict[str, Measures]:
    """Return the measures of each batch from raw, quarantined and validated; order kept."""
    records = records_per_batch(lake, contract.dataset, Layer.RAW, batches)
    quarantined = records_per_batch(lake, contract.dataset, Layer.QUARANTINED, batches)
    metrics = _metrics(lake, contract, batches)
    decided = decisions(lake, contract.dataset, batches)
    return {
        batch: Measures(
            records[batch],
            quarantined[batch],
            metrics.get(batch, {}) | _numbers(lake, contract, batch),
            (warned or {}).get(batch, {}),
            decided[batch].held,
            decided[batch].released,
        )
        for batch in batches
    }


def count_warnings(lake: Lake, contract: Contract, judged: str) -> dict[str, dict[str, int]]:
    """Return, per batch, how many records of `judged` break each rule of severity warning."""
    sql = warning_counts(contract, judged)
    if not sql:
        return {}
    names = [rule.name for rule in record_rules(contract) if rule.severity == "warning"]
    rows = lake.connection.execute(sql).fetchall()
    return {batch: dict(zip(names, counts, strict=True)) for batch, *counts in rows}


def _metrics(
    lake: Lake, contract: Contract, batches: Sequence[str]
) -> dict[str, dict[str, float | None]]:
    names = [metric.name for metric in measured(contract)]
    if not names:
        return {}
    nothing: dict[str, float | None] = dict.fromkeys(names, 0.0)
    found = dict.fromkeys(batches, nothing)
    typed = typed_records(contract, effective(lake, contract, batches))
    for batch, *values in lake.connection.execute(metric_values(contract, typed)).fetchall():
        found[batch] = dict(zip(names, map(float, values), strict=True))
    return found


def _numbers(lake: Lake, contract: Contract, batch: str) -> dict[str, float | None]:
    """Return the numbers of the SQL rules over the validated records of one batch."""
    rules = [rule for rule in contract.sql_rules if rule.over == "batch"]
    if not rules:
        return {}
    files = lake.tables.files(contract.dataset, Layer.VALIDATED, [batch])
    source = parquet_relation(files) if files else empty(contract, Layer.VALIDATED)
    names = ", ".join(identifier(name) for name in contract.column_names)
    with lake.aside() as connection:
        view = f"SELECT {names} FROM {source}"
        connection.execute(f"CREATE VIEW {identifier(contract.dataset)} AS {view}")
        locked(connection, files)
        return {rule.name: number(connection, rule.query) for rule in rules}


def number(connection: duckdb.DuckDBPyConnection, query: str) -> float | None:
    """Return the one number that `query` gives, None when it gives none or fails.

    What the engine says of a failure is withheld: it may quote a value.
    """
    try:
        rows = connection.execute(query).fetchmany(2)
    except duckdb.Error:
        return None
    value = rows[0][0] if len(rows) == 1 and len(rows[0]) == 1 else None
    try:
        found = float(value)  # type: ignore[arg-type] # what it is, is asked here
    except (TypeError, ValueError):
        return None
    return found if math.isfinite(found) else None
