"""Which column, or which two together, may be the key: unique and never empty in the sample."""

from collections.abc import Mapping, Sequence
from itertools import combinations

from lakehouse_pipeline.contracts.infer.facts import ENOUGH_RECORDS, ColumnFacts
from lakehouse_pipeline.contracts.infer.personal import Personal
from lakehouse_pipeline.contracts.infer.words import says, words_of
from lakehouse_pipeline.contracts.types import ColumnType

_NAMES = r"id|no|nr|num|number|nummer|key|code|uuid|guid|.*id"
_LONGEST = 64
_NEARLY = 0.99
_ALSO = "no value repeats in the sample: another possible key"
_MOST_COLUMNS = 6
"""Of those that could be part of a key of two; their pairs are counted."""


def choose_key(
    dataset: str,
    columns: Sequence[tuple[ColumnFacts, ColumnType]],
    personal: Mapping[str, Personal],
) -> tuple[str | None, dict[str, str]]:
    """Return the column proposed as the primary key, and notes on others that may be it."""
    able = [(f, k) for f, k in columns if _may_be_key(f, k, personal.get(f.name))]
    unique = [f for f, _ in able if f.distinct == f.records]
    ranked = sorted(unique, key=lambda facts: -_score(dataset, facts))
    key = ranked[0].name if ranked else None
    if key is not None and not (_score(dataset, ranked[0]) or key == columns[0][0].name):
        key = None
    if key is not None:
        return key, {f.name: _ALSO for f in unique if f.name != key}
    notes = {facts.name: "no value repeats in the sample" for facts in unique}
    return None, notes | {f.name: _nearly(f) for f, _ in able if _is_nearly(dataset, f)}


def _may_be_key(facts: ColumnFacts, kind: ColumnType, personal: Personal | None) -> bool:
    return (
        facts.records >= ENOUGH_RECORDS
        and kind.logical in ("integer", "string")
        and facts.longest <= _LONGEST
        and (personal is None or personal.kind == "person_id")
    )


def _score(dataset: str, facts: ColumnFacts) -> int:
    """Return how much a name says that the column is the key of its dataset."""
    words, own = words_of(facts.name), words_of(dataset)
    if words in ("id", f"{own}_id", f"{own.removesuffix('s')}_id", f"{own.removesuffix('s')}_no"):
        return 2
    return int(says(words, f"(?:{_NAMES})$"))


def _is_nearly(dataset: str, facts: ColumnFacts) -> bool:
    hinted = _score(dataset, facts) > 0
    return hinted and _NEARLY * facts.records <= facts.distinct < facts.records


def _nearly(facts: ColumnFacts) -> str:
    repeats = facts.values - facts.distinct
    return f"nearly a key: {repeats:,} values repeat an earlier one, {facts.nulls:,} are empty"


def pairs(columns: Sequence[tuple[ColumnFacts, ColumnType]]) -> list[tuple[str, str]]:
    """Return the pairs of columns that could be a key together, the likeliest first."""
    able = [
        facts
        for facts, kind in columns
        if not facts.nulls and facts.distinct > 1 and facts.records >= ENOUGH_RECORDS
        and kind.logical not in ("number", "boolean") and facts.longest <= _LONGEST
    ]  # fmt: skip
    ranked = sorted(able, key=lambda facts: -facts.distinct)[:_MOST_COLUMNS]
    return [
        (one.name, other.name)
        for one, other in combinations(ranked, 2)
        if one.distinct * other.distinct >= one.records
    ]
