"""The invariants, checked over what is on disk: `lakehouse verify`.

Reads the tables and the landing files, and the events' counts as they are handed in; trusts none
of them over the others. Each violation names the invariant, the batch and the counts.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from lakehouse_pipeline.contracts.model import Contract
from lakehouse_pipeline.lake.csv_bytes import sha256_of
from lakehouse_pipeline.lake.csv_file import physical_lines_of
from lakehouse_pipeline.lake.engine import parquet_relation
from lakehouse_pipeline.lake.erased_records import NOTHING
from lakehouse_pipeline.layers.anonymized import dropped_columns
from lakehouse_pipeline.layers.upserted import winners
from lakehouse_pipeline.names import (
    BATCH_ID,
    DEFECT,
    REASONS,
    RECORD,
    Layer,
    identifier,
    literal,
)
from lakehouse_pipeline.pipeline.lake import Lake
from lakehouse_pipeline.pipeline.relations import relation


@dataclass(frozen=True, slots=True)
class Violation:
    """An invariant that does not hold. `invariant` is its number in docs/invariants.md."""

    dataset: str
    batch: str
    invariant: int
    message: str


@dataclass(frozen=True, slots=True)
class Recorded:
    """What the events say of a batch: its state, and its counts where it was published."""

    state: str
    records: int | None
    validated: int | None
    quarantined: int | None
    physical_lines: int | None = None
    header_lines: int = 1
    blank_lines: int = 0
    expired: frozenset[Layer] = frozenset()
    """The layers that retention has taken it out of: nothing is compared with them."""
    published: int | None = None
    withheld: int = 0
    """How many records are not published for the contract's `privacy`."""
    contract_version: str = ""
    """The version it was judged under."""
    dropped: frozenset[str] | None = None
    """The columns that were to be dropped of a batch that was rolled back; None: the contract's."""


def verify_dataset(
    lake: Lake, contract: Contract, recorded: Mapping[str, Recorded]
) -> list[Violation]:
    """Return every violation in a dataset.

    `recorded` has what the events say, by batch, in the order the batches arrived.
    """
    found = [
        *_numbering(lake, contract),
        *_split(lake, contract, recorded),
        *_published_whole(lake, contract, recorded),
        *_keys(lake, contract, recorded),
        *_columns(lake, contract, recorded),
        *_events(lake, contract, recorded),
        *_lines(lake, contract, recorded),
        *_erased(lake, contract),
    ]
    return sorted(found, key=lambda violation: (violation.batch, violation.invariant))


def _rows(lake: Lake, sql: str) -> list[tuple]:  # type: ignore[type-arg] # DuckDB rows are untyped
    return lake.connection.execute(sql).fetchall()


def _numbering(lake: Lake, contract: Contract) -> Iterator[Violation]:
    """Every layer holds a record at most once; raw numbers them from 1 without a gap.

    In raw the numbers of erased records are left out, and no others.
    """
    erased = lake.erased.of(contract.dataset)
    for layer in Layer:
        files = lake.tables.files(contract.dataset, layer)
        if not files:
            continue
        gap = f"OR min({RECORD}) <> 1 OR max({RECORD}) <> count(*)" if layer is Layer.RAW else ""
        sql = (
            f"SELECT {BATCH_ID}, count(*), count(DISTINCT {RECORD}), min({RECORD}), "
            f"max({RECORD}) FROM {parquet_relation(files)} GROUP BY ALL "
            f"HAVING count(*) <> count(DISTINCT {RECORD}) {gap}"
        )
        for batch, rows, numbers, first, last in _rows(lake, sql):
            gone = erased.get(batch, NOTHING).records
            total = rows + len(gone)
            if gone and rows == numbers and first >= 1 and max(last, *gone) <= total:
                continue  # that no erased number stands there is asked in `_erased`
            message = f"{layer}: {rows} records with {numbers} numbers; expected 1 to {total}, once"
            yield Violation(contract.dataset, batch, 1, message)


def _all(lake: Lake, contract: Contract, layer: Layer) -> str:
    files = lake.tables.files(contract.dataset, layer)
    if not files:
        return f"(SELECT '' AS {BATCH_ID}, 0::BIGINT AS {RECORD} WHERE false)"
    return parquet_relation(files)


def _left(recorded: Mapping[str, Recorded], batch: str, *layers: Layer) -> bool:
    """Return whether retention has taken a batch out of one of these layers."""
    return batch in recorded and not recorded[batch].expired.isdisjoint(layers)


