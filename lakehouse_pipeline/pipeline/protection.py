"""Published data measured before they are published, and what is withheld for it.

The contract's `privacy` is measured over each batch by itself, and over published with the batch in
it. Records of classes that break it are withheld, or the batch is refused. A batch that keeps k and
l by itself cannot make published break them; t it can, since it moves the distribution of all.
"""

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from lakehouse_pipeline.contracts.model import Contract, Privacy
from lakehouse_pipeline.contracts.techniques import published_type
from lakehouse_pipeline.layers.protection import (
    class_measures,
    classified,
    failing,
    summary,
    to_withhold,
)
from lakehouse_pipeline.names import BATCH_ID, RECORD, Layer, identifier
from lakehouse_pipeline.pipeline.lake import Lake
from lakehouse_pipeline.pipeline.outcomes import BatchProtected, Outcome
from lakehouse_pipeline.pipeline.relations import relation, relation_of
from lakehouse_pipeline.pipeline.release import RELEASED_RECORDS, refuse

CLASSIFIED, CLASSES = "classified_records", "record_classes"
DIGITS = 12
"""After the point, of a measure: the rest is what adding up shares leaves, and would be plotted."""

ROUNDS = 50
"""How often records are withheld before the batch is refused: each time the others are measured."""


@dataclass(frozen=True, slots=True)
class _Measured:
    """The measures of one relation, by name, and how many of its classes break a promise."""

    values: dict[str, float]
    broken: int


def pass_protection(
    lake: Lake, contract: Contract, batches: Sequence[str], arrived: Sequence[str]
) -> Generator[Outcome, None, list[str]]:
    """Return the batches that may be published; the others are withdrawn.

    `batches` are in anonymized. The records to be published are then in `released_records`.
    """
    privacy = contract.privacy
    if privacy is None:
        return list(batches)
    lake.connection.execute(
        f"CREATE OR REPLACE TABLE {RELEASED_RECORDS} ({BATCH_ID} VARCHAR, {RECORD} BIGINT)"
    )
    passed: list[str] = []
    for batch in batches:
        source = relation(lake, contract, Layer.ANONYMIZED, [batch])
        with _classified(lake, privacy, source):
            protected, reasons = _protect(lake, contract, privacy, [*passed, batch])
        yield protected
        if reasons:
            lake.connection.execute(f"DELETE FROM {RELEASED_RECORDS} WHERE {BATCH_ID} = ?", [batch])
            yield from refuse(lake, contract, {batch: reasons}, Layer.PUBLISHED, arrived)
        else:
            passed.append(batch)
    return passed


def measure_restored(
    lake: Lake, contract: Contract, restored: Mapping[str, Sequence[str]]
) -> tuple[dict[str, dict[str, float]], tuple[str, ...]]:
    """Measure batches, by the files that published is about to have of them; nothing is withheld.

    Returns: the measures of each batch, named as in `BatchProtected`, and every promise of the
        contract's `privacy` that is broken, in words; both empty where it promises none.
    """
    privacy = contract.privacy
    if privacy is None or not restored:
        return {}, ()
    others = sorted(lake.tables.batches(contract.dataset, Layer.PUBLISHED) - set(restored))
    held = lake.tables.files(contract.dataset, Layer.PUBLISHED, others) if others else []
    all_files = [*held, *(file for files in restored.values() for file in files)]
    if unmeasured := _not_as_promised(lake, contract, privacy, all_files):
        return {}, unmeasured
    found: dict[str, dict[str, float]] = {}
    whole = _measured_in(lake, contract, privacy, all_files)
    reasons = [*_reasons(privacy, whole, "published")[:-1]]
    for batch, files in restored.items():
        alone = _measured_in(lake, contract, privacy, files)
        reasons += _reasons(privacy, alone, batch)[:-1]
        found[batch] = {f"privacy/{name}": value for name, value in alone.values.items()}
        found[batch] |= {f"privacy/published/{name}": v for name, v in whole.values.items()}
    return found, tuple(reasons)


def _measured_in(
    lake: Lake, contract: Contract, privacy: Privacy, files: Sequence[str]
) -> _Measured:
    source = relation_of(lake, contract, Layer.ANONYMIZED, files)
    with _classified(lake, privacy, source):
        return _measure(lake, contract, privacy)


def _not_as_promised(
    lake: Lake, contract: Contract, privacy: Privacy, files: Sequence[str]
) -> tuple[str, ...]:
    """Return a sentence for each number that is measured by order and stands there as text."""
    source = relation_of(lake, contract, Layer.ANONYMIZED, files)
    held = lake.connection.sql(f"SELECT * FROM {source} LIMIT 0")
    texts = {n for n, kind in zip(held.columns, held.types, strict=True) if str(kind) == "VARCHAR"}
    return tuple(
        f"privacy: t of {name} cannot be measured, which was text then"
        for name in privacy.sensitive
        if privacy.t is not None
        and name in texts
        and published_type(contract.column(name)).logical in ("integer", "number")
    )


