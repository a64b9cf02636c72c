"""What must not repeat: unique columns and the primary key, each in a batch or in the dataset."""

from collections.abc import Iterator

from lakehouse_pipeline.contracts.comparison.change import Change, changed, ruled
from lakehouse_pipeline.contracts.model import Column, Contract, Scope
from lakehouse_pipeline.contracts.promised import promised_columns

SCOPES = {"batch": "its batch", "dataset": "the whole dataset"}


def compare_unique(old: Contract, new: Contract) -> Iterator[Change]:
    """Yield what differs in the uniqueness of single columns; a key's own is told with the key."""
    seen = {*promised_columns(old), *promised_columns(new)}
    told = {key for key in (old.primary_key, new.primary_key) if old.primary_key != new.primary_key}
    before = {column.name: column for column in old.columns}
    for column in new.columns:
        if column.name in before and (column.name,) not in told:
            where, was = f"column '{column.name}'", _scope(before[column.name])
            yield from _scoped(where, was, _scope(column), seen=column.name in seen)


def _scope(column: Column) -> Scope | None:
    """Return where the column's values must not repeat; None where they may, or only warn."""
    return column.unique_scope if column.unique and "unique" not in column.warns else None


def _scoped(where: str, old: Scope | None, new: Scope | None, *, seen: bool) -> Iterator[Change]:
    if old == new:
        return
    if new is None or (old == "dataset" and new == "batch"):
        may = "Values may repeat" if new is None else "Values may repeat in another batch"
        yield ruled(where, f"{may} now.", "loosened", seen=seen, promise="keys")
    else:
        what = f"Values must not repeat in {SCOPES[new]}."
        yield ruled(where, what, "tightened", seen=seen, promise="keys")


def compare_primary_key(old: Contract, new: Contract) -> Iterator[Change]:
    """Yield another primary key, and another scope of one with several columns."""
    before, after = old.primary_key, new.primary_key
    if before and after and set(before) == set(after):
        if before != after:
            what = f"The columns of the key are listed as {', '.join(after)}."
            yield changed("primary key", what, "keys")
        if len(after) > 1:
            scopes = [c.column(c.primary_key[0]).unique_scope for c in (old, new)]
            yield from _scoped("primary key", *scopes, seen=True)
    elif not before and after:
        what = f"Records are known by {', '.join(after)}, which must not repeat."
        yield ruled("primary key", what, "tightened", seen=True, promise="keys")
    elif before and not after:
        what = f"Records are no longer known by {', '.join(before)}, which may repeat."
        yield ruled("primary key", what, "loosened", seen=True, promise="keys")
    elif before:
        what = f"Records are known by {', '.join(after)}, no longer by {', '.join(before)}."
        yield ruled("primary key", what, "changed", seen=True, promise="keys")