def _split(lake: Lake, contract: Contract, recorded: Mapping[str, Recorded]) -> Iterator[Violation]:
    """Raw is validated and quarantined together, record by record."""
    raw, validated, quarantined = (
        _all(lake, contract, layer) for layer in (Layer.RAW, Layer.VALIDATED, Layer.QUARANTINED)
    )
    judged = (
        f"SELECT {BATCH_ID}, {RECORD}, 'v' AS half FROM {validated} UNION ALL "
        f"SELECT {BATCH_ID}, {RECORD}, 'q' FROM {quarantined}"
    )
    sql = (
        f"SELECT coalesce(r.{BATCH_ID}, j.{BATCH_ID}), "
        "count(*) FILTER (half IS NULL), count(*) FILTER (r.raw IS NULL), "
        "count(*) FILTER (halves > 1) FROM "
        f"(SELECT {BATCH_ID}, {RECORD}, 1 AS raw FROM {raw} WHERE {BATCH_ID} IN "
        f"(SELECT {BATCH_ID} FROM ({judged}))) AS r FULL JOIN "
        f"(SELECT {BATCH_ID}, {RECORD}, min(half) AS half, count(*) AS halves FROM ({judged}) "
        f"GROUP BY ALL) AS j ON r.{BATCH_ID} = j.{BATCH_ID} AND r.{RECORD} = j.{RECORD} "
        "GROUP BY ALL HAVING count(*) FILTER (half IS NULL OR r.raw IS NULL OR halves > 1) > 0"
    )
    for batch, lost, extra, doubled in _rows(lake, sql):
        if _left(recorded, batch, Layer.VALIDATED, Layer.QUARANTINED):
            lost = 0  # noqa: PLW2901 - one of the two halves is no longer there
        if _left(recorded, batch, Layer.RAW):
            extra = 0  # noqa: PLW2901 - there is no raw to be in
        if not lost and not extra and not doubled:
            continue
        message = (
            f"raw and validated + quarantined differ: {lost} records in neither, "
            f"{extra} not in raw, {doubled} in both"
        )
        yield Violation(contract.dataset, batch, 1, message)
    if lake.tables.files(contract.dataset, Layer.QUARANTINED):
        sql = (
            f"SELECT {BATCH_ID}, count(*) FROM {quarantined} WHERE len({REASONS}) = 0 GROUP BY ALL"
        )
        for batch, count in _rows(lake, sql):
            yield Violation(contract.dataset, batch, 1, f"{count} quarantined without a reason")


def _winners(lake: Lake, contract: Contract, arrived: Sequence[str]) -> Iterator[Violation]:
    """In mode upsert published has of each primary key the record that arrived last."""
    anonymized, published = (
        _all(lake, contract, layer) for layer in (Layer.ANONYMIZED, Layer.PUBLISHED)
    )
    if not lake.tables.files(contract.dataset, Layer.ANONYMIZED):
        return
    promised = winners(contract, anonymized, arrived)
    held = f"SELECT {BATCH_ID}, {RECORD} FROM {published}"
    sql = (
        f"SELECT {BATCH_ID}, count(*) FROM (({promised}) EXCEPT ({held}) UNION ALL "
        f"(({held}) EXCEPT ({promised}))) GROUP BY ALL"
    )
    for batch, count in _rows(lake, sql):
        message = f"published differs by {count} records from those that arrived last"
        yield Violation(contract.dataset, batch, 3, message)


