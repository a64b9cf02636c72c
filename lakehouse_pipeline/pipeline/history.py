"""What is known of one record: as delivered, every judgement, what people did, where it is now.

Shows values of the record, personal ones too: for stewards, never for events or logs.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from lakehouse_pipeline.contracts.model import Contract
from lakehouse_pipeline.errors import LakehouseError
from lakehouse_pipeline.lake.engine import parquet_relation
from lakehouse_pipeline.lake.erased_records import NOTHING
from lakehouse_pipeline.names import BATCH_ID, DEFECT, REASONS, RECORD, Input, Layer, literal
from lakehouse_pipeline.pipeline.effective import RULE, TURN
from lakehouse_pipeline.pipeline.inputs import AT, BY, LIFTED, WHY
from lakehouse_pipeline.pipeline.lake import Lake

Row = dict[str, Any]


class UnknownRecordError(LakehouseError):
    """Raw has no record of this number in the batch."""

    def __init__(self, batch: str, record: int, records: int) -> None:
        super().__init__(
            f"batch '{batch}' has no record {record}; expected a number from 1 to {records}"
        )


class ErasedRecordError(LakehouseError):
    """The record was erased: nothing of it is left to show."""

    exit_code = 1

    def __init__(self, batch: str, record: int, erasure: str) -> None:
        super().__init__(
            f"record {record} of batch '{batch}' was erased; nothing of it is left. "
            f"The certificate: lakehouse erase --show {erasure}"
        )


@dataclass(frozen=True, slots=True)
class Judgement:
    """When (UTC) the batch was judged, under which contract, into which version of quarantined."""

    at: datetime
    contract_version: str
    quarantined_version: int


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happened to the record. `by` is empty for what the pipeline did."""

    at: datetime
    what: str
    by: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class RecordHistory:
    """A record from its file to where it is now.

    `delivered` are its texts as they stood, empty for a record that could not be split, whose
    `text` is the physical one. `layers` are those that hold it now, `released` is whether a person
    let it through; `steps` are in the order of time.
    """

    dataset: str
    batch: str
    record: int
    delivered: Row
    text: str | None
    layers: tuple[str, ...]
    released: bool
    steps: tuple[Step, ...] = field(default=())


def record_history(
    lake: Lake, contract: Contract, batch: str, record: int, judgements: Sequence[Judgement]
) -> RecordHistory:
    """Return the history of a record.

    Raises: UnknownRecordError: raw does not hold it. ErasedRecordError: it was erased.
    """
    dataset, tables = contract.dataset, lake.tables
    erased = lake.erased.of(dataset).get(batch, NOTHING).records
    if record in erased:
        raise ErasedRecordError(batch, record, erased[record].erasure)
    rows = {layer: _row(lake, tables.files(dataset, layer, [batch]), record) for layer in Layer}
    raw = rows[Layer.RAW]
    if raw is None:
        raise UnknownRecordError(batch, record, _count(lake, contract, batch))
    validated = rows[Layer.VALIDATED]
    steps = [
        *_judged(lake, contract, batch, record, judgements),
        *_corrected(lake, contract, batch, record),
        *_released(lake, contract, batch, record),
    ]
    defect = raw[DEFECT]
    return RecordHistory(
        dataset,
        batch,
        record,
        {name: raw.get(name) for name in contract.column_names} if defect is None else {},
        bytes(defect["bytes"]).decode("utf-8", "replace") if defect else None,
        tuple(str(layer) for layer, row in rows.items() if row is not None),
        bool(validated and validated.get("_released")),
        tuple(sorted(steps, key=lambda step: step.at)),
    )


def _rows(lake: Lake, sql: str) -> list[Row]:
    result = lake.connection.execute(sql)
    names = [column[0] for column in result.description or []]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def _row(lake: Lake, files: list[str], record: int) -> Row | None:
    """Return the record of this number in the data files of one batch, or None."""
    if not files:
        return None
    found = _rows(lake, f"SELECT * FROM {parquet_relation(files)} WHERE {RECORD} = {record}")
    return found[0] if found else None


def _count(lake: Lake, contract: Contract, batch: str) -> int:
    files = lake.tables.files(contract.dataset, Layer.RAW, [batch])
    if not files:
        return 0
    return int(_rows(lake, f"SELECT count(*) AS n FROM {parquet_relation(files)}")[0]["n"])


def _judged(
    lake: Lake, contract: Contract, batch: str, record: int, judgements: Sequence[Judgement]
) -> Iterator[Step]:
    """Yield what each judgement said, as far as its version of the table can still be read."""
    for one in judgements:
        under = f"judged under {contract.dataset} {one.contract_version}"
        version = one.quarantined_version
        try:
            files = lake.tables.files(contract.dataset, Layer.QUARANTINED, [batch], version)
            there = all(Path(file).exists() for file in files)
            row = _row(lake, files, record) if there else None
        except duckdb.IOException:
            there, row = False, None
        if not there:
            yield Step(one.at, f"{under}: that version of the table is no longer kept")
        elif row is None:
            yield Step(one.at, f"{under}: not in quarantine")
        else:
            rules = ", ".join(reason["rule"] for reason in row[REASONS])
            yield Step(one.at, f"{under}: in quarantine for {rules}")


def _corrected(lake: Lake, contract: Contract, batch: str, record: int) -> Iterator[Step]:
    files = lake.tables.files(contract.dataset, Input.CORRECTIONS, [batch])
    if not files:
        return
    raw = lake.tables.files(contract.dataset, Layer.RAW, [batch])
    before = _row(lake, raw, record) or {}
    source = f"{parquet_relation(files)} WHERE {RECORD} = {record} ORDER BY {TURN}"
    for row in _rows(lake, f"SELECT * FROM {source}"):
        names = [n for n in contract.column_names if row.get(n) != before.get(n)]
        changes = ", ".join(f"{n}: {before.get(n)!r} to {row.get(n)!r}" for n in names)
        yield Step(row[AT], f"corrected by {row['_file']}: {changes}", row[BY], row[WHY])
        before = row


def _released(lake: Lake, contract: Contract, batch: str, record: int) -> Iterator[Step]:
    """Yield the releases of the record, and what was decided over its whole batch."""
    files = lake.tables.files(contract.dataset, Input.RELEASES, [batch])
    if not files:
        return
    sql = (
        f"SELECT {AT}, {BY}, {WHY}, {LIFTED}, any_value({RECORD}) AS record, "
        f"string_agg({RULE}, ', ') AS rules FROM {parquet_relation(files)} "
        f"WHERE coalesce({RECORD}, {record}) = {record} AND {BATCH_ID} = {literal(batch)} "
        "GROUP BY ALL"
    )
    for row in _rows(lake, sql):
        whose = "" if row["record"] is not None else "the batch "
        held = row["rules"] == "held"
        what = "released from " + row["rules"]
        if held:
            what = "no longer held" if row[LIFTED] else "held back"
        yield Step(row[AT], f"{whose}{what}", row[BY], row[WHY])
