"""A supplier's corrected records, held against what is in quarantine.

A file is read whole or not at all: one thing wrong with it, and nothing changes. How it is read is
in `correction_file.py`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from lakehouse_pipeline.contracts.model import Contract
from lakehouse_pipeline.lake.quarantine import report_columns
from lakehouse_pipeline.names import BATCH_ID, RECORD, TEXT, Layer, identifier, literal
from lakehouse_pipeline.pipeline.correction_file import (
    AS_UTF8,
    BATCH,
    BROKEN,
    LINE,
    NUMBER,
    PHYSICAL,
    CorrectionError,
    read_report,
)
from lakehouse_pipeline.pipeline.lake import Lake
from lakehouse_pipeline.pipeline.relations import relation
from lakehouse_pipeline.pipeline.screen import columns_in_any_version
from lakehouse_pipeline.pipeline.subject_texts import named_in

AS_NUMBER = (
    f"CASE WHEN regexp_full_match(trim({NUMBER}), '[0-9]+') THEN TRY_CAST({NUMBER} AS BIGINT) END"
)
"""The number, null where the text is none: a cast alone makes 2 of `1.5`, and 10 of `1e1`."""

GIVEN = "given_records"


@dataclass(frozen=True, slots=True)
class Corrected:
    """The corrections of a file: `records` has the contract's columns as text, and `_record`.

    `unchanged` counts the records that came back as they were, and `elsewhere` those of other
    batches; both are left out.
    """

    records: pa.Table
    unchanged: int
    elsewhere: int


def read_corrections(lake: Lake, contract: Contract, batch: str, file: Path) -> Corrected:
    """Return the records of `file` that differ from what is in quarantine.

    Raises:
        CorrectionError: a record is not in quarantine, stands there twice, or cannot be read.
        FileRefusedError: the file is not CSV as the report is written.
    """
    given = read_report(contract, file)
    lake.connection.register(GIVEN, given)
    try:
        problems = _problems(lake, contract, batch)
        if problems:
            raise CorrectionError(file.name, problems)
        corrected = _changed(lake, contract, batch)
    finally:
        lake.connection.unregister(GIVEN)
    if corrected.elsewhere == given.num_rows:
        raise CorrectionError(file.name, [f"it has no record of batch {batch}"])
    return corrected


def _ours(batch: str) -> str:
    """Return the condition that a given record names this batch, or none."""
    return f"coalesce(trim({BATCH}), '') IN ('', {literal(batch)})"


def _problems(lake: Lake, contract: Contract, batch: str) -> list[str]:
    """Return what is wrong with the given records, in the order of the file."""
    if erased := _erased(lake, contract):
        return erased
    cases = " ".join(
        f"WHEN {condition} THEN {said}" for condition, said in _faults(lake, contract, batch)
    )
    rows = lake.connection.execute(
        f"SELECT {LINE}, CASE {cases} END AS problem FROM {GIVEN} "
        f"QUALIFY problem IS NOT NULL ORDER BY {LINE}"
    ).fetchall()
    return [f"line {line + 1}: {problem}" for line, problem in rows]


def _erased(lake: Lake, contract: Contract) -> list[str]:
    """Return which records would bring back a subject that was erased."""
    suppressed = lake.subjects.of(contract.dataset)
    columns = columns_in_any_version(lake, contract) if suppressed else {}
    if not suppressed or not columns:
        return []
    source = f"(SELECT *, '' AS {BATCH_ID}, {LINE}::BIGINT AS {RECORD} FROM {GIVEN})"
    hits = named_in(lake.connection, source, columns, suppressed)
    said = "is about a subject that was erased; leave it out"
    return [f"line {line + 1}: {said}" for line in sorted({line for _, line, _ in hits})]


def _faults(lake: Lake, contract: Contract, batch: str) -> Iterator[tuple[str, str]]:
    """Yield SQL of what can be wrong with a record and of how it is said, the worst first."""
    held = relation(lake, contract, Layer.QUARANTINED, [batch])
    ours, number, text = _ours(batch), f"({AS_NUMBER})", report_columns(contract)[3]
    named, known = f"trim({BATCH})", ", ".join(map(literal, _batches(lake, contract, batch)))
    yield f"{BROKEN}.rule = 'record.encoding'", literal(f"is not UTF-8; {AS_UTF8}")
    shorter = f"replace({BROKEN}.message, 'the contract has', 'the header has')"
    yield f"{BROKEN} IS NOT NULL", f"'cannot be read: ' || {shorter}"
    yield (
        f"NOT {ours} AND {named} NOT IN ({known})",
        literal(f"names a batch that {contract.dataset} does not have"),
    )
    yield f"NOT {ours}", "NULL"
    yield f"{number} IS NULL", "'its record number is not a number'"
    repeated = f"count(*) OVER (PARTITION BY {number}, {ours}) > 1"
    yield repeated, f"'record ' || {number} || ' stands there twice'"
    yield (
        f"{number} NOT IN (SELECT {RECORD} FROM {held})",
        f"'record ' || {number} || {literal(f' is not in quarantine in batch {batch}')}",
    )
    changed = f" was changed in '{text}', which only says what arrived; correct the other columns"
    yield (
        f"{number} IN ({_corrected_in_the_text(contract, held)})",
        f"'record ' || {number} || {literal(changed)}",
    )


def _batches(lake: Lake, contract: Contract, batch: str) -> list[str]:
    """Return the batches whose records may stand in a report."""
    layers = (Layer.RAW, Layer.QUARANTINED)
    held = [lake.tables.batches(contract.dataset, layer) for layer in layers]
    return sorted({batch}.union(*held))


def _corrected_in_the_text(contract: Contract, held: str) -> str:
    """Return SQL of the numbers of records changed in their physical text and nowhere else."""
    given, arrived = (
        rf"regexp_replace(trim({text}), '\s+', ' ', 'g')"
        for text in (f"g.{PHYSICAL}", f"coalesce(q.{TEXT}, '')")
    )
    return (
        f"SELECT q.{RECORD} FROM {GIVEN} AS g JOIN {held} AS q ON q.{RECORD} = ({AS_NUMBER}) "
        f"WHERE {given} NOT IN ('', {arrived}) AND {_same(contract)}"
    )


def _same(contract: Contract) -> str:
    names = [identifier(name) for name in contract.column_names]
    return " AND ".join(f"g.{name} = coalesce(q.{name}, '')" for name in names)


def _changed(lake: Lake, contract: Contract, batch: str) -> Corrected:
    held = relation(lake, contract, Layer.QUARANTINED, [batch])
    given = ", ".join(f"g.{identifier(name)}" for name in contract.column_names)
    joined = (
        f"FROM {GIVEN} AS g JOIN {held} AS q ON q.{RECORD} = ({AS_NUMBER}) "
        f"AND q.{BATCH_ID} = {literal(batch)} AND {_ours(batch)}"
    )
    changed = lake.connection.sql(
        f"SELECT {given}, q.{RECORD} {joined} WHERE NOT ({_same(contract)}) ORDER BY q.{RECORD}"
    ).to_arrow_table()
    (count,) = lake.connection.execute(f"SELECT count(*) {joined}").fetchall()[0]
    (elsewhere,) = lake.connection.execute(
        f"SELECT count(*) FROM {GIVEN} WHERE NOT {_ours(batch)}"
    ).fetchall()[0]
    return Corrected(changed, count - changed.num_rows, elsewhere)
