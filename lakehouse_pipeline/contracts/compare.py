"""What a new version of a contract changes, for whom it breaks, and which version it needs.

Each promise is compared in its own file of `comparison/`; what counts as breaking is decided in
docs/decisions/0006-what-is-breaking.md. How the tables follow is done in `pipeline/schemas.py`.
"""

from collections.abc import Iterator, Sequence

from lakehouse_pipeline.contracts.comparison.change import KINDS, Change, Kind
from lakehouse_pipeline.contracts.comparison.checks import compare_checks
from lakehouse_pipeline.contracts.comparison.columns import compare_column, compare_columns
from lakehouse_pipeline.contracts.comparison.keys import compare_primary_key, compare_unique
from lakehouse_pipeline.contracts.comparison.privacy import compare_compliance, compare_privacy
from lakehouse_pipeline.contracts.comparison.protection import compare_protection
from lakehouse_pipeline.contracts.comparison.rules import compare_rules
from lakehouse_pipeline.contracts.comparison.terms import (
    compare_freshness,
    compare_publish,
    compare_reading,
    compare_retention,
    compare_words,
)
from lakehouse_pipeline.contracts.model import Contract
from lakehouse_pipeline.contracts.promised import promised_columns
from lakehouse_pipeline.contracts.version import version_key
from lakehouse_pipeline.errors import DifferentDatasetsError

__all__ = ["Change", "compare", "is_enough", "next_version"]


def compare(old: Contract, new: Contract) -> list[Change]:
    """Return what `new` changes: breaking first, then compatible, then documentation.

    Within a kind the order is that of the contract. Version, path and the text itself are not
    compared: two files that say the same differ in nothing.

    Raises: DifferentDatasetsError: the contracts are of two datasets.
    """
    if old.dataset != new.dataset:
        raise DifferentDatasetsError(old.dataset, new.dataset)
    return sorted(_changes(old, new), key=lambda change: KINDS.index(change.kind))


def _changes(old: Contract, new: Contract) -> Iterator[Change]:
    yield from compare_columns(old, new)
    yield from _stayed(old, new)
    yield from compare_unique(old, new)
    yield from compare_primary_key(old, new)
    yield from compare_checks(old, new)
    yield from compare_compliance(old, new)
    yield from compare_protection(old.privacy, new.privacy)
    yield from compare_publish(old, new)
    yield from compare_reading(old.csv, new.csv)
    yield from compare_retention(old.retention, new.retention)
    yield from compare_freshness(old.freshness, new.freshness)
    yield from compare_words(old, new)


def _stayed(old: Contract, new: Contract) -> Iterator[Change]:
    """Yield what differs in the columns that both versions have."""
    before = {column.name: column for column in old.columns}
    promised = [set(promised_columns(contract)) for contract in (old, new)]
    for column in new.columns:
        was = before.get(column.name)
        if was is None or was == column:
            continue
        seen, shown = (column.name in names for names in promised)
        yield from compare_column(was, column, seen=seen and shown)
        yield from compare_rules(was, column, seen=seen and shown)
        yield from compare_privacy(was, column, seen=seen, shown=shown)


def next_version(old: str, changes: Sequence[Change]) -> str:
    """Return the smallest version that may carry `changes`, as Semantic Versioning 2.0.0 says.

    Breaking raises the first number (the second while the first is 0), compatible the second,
    documentation the third; without a change it is `old`. A pre-release already stands before the
    version it announces: 2.0.0-rc.1 may break until it is 2.0.0.
    """
    if not changes:
        return old
    key = version_key(old)
    if key is None:
        raise ValueError(old)
    major, minor, patch, released, _ = key
    part = _part(changes, major)
    if not released and not any((major, minor, patch)[part + 1 :]):
        return f"{major}.{minor}.{patch}"
    raised = [n if i < part else n + 1 if i == part else 0 for i, n in enumerate(key[:3])]
    return ".".join(map(str, raised))


def _part(changes: Sequence[Change], major: int) -> int:
    """Return which number of the version must be raised, from 0."""
    kinds: set[Kind] = {change.kind for change in changes}
    if "breaking" in kinds:
        return 0 if major else 1
    return 1 if "compatible" in kinds else 2


def is_enough(old: str, given: str, changes: Sequence[Change]) -> bool:
    """Return whether version `given` may carry `changes` to version `old`.

    It must come after `old` and reach `next_version`; a pre-release of that does.
    """
    before, after = version_key(old), version_key(given)
    needed = version_key(next_version(old, changes))
    if before is None or after is None or needed is None:
        raise ValueError(f"{old}, {given}")
    if not changes:
        return after >= before
    return after > before and after[:3] >= needed[:3]
