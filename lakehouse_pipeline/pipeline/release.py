"""Past the gate: anonymized and published, and the withdrawal of what the gate refuses."""

from collections.abc import Generator, Iterator, Mapping, Sequence
from pathlib import Path

import duckdb
import pyarrow as pa

from lakehouse_pipeline.contracts.model import Contract
from lakehouse_pipeline.contracts.quoting import told
from lakehouse_pipeline.contracts.techniques import KEYED, technique_of
from lakehouse_pipeline.errors import LakehouseError
from lakehouse_pipeline.lake.engine import rows_of
from lakehouse_pipeline.lake.tables import Staged, copied, stage
from lakehouse_pipeline.layers.anonymized import (
    anonymized,
    kept_columns,
    prepared,
    replaced_columns,
)
from lakehouse_pipeline.layers.gate import judge_batch
from lakehouse_pipeline.layers.published import published, published_columns
from lakehouse_pipeline.names import BATCH_ID, RECORD, Layer
from lakehouse_pipeline.pipeline.lake import Lake
from lakehouse_pipeline.pipeline.measures import measure
from lakehouse_pipeline.pipeline.outcomes import BatchRefused, LayerWritten, Outcome
from lakehouse_pipeline.pipeline.relations import relation
from lakehouse_pipeline.pipeline.stopwatch import Stopwatch
from lakehouse_pipeline.pipeline.upsert import upsert_published

RELEASED_RECORDS = "released_records"
"""Under `privacy`: the table of the run's connection that has the records to be published."""

QUOTING = (duckdb.DataError, duckdb.InvalidInputException)
"""Errors of the engine over the values themselves, which their messages quote."""

WITHDRAWN = (Layer.PUBLISHED, Layer.ANONYMIZED)
"""The layers a refused batch leaves, published first."""


class TechniqueFailedError(LakehouseError):
    """The engine cannot make the safe value of a record; its message may quote the value."""

    exit_code = 1

    def __init__(self, contract: Contract, problem: str) -> None:
        super().__init__(
            f"{contract.dataset} {contract.version}: a technique cannot make its value of some "
            f"record. {problem}. Look at aggregate and noise of numbers near the limits "
            "of their type."
        )


def pass_gate(
    lake: Lake, contract: Contract, batches: Sequence[str], arrived: Sequence[str]
) -> Generator[Outcome, None, list[str]]:
    """Return the batches that may be published, judged from what raw and quarantined hold.

    A refused batch that an earlier run published is taken out of published and anonymized.
    """
    verdicts = {
        batch: judge_batch(contract, measured)
        for batch, measured in measure(lake, contract, batches).items()
    }
    reasons = {batch: verdict.refusals for batch, verdict in verdicts.items() if verdict.refused}
    yield from refuse(lake, contract, reasons, Layer.ANONYMIZED, arrived)
    return [batch for batch in batches if batch not in reasons]


def refuse(
    lake: Lake,
    contract: Contract,
    reasons: Mapping[str, tuple[str, ...]],
    before: Layer,
    arrived: Sequence[str],
) -> Iterator[Outcome]:
    """Stop batches before a layer; what an earlier run published of them is withdrawn.

    In mode upsert the keys they held go back to the batches that held them before.
    """
    withdrawn = {
        layer: lake.tables.remove(contract.dataset, layer, list(reasons)) if reasons else []
        for layer in WITHDRAWN
    }
    for batch, said in reasons.items():
        layers = tuple(layer for layer in WITHDRAWN if batch in withdrawn[layer])
        yield BatchRefused(batch, before, said, layers)
    if withdrawn[Layer.ANONYMIZED] and contract.publish.mode == "upsert":
        yield from upsert_published(lake, contract, [], arrived)


def pass_techniques(
    lake: Lake, contract: Contract, batches: Sequence[str], arrived: Sequence[str]
) -> Generator[Outcome, None, list[str]]:
    """Write anonymized; return the batches that are in it, the others are refused.

    A batch of which no safe value can be made stops only itself.
    """
    try:
        yield from write_anonymized(lake, contract, batches)
    except TechniqueFailedError as error:
        if len(batches) == 1:
            reasons = {batches[0]: (str(error),)}
            yield from refuse(lake, contract, reasons, Layer.ANONYMIZED, arrived)
            return []
        passed = []
        for batch in batches:
            passed += yield from pass_techniques(lake, contract, [batch], arrived)
        return passed
    return list(batches)


