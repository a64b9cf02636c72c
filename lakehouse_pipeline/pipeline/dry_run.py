"""What anonymized and published would hold under a version of the contract; nothing is changed.

The batches go through the same functions as in a run, in a lake whose tables are mirrors: their
files are links to those of the dataset, and what is written lies in a folder of this process that
goes with it. Keys and tokens are those of `lake/throw_away.py`.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from lakehouse_pipeline.contracts.model import Column, Contract
from lakehouse_pipeline.contracts.techniques import technique_of
from lakehouse_pipeline.lake.engine import parquet_relation, sweep_spills
from lakehouse_pipeline.lake.mirrored import mirror
from lakehouse_pipeline.lake.tables import Tables
from lakehouse_pipeline.layers.anonymized import kept_columns
from lakehouse_pipeline.names import BATCH_ID, RECORD, Input, Layer, Stored, identifier
from lakehouse_pipeline.pipeline.lake import Lake
from lakehouse_pipeline.pipeline.outcomes import (
    BatchProtected,
    BatchRefused,
    BatchWarned,
    LayerWritten,
    Outcome,
)
from lakehouse_pipeline.pipeline.process import GROUP_BYTES, bring_on, goes_alone
from lakehouse_pipeline.pipeline.relations import records_per_batch, relation
from lakehouse_pipeline.pipeline.schemas import check_ready, make_ready
from lakehouse_pipeline.pipeline.stopwatch import Stopwatch
from lakehouse_pipeline.pipeline.undeclared import UNDECLARED

LAYERS = (Layer.ANONYMIZED, Layer.PUBLISHED)
SOURCES: tuple[Stored, ...] = (*Input, Layer.RAW, Layer.QUARANTINED, Layer.VALIDATED)
"""What the gate and the techniques read of a batch."""

SAMPLE_RECORDS = 5


@dataclass(frozen=True, slots=True)
class ColumnEffect:
    """What a technique does to a column: counts of values that are not null.

    `affected` stand in validated, `changed` are published otherwise or not at all. Of batches that
    would be refused before anything is anonymized none is changed.
    """

    column: str
    technique: str
    affected: int
    changed: int


@dataclass(frozen=True, slots=True)
class Example:
    """The personal columns of one record before and after, as texts.

    A dropped column is missing in `after`. Holds values of a person: it is for who asked alone.
    """

    batch: str
    record: int
    before: dict[str, str | None] = field(repr=False)
    after: dict[str, str | None] = field(repr=False)


@dataclass(frozen=True, slots=True)
class DryRun:
    """What a run over `batches` would do.

    `records` are those of validated; `withheld` counts, by batch, those that the contract's
    `privacy` would withhold, `refused` says which batches would not be published, and why.
    `seconds` is what the work took here, over all records.
    """

    batches: tuple[str, ...]
    records: int
    columns: tuple[ColumnEffect, ...]
    withheld: dict[str, int]
    measures: dict[str, dict[str, float]]
    refused: dict[str, tuple[str, ...]]
    undeclared: tuple[str, ...]
    warnings: tuple[str, ...]
    seconds: float
    sample: tuple[Example, ...] = field(repr=False)


def dry_run(
    lake: Lake, contract: Contract, batches: Sequence[str], arrived: Sequence[str]
) -> DryRun:
    """Return what the layers past validated would hold of `batches`; hold the dataset's lock.

    `arrived` are all batches in the order they arrived, as for `process`.

    Raises:
        SchemaChangeError: validated, or batches beside these, hold a column in another type.
    """
    check_ready(lake, contract, batches, LAYERS)
    with _mirrored(lake, contract, batches) as dry:
        watch = Stopwatch()
        make_ready(dry, contract, batches, LAYERS)
        made: list[str] = []
        outcomes: list[Outcome] = []
        for group in _groups(dry, contract, batches):
            for outcome in bring_on(dry, contract, group, LAYERS, arrived):
                outcomes.append(outcome)
                made += _made(dry, contract, outcome)
        seconds = watch.lap()
        before = relation(dry, contract, Layer.VALIDATED, batches)
        columns = [column for column in contract.columns if column.personal or column.anonymize]
        after = parquet_relation(made) if made else ""
        effects, same = _effects(dry, contract, columns, before, after)
        sample = _sample(dry, contract, columns, before, after) if after else ()
        counts = records_per_batch(dry, contract.dataset, Layer.VALIDATED, batches)
    warned = [
        (o.batch, said) for o in outcomes if isinstance(o, BatchWarned) for said in o.warnings
    ]
    protected = {o.batch: o for o in outcomes if isinstance(o, BatchProtected) and not o.broken}
    refused = {o.batch: o.reasons for o in outcomes if isinstance(o, BatchRefused)}
    found = warned + [(batch, said) for batch, reasons in refused.items() for said in reasons]
    return DryRun(
        tuple(batches),
        sum(counts.values()),
        effects,
        {batch: one.withheld for batch, one in protected.items()},
        {batch: one.measures for batch, one in protected.items()},
        refused,
        tuple(f"{batch}: {said}" for batch, said in found if said.startswith(UNDECLARED)),
        (
            *same,
            *(f"{batch}: {said}" for batch, said in warned if not said.startswith(UNDECLARED)),
        ),
        round(seconds, 3),
        sample,
    )


@contextmanager
def _mirrored(lake: Lake, contract: Contract, batches: Sequence[str]) -> Iterator[Lake]:
    """Yield a lake with mirrors of what a run over `batches` reads; they go with the block.

    The folder is named as spills are: should this process be killed, it goes as theirs do.
    """
    sweep_spills(lake.temporary)
    root = Path(tempfile.mkdtemp(prefix=f"spill-{os.getpid()}-", dir=lake.temporary))
    tables, dataset = Tables(root), contract.dataset
    upserts = contract.publish.mode == "upsert"
    beside = upserts or contract.privacy is not None or goes_alone(contract)
    try:
        for layer in SOURCES:
            mirror(lake.tables, tables, dataset, layer, batches)
        for layer in LAYERS if beside else ():
            mirror(lake.tables, tables, dataset, layer, None)
        yield replace(lake, tables=tables)
    finally:
        shutil.rmtree(root, ignore_errors=True)


def _groups(lake: Lake, contract: Contract, batches: Sequence[str]) -> Iterator[list[str]]:
    """Split the batches as a run does: alone, or together up to so many bytes."""
    group: list[str] = []
    size = 0
    for batch in batches:
        files = lake.tables.files(contract.dataset, Layer.VALIDATED, [batch])
        own = sum(Path(file).stat().st_size for file in files)
        if group and (goes_alone(contract) or size + own > GROUP_BYTES):
            yield group
            group, size = [], 0
        group.append(batch)
        size += own
    if group:
        yield group


def _made(lake: Lake, contract: Contract, outcome: Outcome) -> list[str]:
    """Return the files of anonymized that were just written; they stay when it is withdrawn."""
    if isinstance(outcome, LayerWritten) and outcome.layer is Layer.ANONYMIZED:
        return lake.tables.files(contract.dataset, Layer.ANONYMIZED, [outcome.batch])
    return []


def _effects(
    lake: Lake, contract: Contract, columns: Sequence[Column], before: str, after: str
) -> tuple[tuple[ColumnEffect, ...], list[str]]:
    """Return the effect on each column, and a sentence for each whose values stay as they are."""
    if not columns:
        return (), []
    kept = {column.name for column in kept_columns(contract)}
    parts = []
    for name in (column.name for column in columns):
        old, new = f"b.{identifier(name)}", f"a.{identifier(name)}"
        stays = f"CAST({old} AS VARCHAR) = CAST({new} AS VARCHAR)" if name in kept else "false"
        had = f"{old} IS NOT NULL AND a.{RECORD} IS NOT NULL"
        parts += [
            f"count({old})",
            f"count(*) FILTER ({had} AND NOT coalesce({stays}, false))" if after else "0",
            f"count(*) FILTER ({had} AND coalesce({stays}, false))" if after else "0",
        ]
    joined = f"LEFT JOIN {after} AS a USING ({BATCH_ID}, {RECORD})" if after else ""
    sql = f"SELECT {', '.join(parts)} FROM {before} AS b {joined}"
    (counts,) = lake.connection.execute(sql).fetchall()
    effects, same = [], []
    for n, column in enumerate(columns):
        affected, changed, stay = counts[3 * n : 3 * n + 3]
        effects.append(ColumnEffect(column.name, technique_of(column), affected, changed))
        if stay and column.anonymize is not None:
            same.append(
                f"{technique_of(column)} of '{column.name}': {stay} values stay as they are"
            )
    return tuple(effects), same


def _sample(
    lake: Lake, contract: Contract, columns: Sequence[Column], before: str, after: str
) -> tuple[Example, ...]:
    """Return a few records, the same ones each time, those with fewest nulls before others."""
    kept = {column.name for column in kept_columns(contract)}
    old = [column.name for column in columns]
    new = [name for name in old if name in kept]
    if not old:
        return ()
    nulls = " + ".join(f"(b.{identifier(name)} IS NULL)::INTEGER" for name in old)
    texts = [f"CAST(b.{identifier(name)} AS VARCHAR)" for name in old]
    texts += [f"CAST(a.{identifier(name)} AS VARCHAR)" for name in new]
    rows = lake.connection.execute(
        f"SELECT {BATCH_ID}, {RECORD}, {', '.join(texts)} FROM {before} AS b "
        f"JOIN {after} AS a USING ({BATCH_ID}, {RECORD}) "
        f"ORDER BY {nulls}, hash({BATCH_ID}, {RECORD}) LIMIT {SAMPLE_RECORDS}"
    ).fetchall()
    return tuple(
        Example(
            batch,
            record,
            dict(zip(old, values[: len(old)], strict=True)),
            dict(zip(new, values[len(old) :], strict=True)),
        )
        for batch, record, *values in sorted(rows, key=lambda row: row[:2])
    )
