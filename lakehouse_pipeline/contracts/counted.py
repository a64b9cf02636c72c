"""Counts as people read them: one batch, two batches."""

_PLURALS = {"batch": "batches"}


def counted(number: int, noun: str) -> str:
    """Return `1 batch`, `2 batches`, `1,000 records`: the number with its noun."""
    nouns = _PLURALS.get(noun, f"{noun}s")
    return f"{number:,} {noun if number == 1 else nouns}"
