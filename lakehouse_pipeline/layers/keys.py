"""Keys that must not repeat, and keys that must stand in another dataset, as SQL.

Judging joins their tables: `repeatsN` has the repeated keys of `Contract.unique_keys[N]`, `refersN`
the keys that `Contract.foreign_keys[N]` may point to, `failsN` the records that break
`Contract.pandera_checks[N]`.
"""

from collections.abc import Collection, Sequence

from lakehouse_pipeline.contracts.model import Contract, UniqueKey
from lakehouse_pipeline.names import BATCH_ID, RANK, identifier, literal

REPEATS, REFERS, FAILS = "repeats", "refers", "fails"
TAKEN_BEFORE = -1
"""The rank of a key that another published batch holds: before every record."""


def positions(contract: Contract, columns: Sequence[str]) -> tuple[int, ...]:
    """Return where these columns stand in the contract, in their own order."""
    return tuple(contract.column_names.index(name) for name in columns)


def key_texts(columns: Sequence[str]) -> tuple[str, ...]:
    """Return the names of a key's parts in its table: `k0`, `k1` and so on."""
    return tuple(f"k{n}" for n in range(len(columns)))


def repeated_keys(
    contract: Contract, key: UniqueKey, typed: str, batches: Sequence[str], taken: str = ""
) -> str:
    """Return SQL for the keys that stand in several records, with the lowest rank of each.

    Columns: `_batch_id`, `k0…` (typed), `first`. `taken` is SQL of the keys (`k0…`, distinct) that
    other batches of the dataset hold, for a key of scope dataset.
    """
    at = positions(contract, key.columns)
    names = key_texts(key.columns)
    batch = literal(batches[0]) if len(batches) == 1 else BATCH_ID  # a constant is not grouped by
    parts = ", ".join(f"t{i} AS {name}" for i, name in zip(at, names, strict=True))
    present = " AND ".join(f"t{i} IS NOT NULL" for i in at)
    of_batch = f"SELECT {batch} AS {BATCH_ID}, {parts}"
    repeats = (
        f"{of_batch}, min({RANK}) AS first FROM ({typed}) WHERE {present} "
        "GROUP BY ALL HAVING count(*) > 1"
    )
    if not taken:
        return repeats
    held = (
        f"{of_batch}, {TAKEN_BEFORE}::BIGINT AS first FROM ({typed}) WHERE {present} "
        f"AND ({', '.join(f't{i}' for i in at)}) IN (FROM ({taken}))"
    )
    both = f"({repeats}) UNION ALL ({held})"
    return f"SELECT {BATCH_ID}, {', '.join(names)}, min(first) AS first FROM ({both}) GROUP BY ALL"


def distinct_keys(
    contract: Contract,
    columns: Sequence[str],
    own: Sequence[str],
    held: str,
    whole: Collection[str] = (),
) -> str:
    """Return SQL of the distinct keys in `held` (SQL of a relation) as `k0…`, without nulls.

    `columns` are the names in `held`, `own` this contract's columns whose types they take; `whole`
    are those of `columns` that hold integers. A key that does not fit these types, or only
    rounded, is left out: no record can have it.
    """
    pairs = list(enumerate(zip(columns, own, strict=True)))
    cast = {
        n: f"TRY_CAST({identifier(name)} AS {_sql(contract, mine)})" for n, (name, mine) in pairs
    }
    keys = ", ".join(f"{key} AS k{n}" for n, key in cast.items())
    same = " AND ".join(
        f"{_exact(cast[n], _sql(contract, mine), name in whole)} = {identifier(name)}"
        for n, (name, mine) in pairs
    )
    return f"SELECT DISTINCT {keys} FROM {held} WHERE {same}"


def _sql(contract: Contract, column: str) -> str:
    return contract.column(column).type.sql


def _exact(key: str, sql: str, whole: bool) -> str:  # noqa: FBT001 - private
    """Return SQL of a key to compare with what it was made of: an integer is not made a DOUBLE."""
    return f"TRY_CAST({key} AS HUGEINT)" if whole and sql == "DOUBLE" else key


def no_keys(contract: Contract, columns: Sequence[str]) -> str:
    """Return the select list of a key's parts as nulls of their types."""
    return ", ".join(
        f"NULL::{contract.column(name).type.sql} AS k{n}" for n, name in enumerate(columns)
    )
