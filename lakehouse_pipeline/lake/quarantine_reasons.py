"""Why records are in quarantine, rule by rule: how many broke it, and what it asks for in words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb

from lakehouse_pipeline.lake.engine import parquet_relation
from lakehouse_pipeline.lake.tables import Tables
from lakehouse_pipeline.names import REASONS, Layer


@dataclass(frozen=True, slots=True)
class BrokenRule:
    """A rule that `records` quarantined records broke; `sentence` holds no value of theirs."""

    rule: str
    column: str | None
    records: int
    sentence: str


def broken_rules(
    connection: duckdb.DuckDBPyConnection,
    tables: Tables,
    dataset: str,
    batches: Sequence[str] | None,
    said: Mapping[str, str],
) -> list[BrokenRule]:
    """Return the rules that records of `batches` (None: all) broke, the commonest first.

    `said` has a sentence for each rule of the contract; one that the contract no longer has says
    the message that stands at its records.
    """
    files = tables.files(dataset, Layer.QUARANTINED, batches)
    if not files:
        return []
    each = f"SELECT unnest({REASONS}) AS r FROM {parquet_relation(files)}"
    sql = (
        "SELECT r.rule, any_value(r.column), count(*), any_value(r.message) "
        f"FROM ({each}) GROUP BY 1 ORDER BY 3 DESC, 1"
    )
    return [
        BrokenRule(rule, column or None, count, said.get(rule, message))
        for rule, column, count, message in connection.execute(sql).fetchall()
    ]
