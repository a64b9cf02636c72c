"""The `library` metrics of a contract as SQL aggregates over typed records."""

from lakehouse_pipeline.contracts.model import Column, Contract, Metric
from lakehouse_pipeline.layers.keys import positions
from lakehouse_pipeline.layers.rules import record_rules
from lakehouse_pipeline.layers.values import bound
from lakehouse_pipeline.names import BATCH_ID, DEFECT, literal


def measured(contract: Contract) -> tuple[Metric, ...]:
    """Return the metrics that a scan of the records has to count: all but rowCount."""
    return tuple(metric for metric in contract.metrics if metric.metric != "rowCount")


def metric_values(contract: Contract, typed: str) -> str:
    """Return SQL: `_batch_id`, the count of records, and a number per `measured` metric.

    The numbers are in the metric's unit; percent of no records is 0.
    """
    values = [_value(contract, metric) for metric in measured(contract)]
    return f"SELECT {', '.join([BATCH_ID, *values])} FROM ({typed}) GROUP BY ALL"


def _value(contract: Contract, metric: Metric) -> str:
    count = _count(contract, metric)
    if metric.unit == "percent":
        return f"coalesce(100.0 * ({count}) / nullif(count(*), 0), 0)"
    return f"({count})"


def _count(contract: Contract, metric: Metric) -> str:
    at = positions(contract, metric.columns)
    if metric.metric == "duplicateValues":
        key = f"({', '.join(f't{i}' for i in at)})"
        present = " AND ".join(f"t{i} IS NOT NULL" for i in at)
        filtered = f"FILTER (WHERE {present})"
        return f"count(*) {filtered} - count(DISTINCT {key}) {filtered}"
    (i,) = at
    condition = {
        "nullValues": f"x{i} IS NULL AND {DEFECT} IS NULL",
        "missingValues": _missing(metric, i),
        "invalidValues": _invalid(contract.columns[i], metric, i),
    }[metric.metric]
    return f"count(*) FILTER (WHERE {condition})"


def _missing(metric: Metric, i: int) -> str:
    texts = [literal(text) for text in metric.missing_values if text is not None]
    parts = [f"c{i} IN ({', '.join(texts)})"] if texts else []
    parts += [f"x{i} IS NULL"] if None in metric.missing_values else []
    return f"{DEFECT} IS NULL AND ({' OR '.join(parts) or 'false'})"


def _invalid(column: Column, metric: Metric, i: int) -> str:
    """Return SQL: a value that is there is not valid; one of another type never is."""
    parts = []
    if metric.pattern is not None:
        parts.append(f"NOT regexp_matches(x{i}, {literal(metric.pattern)})")
    if metric.valid_values is not None:
        text = column.type.logical == "string"
        values = [literal(v) if text else bound(column, v) for v in metric.valid_values]
        parts.append(f"t{i} IS NULL OR t{i} NOT IN ({', '.join(values)})")
    return f"x{i} IS NOT NULL AND ({' OR '.join(parts) or 'false'})"


def warning_counts(contract: Contract, judged: str) -> str:
    """Return SQL over judged records: `_batch_id` and a count per rule of severity warning.

    Empty where the contract has no such rule.
    """
    rules = [rule for rule in record_rules(contract) if rule.severity == "warning"]
    if not rules:
        return ""
    counts = [f"count(*) FILTER (WHERE coalesce({rule.broken}, false))" for rule in rules]
    return f"SELECT {', '.join([BATCH_ID, *counts])} FROM ({judged}) GROUP BY ALL"