def write_anonymized(
    lake: Lake, contract: Contract, batches: Sequence[str]
) -> Iterator[LayerWritten]:
    """Write validated with its personal columns made safe, in one commit."""
    watch = Stopwatch()
    source = relation(lake, contract, Layer.VALIDATED, batches)
    with lake.tables.staging(contract.dataset) as folder:
        staged = stage_safe(lake, contract, source, folder / Layer.ANONYMIZED, batches)
        version = lake.tables.replace(contract.dataset, Layer.ANONYMIZED, batches, staged)
    seconds = watch.lap()
    keyed = any(technique_of(column) in KEYED for column in contract.columns)
    for batch in batches:
        yield LayerWritten(
            batch,
            Layer.ANONYMIZED,
            staged.rows[batch],
            version,
            seconds,
            len(batches),
            key_id=lake.replacer.key_id if keyed else "",
        )


def stage_safe(
    lake: Lake, contract: Contract, validated: str, folder: Path, batches: Sequence[str]
) -> Staged:
    """Stage the records of `validated` (SQL of a relation), their personal columns made safe.

    Raises:
        TechniqueFailedError: a technique cannot make its value of a record. What goes wrong with
            the vault or a key is no fault of the data and is raised as it is.
    """
    try:
        return _stage_safe(lake, contract, validated, folder, batches)
    except QUOTING as error:
        problem = told(type(error).__name__, str(error), personal=True)
    raise TechniqueFailedError(contract, problem)


def _stage_safe(
    lake: Lake, contract: Contract, validated: str, folder: Path, batches: Sequence[str]
) -> Staged:
    replaced, sql = replaced_columns(contract), prepared(contract, validated)
    whole = anonymized(contract, f"({sql})")
    if not replaced:
        return stage(lake.connection, whole, folder, batches)
    schema = lake.connection.sql(f"SELECT * FROM ({whole}) LIMIT 0").to_arrow_table().schema
    plain = rows_of(lake.connection, sql)
    of_engine: list[Exception] = []
    of_any: list[Exception] = []
    rows = lake.replacer.columns(_keeping(plain, of_engine), replaced)
    safe = pa.RecordBatchReader.from_batches(plain.schema, _keeping(rows, of_any))
    lake.connection.register("safe_records", safe)
    try:
        sql = anonymized(contract, "safe_records")
        return stage(lake.connection, sql, folder, batches, schema)
    except duckdb.Error:
        if of_any and not of_engine:
            raise of_any[0] from None
        raise
    finally:
        lake.connection.unregister("safe_records")


def _keeping(rows: Iterator[pa.RecordBatch], failures: list[Exception]) -> Iterator[pa.RecordBatch]:
    """Yield `rows`; keep what is raised, which the engine would pass on as a fault of its input."""
    try:
        yield from rows
    except Exception as failure:
        failures.append(failure)
        raise


def write_published(
    lake: Lake, contract: Contract, batches: Sequence[str], arrived: Sequence[str]
) -> Iterator[LayerWritten]:
    """Write the promised columns in one commit; where they are all there are, copy the files.

    Under `privacy` the records in `released_records` only.
    """
    if contract.publish.mode == "upsert":
        yield from upsert_published(lake, contract, batches, arrived)
        return
    watch = Stopwatch()
    dataset, tables = contract.dataset, lake.tables
    with tables.staging(dataset) as folder:
        target = folder / Layer.PUBLISHED
        everything = tuple(column.name for column in kept_columns(contract))
        if contract.privacy is None and published_columns(contract) == everything:
            staged = copied(tables, dataset, Layer.ANONYMIZED, target, batches)
        else:
            source = relation(lake, contract, Layer.ANONYMIZED, batches)
            if contract.privacy is not None:
                keys = f"USING ({BATCH_ID}, {RECORD})"
                source = f"(SELECT * FROM {source} SEMI JOIN {RELEASED_RECORDS} {keys})"
            staged = stage(lake.connection, published(contract, source), target, batches)
        version = tables.replace(dataset, Layer.PUBLISHED, batches, staged)
    seconds = watch.lap()
    for batch in batches:
        yield LayerWritten(
            batch, Layer.PUBLISHED, staged.rows[batch], version, seconds, len(batches)
        )
