"""The judgement of a group of batches: raw split into validated and quarantined, and counted.

Validated is written first, quarantined is what validated did not take; before either is committed
their counts must add up to raw's, batch by batch, and every quarantined record must have a reason.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from lakehouse_pipeline.contracts.model import Contract
from lakehouse_pipeline.lake.engine import parquet_relation
from lakehouse_pipeline.lake.tables import Staged, stage
from lakehouse_pipeline.layers.gate import judge_batch
from lakehouse_pipeline.layers.judged import judged_records, repeated_keys, typed_records
from lakehouse_pipeline.layers.quarantined import quarantined, rest
from lakehouse_pipeline.layers.rules import unique_columns
from lakehouse_pipeline.layers.validated import validated
from lakehouse_pipeline.names import BATCH_ID, REASONS, RECORD, Layer
from lakehouse_pipeline.pipeline.lake import Lake
from lakehouse_pipeline.pipeline.outcomes import (
    BatchJudged,
    LayerWritten,
    Outcome,
    ReasonSample,
)
from lakehouse_pipeline.pipeline.relations import records_per_batch, relation
from lakehouse_pipeline.pipeline.stopwatch import Stopwatch

SAMPLE_REASONS = 20
"""How many reasons per batch are shown in the UI."""


class UnaccountedRecordsError(AssertionError):
    """The layers of a batch do not add up: a bug of ours, nothing was committed."""


def judge(lake: Lake, contract: Contract, batches: Sequence[str]) -> Iterator[Outcome]:
    """Write quarantined and validated of `batches`, one commit each; yield the counts of each."""
    dataset, tables = contract.dataset, lake.tables
    watch = Stopwatch()
    with tables.staging(dataset) as folder, _repeats(lake, contract, batches):
        kept = _stage_validated(lake, contract, batches, folder)
        validated_seconds = watch.lap()
        taken = _stage_quarantined(lake, contract, batches, folder, kept)
        records = records_per_batch(lake, dataset, Layer.RAW, batches)
        _check_accounts(lake, records, kept, taken)
        judged = _counted(lake, contract, records, taken)
        quarantined_version = tables.replace(dataset, Layer.QUARANTINED, batches, taken)
        quarantined_seconds = watch.lap()
        validated_version = tables.replace(dataset, Layer.VALIDATED, batches, kept)
        validated_seconds += watch.lap()
    half = partial(LayerWritten, group=len(batches))
    for one in judged:
        yield half(
            one.batch, Layer.QUARANTINED, one.quarantined, quarantined_version, quarantined_seconds
        )
        yield half(one.batch, Layer.VALIDATED, one.validated, validated_version, validated_seconds)
        yield one


@contextmanager
def _repeats(lake: Lake, contract: Contract, batches: Sequence[str]) -> Iterator[None]:
    """Make the tables of repeated keys for the block, one per unique column."""
    typed = typed_records(contract, relation(lake, contract, Layer.RAW, batches))
    names = {i: f"repeats{i}" for i in unique_columns(contract)}
    for i, name in names.items():
        keys = repeated_keys(i, typed, batches)
        lake.connection.execute(f"CREATE OR REPLACE TABLE {name} AS {keys}")
    try:
        yield
    finally:
        for name in names.values():
            lake.connection.execute(f"DROP TABLE {name}")


def _judged(contract: Contract, raw: str) -> str:
    return judged_records(contract, typed_records(contract, raw))


def _stage_validated(
    lake: Lake, contract: Contract, batches: Sequence[str], folder: Path
) -> Staged:
    sql = validated(contract, _judged(contract, relation(lake, contract, Layer.RAW, batches)))
    return stage(lake.connection, sql, folder / Layer.VALIDATED, batches)


def _stage_quarantined(
    lake: Lake, contract: Contract, batches: Sequence[str], folder: Path, kept: Staged
) -> Staged:
    empty = f"(SELECT '' AS {BATCH_ID}, 0 AS {RECORD} WHERE false)"
    accepted = parquet_relation(kept.files()) if kept.counts else empty
    left = rest(relation(lake, contract, Layer.RAW, batches), accepted)
    sql = quarantined(contract, _judged(contract, left))
    return stage(lake.connection, sql, folder / Layer.QUARANTINED, batches)


def _check_accounts(lake: Lake, records: dict[str, int], kept: Staged, taken: Staged) -> None:
    for batch, count in records.items():
        if count != kept.rows[batch] + taken.rows[batch]:
            message = f"batch {batch}: raw {count}, validated {kept.rows[batch]}, quarantined "
            raise UnaccountedRecordsError(f"{message}{taken.rows[batch]}")
    if taken.counts:
        unexplained = (
            f"SELECT count(*) FROM {parquet_relation(taken.files())} WHERE len({REASONS}) = 0"
        )
        (count,) = lake.connection.execute(unexplained).fetchall()[0]
        if count:
            raise UnaccountedRecordsError(f"{count} quarantined records without a reason")


def _counted(
    lake: Lake, contract: Contract, records: dict[str, int], taken: Staged
) -> list[BatchJudged]:
    counts: dict[str, dict[str, int]] = {batch: {} for batch in records}
    samples: dict[str, list[ReasonSample]] = {batch: [] for batch in records}
    if taken.counts:
        source = parquet_relation(taken.files())
        each = (
            f"SELECT {BATCH_ID} AS batch, {RECORD} AS record, unnest({REASONS}) AS r FROM {source}"
        )
        per_rule = (
            f"SELECT batch, r.rule, count(*) FROM ({each}) GROUP BY ALL ORDER BY 1, 3 DESC, 2"
        )
        for batch, rule, count in lake.connection.execute(per_rule).fetchall():
            counts[batch][rule] = count
        first = (
            f"SELECT batch, record, r.rule, r.column, r.message FROM ({each}) QUALIFY "
            f"row_number() OVER (PARTITION BY batch ORDER BY record, r.rule) <= {SAMPLE_REASONS} "
            "ORDER BY batch, record, r.rule"
        )
        for batch, *reason in lake.connection.execute(first).fetchall():
            samples[batch].append(ReasonSample(*reason))
    return [
        BatchJudged(
            batch,
            count,
            taken.rows[batch],
            counts[batch],
            judge_batch(contract, count, taken.rows[batch]),
            tuple(samples[batch]),
        )
        for batch, count in records.items()
    ]