def _published_whole(
    lake: Lake, contract: Contract, recorded: Mapping[str, Recorded]
) -> Iterator[Violation]:
    """A published batch has exactly the records of validated, in anonymized and published."""
    published, anonymized, validated = (
        _all(lake, contract, layer)
        for layer in (Layer.PUBLISHED, Layer.ANONYMIZED, Layer.VALIDATED)
    )
    pairs = [(Layer.ANONYMIZED, validated)]
    if contract.publish.mode == "append":
        pairs.append((Layer.PUBLISHED, validated))
    else:
        yield from _winners(lake, contract, list(recorded))
    for layer, other in pairs:
        mine = anonymized if layer is Layer.ANONYMIZED else published
        batches = f"(SELECT DISTINCT {BATCH_ID} FROM {mine})"
        sql = (
            f"SELECT coalesce(a.{BATCH_ID}, b.{BATCH_ID}), count(*) FILTER (a.{RECORD} IS NULL), "
            f"count(*) FILTER (b.{RECORD} IS NULL) FROM "
            f"(SELECT {BATCH_ID}, {RECORD} FROM {mine}) AS a FULL JOIN "
            f"(SELECT {BATCH_ID}, {RECORD} FROM {other} WHERE {BATCH_ID} IN {batches}) AS b "
            f"ON a.{BATCH_ID} = b.{BATCH_ID} AND a.{RECORD} = b.{RECORD} "
            f"WHERE a.{RECORD} IS NULL OR b.{RECORD} IS NULL GROUP BY ALL"
        )
        for batch, lost, extra in _rows(lake, sql):
            if _left(recorded, batch, Layer.VALIDATED):
                continue
            if layer is Layer.PUBLISHED and not extra and lost == _withheld(recorded, batch):
                continue
            message = f"{layer} is not whole: {lost + extra} records differ from validated"
            yield Violation(contract.dataset, batch, 3, message)


def _keys(lake: Lake, contract: Contract, recorded: Mapping[str, Recorded]) -> Iterator[Violation]:
    """No key that is unique in the dataset stands in two records that are published.

    Asked of the batches that were judged under this version: an older one may not have the key.
    """
    batches = [b for b, said in recorded.items() if said.contract_version == contract.version]
    keys = [key for key in contract.unique_keys if key.scope == "dataset"]
    if not batches or not keys or not lake.tables.files(contract.dataset, Layer.VALIDATED):
        return
    listed = ", ".join(map(literal, batches))
    validated, published = (
        _all(lake, contract, layer) for layer in (Layer.VALIDATED, Layer.PUBLISHED)
    )
    for key in keys:
        names = ", ".join(map(identifier, key.columns))
        present = " AND ".join(f"{identifier(name)} IS NOT NULL" for name in key.columns)
        sql = (
            f"SELECT {BATCH_ID}, count(*) FROM (SELECT {BATCH_ID}, count(*) OVER "
            f"(PARTITION BY {names}) AS held FROM (FROM {validated} WHERE {present} "
            f"AND {BATCH_ID} IN ({listed})) SEMI JOIN (SELECT {BATCH_ID}, {RECORD} "
            f"FROM {published}) USING ({BATCH_ID}, {RECORD})) "
            "WHERE held > 1 GROUP BY ALL"
        )
        for batch, count in _rows(lake, sql):
            message = f"published holds {count} records whose key ({key.name}) another one has"
            yield Violation(contract.dataset, batch, 1, message)


def _withheld(recorded: Mapping[str, Recorded], batch: str) -> int:
    return recorded[batch].withheld if batch in recorded else 0


def _columns(
    lake: Lake, contract: Contract, recorded: Mapping[str, Recorded]
) -> Iterator[Violation]:
    """No dropped column stands in anonymized or published with a value in it.

    A batch that was rolled back is asked for what was dropped under the version it is of.
    """
    of_then = {b: said.dropped for b, said in recorded.items() if said.dropped is not None}
    now = dropped_columns(contract)
    dropped = sorted(now.union(*of_then.values()))
    for layer in (Layer.ANONYMIZED, Layer.PUBLISHED):
        files = lake.tables.files(contract.dataset, layer)
        if not files:
            continue
        source = parquet_relation(files)
        present = set(lake.connection.sql(f"SELECT * FROM {source} LIMIT 0").columns)
        for name in dropped:
            if name not in present:
                continue
            sql = f"SELECT {BATCH_ID}, count({identifier(name)}) AS n FROM {source} GROUP BY ALL"
            for batch, count in _rows(lake, f"FROM ({sql}) WHERE n > 0"):
                if name not in of_then.get(batch, now):
                    continue
                message = f"{layer} holds {count} values of the dropped column '{name}'"
                yield Violation(contract.dataset, batch, 5, message)


