"""Columns that came, went or moved, and the types of those that stayed.

What a column's values must keep is in `rules`, how they are made safe in `privacy`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from difflib import get_close_matches

from lakehouse_pipeline.contracts.comparison.change import (
    AS_BEFORE,
    JUDGED_BEFORE,
    LEFT_BEHIND,
    NULL_BEFORE,
    REBUILT,
    REORDERED,
    UNTOUCHED,
    WIDENED,
    Audience,
    Change,
    changed,
    documented,
    reworded,
    ruled,
)
from lakehouse_pipeline.contracts.model import Column, Contract
from lakehouse_pipeline.contracts.promised import is_dropped, promised_columns, stored_type
from lakehouse_pipeline.contracts.widening import is_widening, is_written_alike

MANY_NAMES = 2_500
"""Pairs of removed and added names above which likeness of names is not looked for."""


def compare_columns(old: Contract, new: Contract) -> Iterator[Change]:
    """Yield the columns that were removed or added, and another order of the published ones."""
    before, after = set(old.column_names), set(new.column_names)
    came = [column for column in new.columns if column.name not in before]
    gone = [column for column in old.columns if column.name not in after]
    seen, shown = set(promised_columns(old)), set(promised_columns(new))
    for column, renamed in zip(gone, _new_names(gone, came, old, new), strict=True):
        yield _removed(column, renamed, seen=column.name in seen)
    for column in came:
        yield from _added(column, seen=column.name in shown)
    yield from _published_or_not(old, new)
    yield from _order(old, new)


def _removed(column: Column, renamed: str | None, *, seen: bool) -> Change:
    hint = f"; is it '{renamed}' under a new name?" if renamed else "; files must not name it."
    what = f"The column{'' if seen else ', which was not published,'} is removed{hint}"
    breaks: tuple[Audience, ...] = ("consumers",) if seen else ()
    return changed(_where(column), what, "columns", breaks=breaks, tables=LEFT_BEHIND)


def _new_names(
    gone: Sequence[Column], came: Sequence[Column], old: Contract, new: Contract
) -> Iterator[str | None]:
    """Yield for each removed column the added one that it most likely is now."""
    folded = {column.name.casefold(): column.name for column in came}
    few = len(gone) * len(came) <= MANY_NAMES
    there = dict(zip(old.column_names, new.columns, strict=False))
    for column in gone:
        name = folded.get(column.name.casefold())
        if name is None and few:
            alike = [other.name for other in came if other.type == column.type]
            name = next(iter(get_close_matches(column.name, alike, n=1, cutoff=0.6)), None)
        other = there.get(column.name)
        if name is None and other is not None and folded.get(other.name.casefold()) == other.name:
            name = other.name if replace(other, name=column.name) == column else None
        yield name


def _added(column: Column, *, seen: bool) -> Iterator[Change]:
    kind = "published" if seen else "not published"
    what = f"The column ({column.type}, {kind}) is added; files must name it from now on."
    yield changed(_where(column), what, "columns", tables=NULL_BEFORE)
    if column.required and "required" not in column.warns:
        what = "The added column must have a value in every record."
        yield ruled(_where(column), what, "tightened", seen=seen)


def _published_or_not(old: Contract, new: Contract) -> Iterator[Change]:
    """Yield the columns that `publish.columns` takes in or leaves out; drop is told in privacy."""
    before, after = set(promised_columns(old)), set(promised_columns(new))
    newer = {column.name: column for column in new.columns}
    for column in old.columns:
        name = column.name
        if name not in newer or is_dropped(column) or is_dropped(newer[name]):
            continue
        if name in before and name not in after:
            what = "The column is no longer published."
            yield changed(
                _where(column), what, "columns", breaks=("consumers",), tables=LEFT_BEHIND
            )
        elif name in after and name not in before:
            yield changed(_where(column), "The column is published.", "columns", tables=NULL_BEFORE)


def _order(old: Contract, new: Contract) -> Iterator[Change]:
    """Yield where columns that both versions have stand otherwise; at the end more may follow."""
    published = _moved(promised_columns(old), promised_columns(new))
    if published:
        where, what = published
        yield changed(where, what, "order", breaks=("consumers",), tables=REORDERED)
    before, now = old.column_names, new.column_names
    if _common(before, now) == _common(now, before):
        return
    if not new.csv.header:
        what = "Files have no header, so their fields must stand in the new order."
        yield changed("order", what, "reading", breaks=("producers",))
    elif not published:
        what = "The contract lists its columns in another order; the published order stays."
        yield changed("order", what, "order", tables=REORDERED)


def _moved(before: Sequence[str], after: Sequence[str]) -> tuple[str, str] | None:
    """Return where published columns stand otherwise and a sentence, None where they do not."""
    stayed = _common(before, after)
    if stayed != _common(after, before):
        return "order", "The published columns stand in another order."
    for name, was in zip(after, stayed, strict=False):
        if name != was:
            return f"column '{name}'", f"The column is published before '{was}', not at the end."
    return None


def _common(names: Sequence[str], others: Sequence[str]) -> tuple[str, ...]:
    known = set(others)
    return tuple(name for name in names if name in known)


def compare_column(old: Column, new: Column, *, seen: bool) -> Iterator[Change]:
    """Yield what differs in type and description; `seen` when both versions publish the column."""
    if old.type.sql != new.type.sql or old.type.logical != new.type.logical:
        yield _retyped(old, new, seen=seen)
    elif old.type.format != new.type.format:
        yield _reformatted(old, new, seen=seen)
    if old.description != new.description:
        yield reworded(_where(new), "description", old.description, new.description)
    if old.tags != new.tags:
        yield documented(_where(new), "The tags are changed.")


def _retyped(old: Column, new: Column, *, seen: bool) -> Change:
    what = f"The type is {new.type} instead of {old.type}"
    where, text = _where(new), new.anonymize is not None or old.anonymize is not None
    if is_widening(old.type.sql, new.type.sql):
        if not (seen and text) or is_written_alike(old.type.sql, new.type.sql):
            what += ", which holds every value of the old one."
            return changed(where, what, "types", tables=WIDENED)
        what += "; what is hashed or masked is written differently, so published values change."
        return changed(where, what, "types", breaks=("consumers",), tables=AS_BEFORE)
    breaks: tuple[Audience, ...] = ("consumers",) if seen else ()
    if new.type.sql != "VARCHAR":
        breaks += ("producers",)
    tables = REBUILT if stored_type(old) != stored_type(new) else JUDGED_BEFORE
    return changed(where, f"{what}.", "types", breaks=breaks, tables=tables)


def _reformatted(old: Column, new: Column, *, seen: bool) -> Change:
    """A moment is stored as one, so its format is only how files write it; TIME stays text."""
    what = f"Files write it as {new.type.format or 'ISO 8601'}, not {old.type.format or 'ISO 8601'}"
    as_text = seen and new.type.sql == "TIME"
    breaks: tuple[Audience, ...] = ("consumers", "producers") if as_text else ("producers",)
    what += ", and so does published." if as_text else "."
    return changed(_where(new), what, "reading", breaks=breaks, tables=UNTOUCHED)


def _where(column: Column) -> str:
    return f"column '{column.name}'"
