"""What protects the people a record is about: techniques, marks and the contract's compliance.

A technique that got weaker breaks the promise to the subjects; one that got stronger breaks the
one to consumers wherever published values, types or columns change with it.
"""

from collections.abc import Iterator, Mapping

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
from lakehouse_pipeline.contracts.comparison.strength import STRENGTH, left_of_it
from lakehouse_pipeline.contracts.model import Anonymize, Column, Contract
from lakehouse_pipeline.contracts.promised import is_dropped, promised_type
from lakehouse_pipeline.contracts.techniques import MASK, kept_ends

COMPLIANCE = ("standard", "gdpr", "strict")
"""From the weakest to the strongest."""

_DONE = {
    "": "left as it is",
    "hash": "hashed",
    "drop": "dropped",
    "tokenize": "replaced by a token",
    "pseudonymize": "replaced by a pseudonym",
    "generalize": "generalized",
    "suppress": "published without its values",
    "redact": "redacted",
    "noise": "published with noise",
    "aggregate": "published as the mean of a group",
    "custom": "made safe by an expression",
}


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
    yield from _excused(where, old, new)
    if old.subject and not new.subject:
        what = "The column no longer names the subject, so an erasure does not look here."
        yield changed(where, what, "privacy", direction="weakened", breaks=("subjects",))
    elif new.subject and not old.subject:
        what = "The column names the subject."
        yield changed(where, what, "privacy", direction="strengthened")


def _excused(where: str, old: Column, new: Column) -> Iterator[Change]:
    if bool(old.not_personal) == bool(new.not_personal):
        return
    if new.not_personal:
        what = f"The column is said not to be personal: {new.not_personal}"
        yield changed(where, what, "privacy", direction="weakened", breaks=("subjects",))
    else:
        what = "The column is no longer said not to be personal."
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
    before, after = _name(old), _name(new)
    if old is None or new is None or before != after:
        if before not in STRENGTH or after not in STRENGTH or STRENGTH[before] == STRENGTH[after]:
            return "changed"
        return "weakened" if STRENGTH[after] < STRENGTH[before] else "strengthened"
    was, now = left_of_it(old), left_of_it(new)
    if was.keys() != now.keys():
        return "changed"
    if any(now[name] > was[name] for name in was):
        return "weakened"
    return "strengthened" if was != now else "changed"


def _name(anonymize: Anonymize | None) -> str:
    return anonymize.technique if anonymize else ""


def _said(anonymize: Anonymize | None) -> tuple[str, Mapping[str, object]]:
    """Return the technique and its parameters, those of a mask with what is not given."""
    if anonymize is None:
        return "", {}
    given = dict(anonymize.parameters)
    if anonymize.technique != "mask":
        return anonymize.technique, given
    first, last = kept_ends(anonymize)
    return "mask", {**MASK, **given, "keepFirst": first, "keepLast": last}


def _words(anonymize: Anonymize | None) -> str:
    technique, given = _said(anonymize)
    if technique == "mask":
        form = f", {given['format']}" if given["format"] else ""
        kept = f"keepFirst {given['keepFirst']}, keepLast {given['keepLast']}"
        return f"masked ({kept}, '{given['character']}'{form})"
    words = _DONE.get(technique, f"made safe by '{technique}'")
    said = ", ".join(f"{name} {value}" for name, value in given.items())
    return f"{words} ({said})" if said else words
