"""Rules for columns of texts: the values they may have (`enum`) and the shape of codes."""

import re
from collections.abc import Sequence
from itertools import groupby

from lakehouse_pipeline.contracts.infer.facts import ENOUGH_RECORDS, ColumnFacts, percent

_MOST_VALUES = 20
_LONGEST_VALUE = 40
_LEAST_SEEN = 5
_RARE = 0.01
_RECORDS_PER_VALUE = 10
_MOST_SHAPES = 3
_MOST_CODES = 12  # characters of a code whose letters and digits stand in any order
_STRAYS = 0.0005
_CLASSES = {"9": "[0-9]", "A": "[A-Z]"}
_SPECIAL = re.compile(r"([\\^$.|?*+()\[\]{}])")


def enum_of(facts: ColumnFacts) -> tuple[str, ...] | None:
    """Return the values of a column with few short ones, each seen often; in alphabetical order."""
    texts = [text for text, _ in facts.common]
    if not 1 < facts.distinct <= _MOST_VALUES or len(texts) != facts.distinct:
        return None
    if facts.values < max(ENOUGH_RECORDS, _RECORDS_PER_VALUE * facts.distinct):
        return None
    if min(count for _, count in facts.common) < _LEAST_SEEN or facts.longest > _LONGEST_VALUE:
        return None
    return tuple(sorted(texts)) if all(text.isprintable() for text in texts) else None


def rare_values(facts: ColumnFacts) -> str:
    """Return a note that names the values of an enum that were seen seldom, or nothing."""
    rare = [
        f"{text} ({percent(count, facts.values)})"
        for text, count in facts.common
        if count < _RARE * facts.values
    ]
    return f"seldom, so look whether they are meant: {', '.join(rare)}" if rare else ""


def code_pattern(facts: ColumnFacts) -> str | None:
    """Return a pattern for codes that all have one of a few shapes, None for other texts.

    Letters stand as `[A-Z]`, digits as `[0-9]`, never as they are.
    """
    if facts.values < ENOUGH_RECORDS or facts.distinct < ENOUGH_RECORDS:
        return None
    enough = (1 - _STRAYS) * facts.values
    if sum(count for _, count in facts.masks) < enough:
        return None
    shapes = _shapes(facts)
    if sum(count for count, _ in shapes) >= enough:
        patterns = [_pattern(masks) for _, masks in shapes]
        return None if None in patterns else _alternatives([p for p in patterns if p])
    return _any_order(facts)


def _shapes(facts: ColumnFacts) -> list[tuple[int, list[str]]]:
    """Return the masks that differ only in the lengths of their runs, the most common first."""
    counts: dict[str, int] = {}
    masks: dict[str, list[str]] = {}
    for mask, count in facts.masks:
        shape = "".join(character for character, _ in groupby(mask))
        counts[shape] = counts.get(shape, 0) + count
        masks.setdefault(shape, []).append(mask)
    ranked = sorted(counts, key=lambda shape: (-counts[shape], shape))
    return [(counts[shape], masks[shape]) for shape in ranked[:_MOST_SHAPES]]


def _pattern(masks: Sequence[str]) -> str | None:
    """Return a pattern for masks of one shape; None when the texts are words rather than codes."""
    letters = {character for character in masks[0] if character.isalpha() or character.isspace()}
    if not letters <= {"A"} or not {"9", "A"} & set(masks[0]) or len(masks[0]) > _LONGEST_VALUE:
        return None
    parts = []
    for runs in zip(*(_runs(mask) for mask in masks), strict=True):
        character, lengths = runs[0][0], {length for _, length in runs}
        if len(lengths) > 1 and "9" not in masks[0]:
            return None
        one = _CLASSES.get(character) or _SPECIAL.sub(r"\\\1", character)
        parts.append(one + _times(lengths))
    return "".join(parts)


def _runs(mask: str) -> list[tuple[str, int]]:
    return [(character, len(list(run))) for character, run in groupby(mask)]


def _times(lengths: set[int]) -> str:
    if len(lengths) > 1:
        return "+"
    (length,) = lengths
    return f"{{{length}}}" if length > 1 else ""


def _alternatives(patterns: Sequence[str]) -> str:
    return f"^{patterns[0]}$" if len(patterns) == 1 else f"^({'|'.join(patterns)})$"


def _any_order(facts: ColumnFacts) -> str | None:
    """Return a pattern for codes of one length whose digits and capitals stand in any order."""
    lengths = {len(mask) for mask, _ in facts.masks}
    characters = set("".join(mask for mask, _ in facts.masks))
    if characters == {"9", "A"} and len(lengths) == 1 and max(lengths) <= _MOST_CODES:
        return f"^[0-9A-Z]{{{max(lengths)}}}$"
    return None
