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
_MOST_MASKS = 3
_MOST_CODES = 12  # characters of a code whose letters and digits stand in any order
_STRAYS = 0.0005
_CLASSES = {"9": "[0-9]", "A": "[A-Z]", "a": "[a-z]"}
_REPEATED = 2


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

    Letters stand as `[A-Z]` or `[a-z]`, digits as `[0-9]`, never as they are.
    """
    if facts.values < ENOUGH_RECORDS or facts.distinct < ENOUGH_RECORDS or not facts.masks:
        return None
    covered = sum(count for _, count in facts.masks[:_MOST_MASKS])
    shapes = [mask for mask, _ in facts.masks[:_MOST_MASKS]]
    if covered >= (1 - _STRAYS) * facts.values:
        return _alternatives(shapes)
    if sum(count for _, count in facts.masks) < (1 - _STRAYS) * facts.values:
        return None
    lengths = {len(mask) for mask, _ in facts.masks}
    letters = set("".join(mask for mask, _ in facts.masks))
    if letters == {"9", "A"} and len(lengths) == 1 and max(lengths) <= _MOST_CODES:
        return f"^[0-9A-Z]{{{max(lengths)}}}$"
    return None


def _alternatives(masks: Sequence[str]) -> str | None:
    """Return the masks as a pattern, or None when the texts are words rather than codes."""
    if any(len(mask) > _LONGEST_VALUE or _is_words(mask) for mask in masks):
        return None
    shapes = [_shape(mask) for mask in masks]
    return f"^{shapes[0]}$" if len(shapes) == 1 else f"^({'|'.join(shapes)})$"


def _is_words(mask: str) -> bool:
    """Return whether a mask has small letters, blanks or letters of other alphabets."""
    letters = {character for character in mask if character.isalpha() or character.isspace()}
    return not letters <= {"A"} or not {"9", "A"} & set(mask)


def _shape(mask: str) -> str:
    parts = []
    for character, run in groupby(mask):
        length = len(list(run))
        one = _CLASSES.get(character) or re.escape(character)
        parts.append(one * length if length < _REPEATED else f"{one}{{{length}}}")
    return "".join(parts)
