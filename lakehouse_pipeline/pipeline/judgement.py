"""The judgement of a group of batches: effective records split into validated and quarantined.

Validated is written first, quarantined is what validated did not take; before either is committed
their counts must add up to raw's, batch by batch, and every quarantined record must have a reason.
How single records of a batch are judged again is in `amend.py`.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from lakehouse_pipeline.contracts.model import Contract
from lakehouse_pipeline.lake.engine import parquet_relation
from lakehouse_pipeline.lake.tables import Staged, stage
from lakehouse_pipeline.layers.gate import judge_batch, told
from lakehouse_pipeline.layers.judged import judged_records, typed_records
from lakehouse_pipeline.layers.quarantined import quarantined, rest
from lakehouse_pipeline.layers.validated import validated
from lakehouse_pipeline.names import BATCH_ID, REASONS, RECORD, Layer
from lakehouse_pipeline.pipeline.effective import effective, has_waivers
from lakehouse_pipeline.pipeline.flags import flags
from lakehouse_pipeline.pipeline.lake import Lake
from lakehouse_pipeline.pipeline.measures import Warned, count_warnings, measure
from lakehouse_pipeline.pipeline.outcomes import (
    BatchJudged,
    LayerWritten,
    Outcome,
    ReasonSample,
)
from lakehouse_pipeline.pipeline.relations import records_per_batch
from lakehouse_pipeline.pipeline.stopwatch import Stopwatch

SAMPLE_REASONS = 20
"""How many reasons per batch are shown in the UI."""


class UnaccountedRecordsError(AssertionError):
    """The layers of a batch do not add up: a bug of ours, nothing was committed."""


def judge(lake: Lake, contract: Contract, batches: Sequence[str]) -> Iterator[Outcome]:
    """Write quarantined and validated of `batches`, one commit each; yield the counts of each.

    Raises: NothingToReferToError: a foreign key has nothing to point to; nothing was written.
    """
    dataset, tables = contract.dataset, lake.tables
    watch = Stopwatch()
    with tables.staging(dataset) as folder, flags(lake, contract, batches):
        kept, taken = split(lake, contract, effective(lake, contract, batches), batches, folder)
        check_accounts(lake, records_per_batch(lake, dataset, Layer.RAW, batches), kept, taken)
        warned = warnings_of(lake, contract, batches)
        versions = {
            Layer.QUARANTINED: tables.replace(dataset, Layer.QUARANTINED, batches, taken),
            Layer.VALIDATED: tables.replace(dataset, Layer.VALIDATED, batches, kept),
        }
    judged = counted(lake, contract, batches, warned)
    seconds = watch.lap()
    for one in judged:
        yield from halves(one, versions, seconds, len(batches))


def warnings_of(lake: Lake, contract: Contract, batches: Sequence[str]) -> Warned:
    """Return how many records break each rule that only warns, inside a `flags` block."""
    records = typed_records(contract, effective(lake, contract, batches))
    return count_warnings(lake, contract, judged_records(contract, records))


def split(
    lake: Lake, contract: Contract, records: str, batches: Sequence[str], folder: Path
) -> tuple[Staged, Staged]:
    """Stage the two halves of `records`, SQL of effective records, inside a `flags` block."""
    waivers = has_waivers(lake, contract.dataset, batches)
    judged = judged_records(contract, typed_records(contract, records))
    kept = stage(
        lake.connection,
        validated(contract, judged, waivers=waivers),
        folder / Layer.VALIDATED,
        batches,
    )
    empty = f"(SELECT '' AS {BATCH_ID}, 0 AS {RECORD} WHERE false)"
    accepted = parquet_relation(kept.files()) if kept.counts else empty
    left = judged_records(contract, typed_records(contract, rest(records, accepted)))
    taken = stage(
        lake.connection,
        quarantined(contract, left, waivers=waivers),
        folder / Layer.QUARANTINED,
        batches,
    )
    return kept, taken


def check_accounts(lake: Lake, expected: Mapping[str, int], kept: Staged, taken: Staged) -> None:
    """Raise: UnaccountedRecordsError: the halves are not `expected` records, or lack a reason."""
    for batch, count in expected.items():
        if count != kept.rows[batch] + taken.rows[batch]:
            message = f"batch {batch}: {count} records, validated {kept.rows[batch]}, quarantined "
            raise UnaccountedRecordsError(f"{message}{taken.rows[batch]}")
    if taken.counts:
        unexplained = (
            f"SELECT count(*) FROM {parquet_relation(taken.files())} WHERE len({REASONS}) = 0"
        )
        (count,) = lake.connection.execute(unexplained).fetchall()[0]
        if count:
            raise UnaccountedRecordsError(f"{count} quarantined records without a reason")


def halves(
    judged: BatchJudged, versions: Mapping[Layer, int], seconds: float, group: int
) -> Iterator[Outcome]:
    """Yield what both layers now hold of a batch, then its judgement.

    `seconds` is what both halves of the whole group took; half of it is said of each.
    """
    both = ((Layer.QUARANTINED, judged.quarantined), (Layer.VALIDATED, judged.validated))
    for layer, count in both:
        yield LayerWritten(judged.batch, layer, count, versions[layer], seconds / 2, group)
    yield judged


def counted(
    lake: Lake, contract: Contract, batches: Sequence[str], warned: Warned
) -> list[BatchJudged]:
    """Return the judgement of each batch from what the tables hold; order kept."""
    counts: dict[str, dict[str, int]] = {batch: {} for batch in batches}
    samples: dict[str, list[ReasonSample]] = {batch: [] for batch in batches}
    files = lake.tables.files(contract.dataset, Layer.QUARANTINED, batches)
    if files:
        each = (
            f"SELECT {BATCH_ID} AS batch, {RECORD} AS record, unnest({REASONS}) AS r "
            f"FROM {parquet_relation(files)}"
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
    measures = measure(lake, contract, batches, warned)
    return [
        BatchJudged(
            batch,
            measured.records,
            measured.quarantined,
            counts[batch],
            judge_batch(contract, measured),
            tuple(samples[batch]),
            told(contract, measured),
            dict(measured.warned),
        )
        for batch, measured in measures.items()
    ]
