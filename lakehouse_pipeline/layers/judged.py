"""Raw records with their texts, typed values and repeats: what every rule is judged over.

The views made here are private to a run; validated and quarantined are projections of them.
"""

from collections.abc import Sequence

from lakehouse_pipeline.contracts.model import Contract
from lakehouse_pipeline.layers.rules import record_rules, unique_columns
from lakehouse_pipeline.layers.values import text_value, typed_value
from lakehouse_pipeline.names import BATCH_ID, DEFECT, RECORD, identifier, literal


def typed_records(contract: Contract, raw: str) -> str:
    """Return SQL over `raw` (SQL of a relation): system columns, then `c…`, `x…`, `t…`."""
    columns = list(enumerate(contract.columns))
    stood = [f"{identifier(column.name)} AS c{i}" for i, column in columns]
    texts = [f"{text_value(f'c{i}', contract.csv)} AS x{i}" for i, _ in columns]
    typed = [f"{typed_value(f'x{i}', column.type)} AS t{i}" for i, column in columns]
    system = f"{BATCH_ID}, {RECORD}, {DEFECT}"
    return (
        f"SELECT *, {', '.join(typed)} FROM (SELECT *, {', '.join(texts)} FROM "
        f"(SELECT {system}, {', '.join(stood)} FROM {raw}))"
    )


def repeated_keys(position: int, typed: str, batches: Sequence[str]) -> str:
    """Return SQL for the values that stand in several records of a batch, with the first one.

    Columns: `_batch_id`, `key` (typed), `first` (the number of the record that keeps the value).
    """
    batch = literal(batches[0]) if len(batches) == 1 else BATCH_ID  # a constant is not grouped by
    return (
        f"SELECT {batch} AS {BATCH_ID}, t{position} AS key, min({RECORD}) AS first FROM ({typed}) "
        f"WHERE t{position} IS NOT NULL GROUP BY ALL HAVING count(*) > 1"
    )


def judged_records(contract: Contract, typed: str) -> str:
    """Return SQL of `typed` plus `_repeatsN` per unique column; `repeatsN` hold the repeated keys.

    The tables `repeatsN` are made by `repeated_keys`; the first record with a value stays.
    """
    joins, flags = "", ""
    for i in unique_columns(contract):
        flags += f", coalesce(r{i}.first < j.{RECORD}, false) AS _repeats{i}"
        joins += (
            f" LEFT JOIN repeats{i} AS r{i} ON r{i}.{BATCH_ID} = j.{BATCH_ID} AND r{i}.key = j.t{i}"
        )
    return f"SELECT j.*{flags} FROM ({typed}) AS j{joins}"


def broken(contract: Contract) -> str:
    """Return SQL over judged records: true when a record breaks any rule, never null."""
    conditions = [f"coalesce({rule.broken}, false)" for rule in record_rules(contract)]
    return " OR ".join([f"{DEFECT} IS NOT NULL", *conditions])
