"""What a record is judged by that is not in it: repeated keys, foreign keys, Python checks.

Each is a table of the run's connection, named in `layers/keys.py`, that judging joins. A contract
without such rules makes none.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pyarrow as pa

from lakehouse_pipeline.contracts.model import Contract, ForeignKey, PanderaCheck
from lakehouse_pipeline.errors import (
    CheckRaisedError,
    CheckResultError,
    LakehouseError,
    UnknownCheckError,
    UnknownDatasetError,
)
from lakehouse_pipeline.lake.engine import parquet_relation, rows_of
from lakehouse_pipeline.layers.anonymized import kept_columns
from lakehouse_pipeline.layers.judged import typed_records
from lakehouse_pipeline.layers.keys import (
    FAILS,
    REFERS,
    REPEATS,
    distinct_keys,
    no_keys,
    positions,
    repeated_keys,
)
from lakehouse_pipeline.layers.published import published_columns
from lakehouse_pipeline.layers.values import stored_type
from lakehouse_pipeline.names import BATCH_ID, DEFECT, RECORD, Layer, identifier
from lakehouse_pipeline.pipeline.effective import effective
from lakehouse_pipeline.pipeline.lake import Lake


class NothingToReferToError(LakehouseError):
    """A foreign key points to a dataset or column that is not there to be pointed to."""

    exit_code = 1

    def __init__(self, key: ForeignKey, problem: str, *, never: bool = False) -> None:
        """Say what is missing; with `never` no publishing will mend it."""
        first = "C" if never else f"Publish '{key.dataset}' first, or c"
        super().__init__(
            f"{key.name}: {problem}. Nothing of the batch was judged. "
            f"{first}hange the relationship in the contract; then replay the batch."
        )


NUMBERS = {"integer", "number"}
"""Logical types whose values are compared as numbers: `7` is `7.00`."""

CANNOT_JUDGE = (NothingToReferToError, UnknownCheckError, CheckRaisedError, CheckResultError)
"""What keeps a batch from being judged at all: it is refused, and nothing of it is written."""


@contextmanager
def flags(lake: Lake, contract: Contract, batches: Sequence[str]) -> Iterator[None]:
    """Make the tables for the judging of `batches` in the block.

    Raises:
        NothingToReferToError: a foreign key has nothing to point to.
        UnknownCheckError, CheckRaisedError, CheckResultError: a Python check cannot judge.
    """
    made: list[str] = []

    def make(name: str, sql: str) -> None:
        lake.connection.execute(f"CREATE OR REPLACE TABLE {name} AS {sql}")
        made.append(name)

    try:
        for n, foreign in enumerate(contract.foreign_keys):
            make(f"{REFERS}{n}", _referred(lake, contract, foreign))
        typed = typed_records(contract, effective(lake, contract, batches))
        for n, key in enumerate(contract.unique_keys):
            taken = ""
            if key.scope == "dataset":
                taken = _taken(lake, contract, key.columns, batches)
            make(f"{REPEATS}{n}", repeated_keys(contract, key, typed, batches, taken))
        for n, check in enumerate(contract.pandera_checks):
            lake.connection.register("failing_records", _failing(lake, contract, check, typed))
            make(f"{FAILS}{n}", "SELECT * FROM failing_records")
        yield
    finally:
        for name in made:
            lake.connection.execute(f"DROP TABLE {name}")


def _failing(lake: Lake, contract: Contract, rule: PanderaCheck, typed: str) -> pa.Table:
    """Return the records that a Python check says no to: `_batch_id`, `_record`.

    It sees a row group at a time, and of a record that could not be split nothing.
    """
    # pandas and pandera are slow to load, and large
    from lakehouse_pipeline.contracts.pandas_frames import to_frame  # noqa: PLC0415
    from lakehouse_pipeline.contracts.pandera_checks import failures  # noqa: PLC0415

    at = positions(contract, rule.columns)
    names = [
        f"{'x' if stored_type(contract.columns[i].type) == 'VARCHAR' else 't'}{i} "
        f"AS {identifier(contract.columns[i].name)}"
        for i in at
    ]
    sql = f"SELECT {BATCH_ID}, {RECORD}, {', '.join(names)} FROM ({typed}) WHERE {DEFECT} IS NULL"
    personal = any(contract.column(name).personal for name in rule.columns)
    schema = pa.schema([(BATCH_ID, pa.string()), (RECORD, pa.int64())])
    found = []
    for rows in rows_of(lake.connection, sql):
        frame = to_frame(rows.select(list(rule.columns)))
        broken = pa.array(failures(rule, frame, personal=personal))
        found.append(rows.select([BATCH_ID, RECORD]).filter(broken).cast(schema))
    return pa.Table.from_batches(found, schema)


def empty_flags(contract: Contract) -> list[str]:
    """Return the statements that make every table of `flags` without rows: for a dry run."""
    batch, record = f"'' AS {BATCH_ID}", f"0::BIGINT AS {RECORD}"
    made = [
        (f"{REPEATS}{n}", f"{batch}, {no_keys(contract, key.columns)}, 0::BIGINT AS first")
        for n, key in enumerate(contract.unique_keys)
    ]
    made += [
        (f"{REFERS}{n}", no_keys(contract, foreign.columns))
        for n, foreign in enumerate(contract.foreign_keys)
    ]
    made += [(f"{FAILS}{n}", f"{batch}, {record}") for n, _ in enumerate(contract.pandera_checks)]
    return [f"CREATE TABLE {name} AS SELECT {columns} WHERE false" for name, columns in made]


def _taken(lake: Lake, contract: Contract, columns: Sequence[str], batches: Sequence[str]) -> str:
    """Return SQL of the distinct keys that other published batches hold; empty without any."""
    dataset, tables = contract.dataset, lake.tables
    others = sorted(tables.batches(dataset, Layer.PUBLISHED) - set(batches))
    files = tables.files(dataset, Layer.VALIDATED, others) if others else []
    if not files:
        return ""
    return distinct_keys(contract, columns, columns, parquet_relation(files))


def _referred(lake: Lake, contract: Contract, foreign: ForeignKey) -> str:
    """Return SQL of the distinct keys that `foreign` may point to: what the dataset publishes.

    Where a column is published under another value (hashed), the validated records of what is
    published are compared instead.
    """
    try:
        former = lake.contracts.life_cycle(foreign.dataset).former
    except UnknownDatasetError as error:
        raise NothingToReferToError(foreign, f"there is no dataset '{foreign.dataset}'") from error
    if former is None:
        raise NothingToReferToError(foreign, f"no version of '{foreign.dataset}' was active yet")
    other = former.contract
    for mine, name in zip(foreign.columns, foreign.references, strict=True):
        if name not in other.column_names:
            problem = f"'{foreign.dataset}' has no column '{name}'"
            raise NothingToReferToError(foreign, problem, never=True)
        own, theirs = contract.column(mine).type.logical, other.column(name).type.logical
        if own != theirs and not {own, theirs} <= NUMBERS:
            problem = f"'{mine}' is {own}, {foreign.dataset}.{name} is {theirs}"
            raise NothingToReferToError(foreign, problem, never=True)
    published = lake.tables.files(foreign.dataset, Layer.PUBLISHED)
    if not published:
        raise NothingToReferToError(foreign, f"nothing of '{foreign.dataset}' is published yet")
    held = parquet_relation(published)
    if not set(foreign.references) <= _as_they_are(other):
        validated = parquet_relation(lake.tables.files(foreign.dataset, Layer.VALIDATED))
        held = (
            f"(SELECT v.* FROM {validated} AS v SEMI JOIN {held} AS p USING ({BATCH_ID}, {RECORD}))"
        )
    whole = {name for name in foreign.references if other.column(name).type.logical == "integer"}
    return distinct_keys(contract, foreign.references, foreign.columns, held, whole)


def _as_they_are(contract: Contract) -> set[str]:
    """Return the columns that are published with the values of validated."""
    plain = {column.name for column in kept_columns(contract) if column.anonymize is None}
    return plain & set(published_columns(contract))
