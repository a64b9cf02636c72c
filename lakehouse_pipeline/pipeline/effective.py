"""The records of batches as they are judged: raw, with what people corrected and released since.

Corrections and releases are inputs of a batch like its file: a replay keeps them. A batch without
any costs nothing. They are written in `inputs.py`.
"""

from collections.abc import Sequence

from lakehouse_pipeline.contracts.model import Contract
from lakehouse_pipeline.lake.engine import parquet_relation
from lakehouse_pipeline.names import (
    BATCH_ID,
    DEFECT,
    RANK,
    RECORD,
    WAIVED,
    Input,
    Layer,
    identifier,
)
from lakehouse_pipeline.pipeline.lake import Lake
from lakehouse_pipeline.pipeline.relations import DEFECT_TYPE, relation

TURN = "_turn"
"""Of corrections: INTEGER, 1 for a record's first correction; the highest counts."""

RULE = "_rule"
"""Of releases: VARCHAR, the rule that is waived; null of a held batch."""

TURN_RANK = 1 << 48
"""More than any record number: a corrected record comes after all that stand as delivered."""


def effective(lake: Lake, contract: Contract, batches: Sequence[str]) -> str:
    """Return SQL of the records: the contract's columns as text and the system columns.

    These are `_record`, `_batch_id`, `_defect`, `_rank` and `_waived`.
    """
    raw = relation(lake, contract, Layer.RAW, batches)
    stored = f"(SELECT *, {RECORD} AS {RANK} FROM {raw})"
    if corrections := latest_corrections(lake, contract, batches):
        columns = ", ".join([identifier(name) for name in contract.column_names])
        system = f"{RECORD}, {BATCH_ID}"
        stored = (
            f"(SELECT {columns}, {DEFECT}, {system}, {RECORD} AS {RANK} FROM {raw} "
            f"ANTI JOIN {corrections} AS k USING ({BATCH_ID}, {RECORD}) UNION ALL "
            f"SELECT {columns}, NULL::{DEFECT_TYPE}, {system}, "
            f"{TURN}::BIGINT * {TURN_RANK} + {RECORD} FROM {corrections})"
        )
    if waivers := waived(lake, contract.dataset, batches):
        return (
            f"(SELECT s.*, w.{WAIVED} FROM {stored} AS s LEFT JOIN {waivers} AS w "
            f"USING ({BATCH_ID}, {RECORD}))"
        )
    return f"(SELECT *, NULL::VARCHAR[] AS {WAIVED} FROM {stored})"


def latest_corrections(lake: Lake, contract: Contract, batches: Sequence[str]) -> str:
    """Return SQL of the correction in force of each corrected record; empty when there is none."""
    files = lake.tables.files(contract.dataset, Input.CORRECTIONS, batches)
    if not files:
        return ""
    source = parquet_relation(files)
    present = set(lake.connection.sql(f"SELECT * FROM {source} LIMIT 0").columns)
    added = [
        f"NULL::VARCHAR AS {identifier(name)}"
        for name in contract.column_names
        if name not in present
    ]
    return (
        f"(SELECT {', '.join(['*', *added])} FROM {source} QUALIFY row_number() OVER "
        f"(PARTITION BY {BATCH_ID}, {RECORD} ORDER BY {TURN} DESC) = 1)"
    )


def waived(lake: Lake, dataset: str, batches: Sequence[str]) -> str:
    """Return SQL of the rules each record may break: `_batch_id`, `_record`, `_waived`; or ``."""
    files = lake.tables.files(dataset, Input.RELEASES, batches)
    if not files:
        return ""
    of_records = f"SELECT * FROM {parquet_relation(files)} WHERE {RECORD} IS NOT NULL"
    if not lake.connection.execute(f"SELECT 1 FROM ({of_records}) LIMIT 1").fetchall():
        return ""
    return (
        f"(SELECT {BATCH_ID}, {RECORD}, list(DISTINCT {RULE}) AS {WAIVED} FROM ({of_records}) "
        "GROUP BY ALL)"
    )


def has_waivers(lake: Lake, dataset: str, batches: Sequence[str]) -> bool:
    """Return whether a person lets any record of these batches break a rule."""
    return bool(waived(lake, dataset, batches))