def _events(
    lake: Lake, contract: Contract, recorded: Mapping[str, Recorded]
) -> Iterator[Violation]:
    """The tables hold what the newest events say."""
    counts = {layer: _counts(lake, contract, layer) for layer in Layer}
    for batch, said in recorded.items():
        expected = {
            Layer.RAW: said.records,
            Layer.VALIDATED: said.validated,
            Layer.QUARANTINED: said.quarantined,
            Layer.PUBLISHED: said.published if said.state == "published" else None,
        }
        if said.state == "refused":
            expected[Layer.PUBLISHED] = 0 if said.records is not None else None
        expected |= dict.fromkeys(said.expired, 0)
        for layer, number in expected.items():
            held = counts[layer].get(batch, 0)
            if number is not None and held != number:
                message = f"{layer} holds {held} records, the event stream says {number}"
                yield Violation(contract.dataset, batch, 6, message)
        halfway = said.state == "failed" and said.records is not None
        if halfway or said.state in ("stopped", "running"):
            message = f"the batch is half-way ({said.state}); its run, or the next, completes it"
            yield Violation(contract.dataset, batch, 3, message)
    for batch in {b for held in counts.values() for b in held} - set(recorded):
        message = "the tables hold a batch that no event speaks of"
        yield Violation(contract.dataset, batch, 6, message)


def _counts(lake: Lake, contract: Contract, layer: Layer) -> dict[str, int]:
    source = _all(lake, contract, layer)
    return dict(_rows(lake, f"SELECT {BATCH_ID}, count(*) FROM {source} GROUP BY ALL"))


def _lines(lake: Lake, contract: Contract, recorded: Mapping[str, Recorded]) -> Iterator[Violation]:
    """The physical lines of each landing file that is still there reconcile with raw."""
    held = sorted(lake.tables.batches(contract.dataset, Layer.RAW))
    embedded = _embedded_lines(lake, contract, held)
    counts, gone = _counts(lake, contract, Layer.RAW), lake.erased.of(contract.dataset)
    for batch, path in lake.landing.find(contract.dataset, held).items():
        said = recorded.get(batch)
        if path is None or said is None or said.physical_lines is None:
            continue
        sha256, erased = sha256_of(path), gone.get(batch, NOTHING)
        if lake.landing.batch_of(contract.dataset, path.name, sha256) != batch:
            continue
        physical = physical_lines_of(path, contract.csv)
        missing = erased.missing_in(sha256)
        left = sum(r.lines for number, r in erased.records.items() if number not in missing)
        accounted = said.header_lines + counts[batch] + embedded[batch] + said.blank_lines + left
        if physical != accounted:
            message = f"{path.name} has {physical} physical lines, raw accounts for {accounted}"
            yield Violation(contract.dataset, batch, 1, message)


def _erased(lake: Lake, contract: Contract) -> Iterator[Violation]:
    """No erased record stands in a layer, nor in a landing file of its batch."""
    erased = lake.erased.of(contract.dataset)
    pairs = [f"({literal(b)}, {n})" for b, one in erased.items() for n in one.records]
    if not pairs:
        return
    for layer in Layer:
        where = f"({BATCH_ID}, {RECORD}) IN ({', '.join(pairs)})"
        source = _all(lake, contract, layer)
        sql = f"SELECT {BATCH_ID}, count(*) FROM {source} WHERE {where} GROUP BY ALL"
        for batch, count in _rows(lake, sql):
            message = f"{layer} holds {count} erased records; finish: lakehouse erase --resume"
            yield Violation(contract.dataset, batch, 7, message)
    nobody: dict[str, tuple[str, ...]] = dict.fromkeys(erased, ())
    for batch, files in lake.landing.holding(contract.dataset, nobody).items():
        for file in files:
            missing = erased[batch].missing_in(sha256_of(file.local()))
            if left := len(set(erased[batch].records) - set(missing)):
                message = f"landing: {file.path.name} holds {left} erased records"
                yield Violation(contract.dataset, batch, 7, message)


def _embedded_lines(lake: Lake, contract: Contract, batches: list[str]) -> dict[str, int]:
    """Return how many line ends stand inside the records of each batch in raw."""
    end = "chr(13)" if contract.csv.line_end == "cr" else "chr(10)"
    source = relation(lake, contract, Layer.RAW, batches)
    texts = [identifier(name) for name in contract.column_names]
    texts.append(f"coalesce(try(decode({DEFECT}.bytes)), CAST({DEFECT}.bytes AS VARCHAR))")
    ends = [f"coalesce(len(string_split({text}, {end})) - 1, 0)" for text in texts]
    some = " OR ".join(f"contains({text}, {end})" for text in texts)
    total = f"sum({' + '.join(ends)})::BIGINT"
    sql = f"SELECT {BATCH_ID}, {total} FROM {source} WHERE {some} GROUP BY ALL"
    return dict.fromkeys(batches, 0) | dict(_rows(lake, sql))