@contextmanager
def _classified(lake: Lake, privacy: Privacy, source: str) -> Iterator[None]:
    lake.connection.execute(
        f"CREATE OR REPLACE TABLE {CLASSIFIED} AS {classified(privacy, source)}"
    )
    try:
        yield
    finally:
        lake.connection.execute(f"DROP TABLE {CLASSIFIED}")
        lake.connection.execute(f"DROP TABLE IF EXISTS {CLASSES}")


def _protect(
    lake: Lake, contract: Contract, privacy: Privacy, released: Sequence[str]
) -> tuple[BatchProtected, tuple[str, ...]]:
    """Return the measures of the last batch of `released`, and why it is refused if it is."""
    count = _count(lake)
    measured = _measure(lake, contract, privacy)
    rounds = 0
    while measured.broken and privacy.below == "suppress" and rounds < ROUNDS:
        lake.connection.execute(
            f"DELETE FROM {CLASSIFIED} WHERE class IN ({to_withhold(privacy, CLASSES)})"
        )
        measured, rounds = _measure(lake, contract, privacy), rounds + 1
    withheld = count - _count(lake)
    reasons = _reasons(privacy, measured, "the batch")
    if reasons and rounds:
        reasons += (f"Groups of records were withheld {rounds} times before, the farthest first.",)
    with_batch = dict[str, float]()
    if not reasons:
        lake.connection.execute(
            f"INSERT INTO {RELEASED_RECORDS} SELECT {BATCH_ID}, {RECORD} FROM {CLASSIFIED}"
        )
        everything = _with_batch(lake, contract, privacy, released)
        reasons, with_batch = _reasons(privacy, everything, "published"), everything.values
    values = {f"privacy/{name}": value for name, value in measured.values.items()}
    values |= {f"privacy/published/{name}": value for name, value in with_batch.items()}
    return BatchProtected(released[-1], withheld, values, " ".join(reasons)), reasons


def _count(lake: Lake) -> int:
    (row,) = lake.connection.execute(f"SELECT count(*) FROM {CLASSIFIED}").fetchall()
    return int(row[0])


def _measure(lake: Lake, contract: Contract, privacy: Privacy) -> _Measured:
    """Measure the records in `classified_records`; their classes are then in `record_classes`."""
    lake.connection.execute(
        f"CREATE OR REPLACE TABLE {CLASSES} AS {class_measures(contract, privacy, CLASSIFIED)}"
    )
    names, sql = summary(privacy, CLASSES)
    (row,) = lake.connection.execute(sql).fetchall()
    pairs = zip(names, row, strict=True)
    values = {name: round(float(v), DIGITS) + 0.0 for name, v in pairs if v is not None}
    (broken,) = lake.connection.execute(
        f"SELECT count(*) FROM ({failing(privacy, CLASSES)})"
    ).fetchall()
    return _Measured(values, int(broken[0]))


def _with_batch(
    lake: Lake, contract: Contract, privacy: Privacy, released: Sequence[str]
) -> _Measured:
    """Measure what published would hold: its other batches, and the released records of these."""
    others = sorted(lake.tables.batches(contract.dataset, Layer.PUBLISHED) - set(released))
    names = [*privacy.quasi_identifiers, *privacy.sensitive, BATCH_ID, RECORD]
    columns = ", ".join(name if name in names[-2:] else identifier(name) for name in names)
    mine = relation(lake, contract, Layer.ANONYMIZED, released)
    sql = f"SELECT {columns} FROM {mine} SEMI JOIN {RELEASED_RECORDS} USING ({BATCH_ID}, {RECORD})"
    if others:
        held = relation(lake, contract, Layer.PUBLISHED, others)
        sql += f" UNION ALL SELECT {columns} FROM {held}"
    lake.connection.execute(
        f"CREATE OR REPLACE TABLE {CLASSIFIED} AS {classified(privacy, f'({sql})')}"
    )
    return _measure(lake, contract, privacy)


def _reasons(privacy: Privacy, measured: _Measured, where: str) -> tuple[str, ...]:
    """Return the promises that `measured` breaks, in words; holds no value of a record."""
    if not measured.broken:
        return ()
    reasons = []
    for name, value in measured.values.items():
        kind, _, column = name.partition("/")
        of = f" of {column}" if column else ""
        limit = {"k": privacy.k, "l": privacy.l, "t": privacy.t}[kind]
        if limit is None or (value <= limit if kind == "t" else value >= limit):
            continue
        at = "at most" if kind == "t" else "at least"
        reasons.append(f"privacy: {where} has {kind} = {value:.4g}{of}, expected {at} {limit:g}")
    groups = (
        "1 group of records breaks"
        if measured.broken == 1
        else f"{measured.broken:,} groups of records break"
    )
    return (*reasons, f"{groups} it.")
