"""Keys that must not repeat, and keys that must stand in another dataset, as SQL.

Judging joins their tables: `repeatsN` has the repeated keys of `Contract.unique_keys[N]`, `refersN`
the keys that `Contract.foreign_keys[N]` may point to, `failsN` the records that break
`Contract.pandera_checks[N]`.
"""

from collections.abc import Sequence

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


def distinct_keys(contract: Contract, columns: Sequence[str], own: Sequence[str], held: str) -> str:
    """Return SQL of the distinct keys in `held` (SQL of a relation) as `k0…`, without nulls.

    `columns` are the names in `held`, `own` this contract's columns whose types they take. A key
    that does not fit these, or only rounded, is left out: no record can have it.
    """
    parts = [
        (f"TRY_CAST({identifier(name)} AS {contract.column(mine).type.sql})", identifier(name), n)
        for n, (name, mine) in enumerate(zip(columns, own, strict=True))
    ]
    keys = ", ".join(f"{key} AS k{n}" for key, _, n in parts)
    same = " AND ".join(f"{key} = {value}" for key, value, _ in parts)
    return f"SELECT DISTINCT {keys} FROM {held} WHERE {same}"


def no_keys(contract: Contract, columns: Sequence[str]) -> str:
    """Return the select list of a key's parts as nulls of their types."""
    return ", ".join(
        f"NULL::{contract.column(name).type.sql} AS k{n}" for n, name in enumerate(columns)
    )
