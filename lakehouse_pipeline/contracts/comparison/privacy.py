"""What protects the people a record is about: techniques, marks and the contract's compliance.

A technique that got weaker breaks the promise to the subjects; one that got stronger breaks the
one to consumers wherever published values, types or columns change with it.
"""

from collections.abc import Iterator

from lakehouse_pipeline.contracts.comparison.change import (
    AS_BEFORE,
    LEFT_BEHIND,
    NULL_BEFORE,
    REBUILT,
    Audience,
    Change,
    Direction,
    Tables,
    changed,
)
from lakehouse_pipeline.contracts.custom_properties import MASK
from lakehouse_pipeline.contracts.model import Anonymize, Column, Contract
from lakehouse_pipeline.contracts.promised import is_dropped, promised_type

STRENGTH = {"": 0, "mask": 1, "hash": 2, "drop": 3}
"""No technique, and each technique, from the weakest to the strongest."""

COMPLIANCE = ("standard", "gdpr", "strict")
"""From the weakest to the strongest."""


def compare_privacy(old: Column, new: Column, *, seen: bool, shown: bool) -> Iterator[Change]:
    """Yield what differs; `seen` when the old version publishes the column, `shown` the new."""
    where = f"column '{new.name}'"
    if _said(old.anonymize) != _said(new.anonymize):
        yield _technique(old, new, seen=seen, shown=shown)
    if old.personal and not new.personal:
        what = "The column is no longer marked as personal."
        yield changed(where, what, "privacy", direction="weakened", breaks=("subjects",))
    elif new.personal and not old.personal:
        what = "The column is marked as personal."
        yield changed(where, what, "privacy", direction="strengthened")
    if old.subject and not new.subject:
        what = "The column no longer names the subject, so an erasure does not look here."
        yield changed(where, what, "privacy", direction="weakened", breaks=("subjects",))
    elif new.subject and not old.subject:
        what = "The column names the subject."
        yield changed(where, what, "privacy", direction="strengthened")


def compare_compliance(old: Contract, new: Contract) -> Iterator[Change]:
    """Yield another compliance of the whole contract."""
    if old.compliance == new.compliance:
        return
    what = f"The contract is under {new.compliance}, not {old.compliance}."
    if COMPLIANCE.index(new.compliance) < COMPLIANCE.index(old.compliance):
        yield changed("compliance", what, "privacy", direction="weakened", breaks=("subjects",))
    else:
        yield changed("compliance", what, "privacy", direction="strengthened")


def _technique(old: Column, new: Column, *, seen: bool, shown: bool) -> Change:
    direction = _direction(old.anonymize, new.anonymize)
    breaks: tuple[Audience, ...] = ("consumers",) if seen else ()
    if direction == "weakened":
        breaks += ("subjects",)
    what = f"The column is {_words(new.anonymize)} instead of {_words(old.anonymize)}"
    if is_dropped(old) and shown:
        what += ", so it is published"
    elif is_dropped(new) and seen:
        what += ", so it is no longer published"
    elif seen and shown and promised_type(old) != promised_type(new):
        what += f"; it is published as {promised_type(new)}, not {promised_type(old)}"
    elif seen and shown:
        what += "; published values change"
    return changed(
        f"column '{new.name}'",
        f"{what}.",
        "privacy",
        direction=direction,
        breaks=breaks,
        tables=_followed(old, new),
    )


def _followed(old: Column, new: Column) -> Tables:
    if is_dropped(new):
        return LEFT_BEHIND
    if is_dropped(old):
        return NULL_BEFORE
    return AS_BEFORE if promised_type(old) == promised_type(new) else REBUILT


def _direction(old: Anonymize | None, new: Anonymize | None) -> Direction:
    before, after = _said(old), _said(new)
    if before[0] != after[0]:
        if before[0] not in STRENGTH or after[0] not in STRENGTH:
            return "changed"
        return "weakened" if STRENGTH[after[0]] < STRENGTH[before[0]] else "strengthened"
    kept, keeps = before[1], after[1]
    if any(now > was for was, now in zip(kept, keeps, strict=True)):
        return "weakened"
    return "strengthened" if kept != keeps else "changed"


def _said(anonymize: Anonymize | None) -> tuple[str, tuple[int, ...], object]:
    """Return the technique, how many characters it keeps first and last, and the rest of it."""
    if anonymize is None:
        return "", (), None
    given = dict(anonymize.parameters)
    if anonymize.technique != "mask":
        return anonymize.technique, (), given
    full = MASK | given
    kept = tuple(int(str(full.pop(key))) for key in ("keepFirst", "keepLast"))
    return "mask", kept, full


def _words(anonymize: Anonymize | None) -> str:
    technique, kept, rest = _said(anonymize)
    if technique == "mask":
        character = rest["character"] if isinstance(rest, dict) else "*"
        return f"masked (keepFirst {kept[0]}, keepLast {kept[1]}, '{character}')"
    words = {"": "left as it is", "hash": "hashed", "drop": "dropped"}
    return words.get(technique, f"made safe by '{technique}'")
