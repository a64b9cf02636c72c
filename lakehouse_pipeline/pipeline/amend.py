"""A batch after people added to it: the records concerned are judged again, the others stay.

Judged again are the quarantined records that were corrected or released, and those set aside only
because they repeat another's key. The result is the one a replay of the whole batch gives: among
records with one key those as delivered come first, so nothing validated can change its place. A
batch that is not in published is judged as a whole where a key holds over the dataset: another one
may have published its keys meanwhile.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from lakehouse_pipeline.contracts.model import Contract
from lakehouse_pipeline.lake.engine import parquet_relation
from lakehouse_pipeline.lake.tables import Staged, stage
from lakehouse_pipeline.layers.anonymized import looks_at_batch
from lakehouse_pipeline.layers.gate import HELD
from lakehouse_pipeline.layers.published import published
from lakehouse_pipeline.names import BATCH_ID, REASONS, RECORD, Input, Layer, literal
from lakehouse_pipeline.pipeline.before_publishing import pass_before_publishing
from lakehouse_pipeline.pipeline.effective import effective
from lakehouse_pipeline.pipeline.flags import CANNOT_JUDGE, flags
from lakehouse_pipeline.pipeline.inputs import decisions
from lakehouse_pipeline.pipeline.judgement import (
    check_accounts,
    counted,
    halves,
    split,
    warnings_of,
)
from lakehouse_pipeline.pipeline.lake import Lake
from lakehouse_pipeline.pipeline.outcomes import BatchJudged, LayerWritten, Outcome
from lakehouse_pipeline.pipeline.process import bring_on, comes_back
from lakehouse_pipeline.pipeline.published_rules import looks_at_published
from lakehouse_pipeline.pipeline.relations import empty, records_per_batch, relation
from lakehouse_pipeline.pipeline.release import (
    TechniqueFailedError,
    pass_techniques,
    refuse,
    stage_safe,
    write_published,
)
from lakehouse_pipeline.pipeline.stopwatch import Stopwatch

CANDIDATES = "candidates"


def amend(
    lake: Lake, contract: Contract, batch: str, arrived: Sequence[str] = ()
) -> Iterator[Outcome]:
    """Bring what was added to `batch` into its layers; yield what happened, as `process` does.

    `arrived` is as in `process`.

    The batch must have been judged under this version of the contract. Holds the dataset's lock.
    A batch that cannot be judged is refused, as there; what was added stays for its replay. One
    that retention has taken out of raw is not judged again: if it is held, it is withdrawn.
    """
    arrived = arrived or [batch]
    with lake.tables.lock(contract.dataset), lake.tables.staging(contract.dataset) as folder:
        if batch not in lake.tables.batches(contract.dataset, Layer.RAW):
            yield from _withdraw(lake, contract, batch, arrived)
            return
        if not _adds_up(lake, contract.dataset, batch) or comes_back(lake, contract, batch):
            yield from bring_on(lake, contract, [batch], tuple(Layer), arrived)
            return
        try:
            kept, versions, judged, seconds = _judge_again(lake, contract, batch, folder)
        except (*CANNOT_JUDGE, TechniqueFailedError) as error:
            reasons: dict[str, tuple[str, ...]] = {batch: (str(error),)}
            yield from refuse(lake, contract, reasons, Layer.QUARANTINED, arrived)
            return
        yield from halves(judged, versions, seconds, 1)
        if judged.verdict.refused:
            reasons = {batch: judged.verdict.refusals}
            yield from refuse(lake, contract, reasons, Layer.ANONYMIZED, arrived)
        elif _joins(contract) and _is_whole(
            lake, contract, batch, judged.validated - kept.rows[batch]
        ):
            yield from _join(lake, contract, batch, kept, folder)
        else:
            made = yield from pass_techniques(lake, contract, [batch], arrived)
            if made and (yield from pass_before_publishing(lake, contract, made, arrived)):
                yield from write_published(lake, contract, made, arrived)


def _withdraw(
    lake: Lake, contract: Contract, batch: str, arrived: Sequence[str]
) -> Iterator[Outcome]:
    """Take a batch that a person holds out of anonymized and published."""
    held = decisions(lake, contract.dataset, [batch])[batch].held
    if held:
        reasons: dict[str, tuple[str, ...]] = {batch: (f"{HELD}: {held}",)}
        yield from refuse(lake, contract, reasons, Layer.ANONYMIZED, arrived)


def _adds_up(lake: Lake, dataset: str, batch: str) -> bool:
    """Return whether raw = validated + quarantined: not after a crash between their commits."""
    raw, *halves_of_it = (
        records_per_batch(lake, dataset, layer, [batch])[batch]
        for layer in (Layer.RAW, Layer.QUARANTINED, Layer.VALIDATED)
    )
    return raw == sum(halves_of_it)


def _joins(contract: Contract) -> bool:
    """Return whether records may be added without asking what published or their batch holds."""
    alone = not looks_at_published(contract) and not looks_at_batch(contract)
    return contract.publish.mode == "append" and alone


def _judge_again(
    lake: Lake, contract: Contract, batch: str, folder: Path
) -> tuple[Staged, dict[Layer, int], BatchJudged, float]:
    """Move the candidates that now keep every rule from quarantined to validated."""
    watch, tables, dataset = Stopwatch(), lake.tables, contract.dataset
    before = relation(lake, contract, Layer.QUARANTINED, [batch])
    lake.connection.execute(
        f"CREATE OR REPLACE TABLE {CANDIDATES} AS {_candidates(lake, contract, batch)}"
    )
    keys = f"USING ({BATCH_ID}, {RECORD})"
    records = f"(SELECT * FROM {effective(lake, contract, [batch])} SEMI JOIN {CANDIDATES} {keys})"
    (count,) = lake.connection.execute(f"SELECT count(*) FROM {CANDIDATES}").fetchall()[0]
    with flags(lake, contract, [batch]):
        kept, taken = split(lake, contract, records, [batch], folder)
        check_accounts(lake, {batch: count}, kept, taken)
        warned = warnings_of(lake, contract, [batch])
    left = f"SELECT * FROM {before} ANTI JOIN {CANDIDATES} {keys}"
    if taken.counts:
        left += f" UNION ALL BY NAME SELECT * FROM {parquet_relation(taken.files())}"
    rest = stage(lake.connection, left, folder / "rest", [batch])
    safe = _made_safe(lake, contract, batch, kept, folder)
    versions = {
        Layer.QUARANTINED: tables.replace(dataset, Layer.QUARANTINED, [batch], rest),
        Layer.VALIDATED: tables.append(dataset, Layer.VALIDATED, kept),
    }
    (judged,) = counted(lake, contract, [batch], warned)
    return safe, versions, judged, watch.lap()


def _candidates(lake: Lake, contract: Contract, batch: str) -> str:
    """Return SQL of the quarantined records to be judged again: `_batch_id`, `_record`."""
    dataset, tables = contract.dataset, lake.tables
    quarantined = tables.files(dataset, Layer.QUARANTINED, [batch])
    if not quarantined:
        return f"SELECT '' AS {BATCH_ID}, 0::BIGINT AS {RECORD} WHERE false"
    inputs = [f for table in Input for f in tables.files(dataset, table, [batch])]
    conditions = ["false"]
    if inputs:
        touched = f"SELECT {RECORD} FROM {parquet_relation(inputs)} WHERE {RECORD} IS NOT NULL"
        conditions.append(f"{RECORD} IN ({touched})")
    for key in contract.unique_keys:
        rules = f"list_transform({REASONS}, lambda reason: reason.rule)"
        conditions.append(f"list_contains({rules}, {literal(key.name)})")
    return (
        f"SELECT {BATCH_ID}, {RECORD} FROM {parquet_relation(quarantined)} "
        f"WHERE {' OR '.join(conditions)}"
    )


def _made_safe(lake: Lake, contract: Contract, batch: str, kept: Staged, folder: Path) -> Staged:
    """Stage the newly validated records with their personal columns made safe."""
    source = parquet_relation(kept.files()) if kept.counts else empty(contract, Layer.VALIDATED)
    return stage_safe(lake, contract, source, folder / Layer.ANONYMIZED, [batch])


def _is_whole(lake: Lake, contract: Contract, batch: str, records: int) -> bool:
    """Return whether both later layers hold the `records` that were validated before."""
    return records > 0 and all(
        records_per_batch(lake, contract.dataset, layer, [batch])[batch] == records
        for layer in (Layer.ANONYMIZED, Layer.PUBLISHED)
    )


def _join(
    lake: Lake, contract: Contract, batch: str, safe: Staged, folder: Path
) -> Iterator[LayerWritten]:
    """Add the new records to anonymized and published, beside those that are there."""
    watch, tables, dataset = Stopwatch(), lake.tables, contract.dataset
    source = parquet_relation(safe.files()) if safe.counts else empty(contract, Layer.ANONYMIZED)
    promised = stage(
        lake.connection, published(contract, source), folder / Layer.PUBLISHED, [batch]
    )
    for layer, staged in ((Layer.ANONYMIZED, safe), (Layer.PUBLISHED, promised)):
        version = tables.append(dataset, layer, staged)
        records = records_per_batch(lake, dataset, layer, [batch])[batch]
        yield LayerWritten(batch, layer, records, version, watch.lap())
