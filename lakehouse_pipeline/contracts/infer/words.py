"""The words of a column's name, whatever way it is written: `CustomerID`, `customer-id`."""

import re

_PARTS = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[0-9]+")
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "é": "e", "è": "e", "ñ": "n"})


def words_of(name: str) -> str:
    """Return the words of a name in lower case, joined by `_`: `customer_id`."""
    return "_".join(_PARTS.findall(name.translate(_UMLAUTS))).lower() or name.lower()


def says(words: str, pattern: str) -> bool:
    """Return whether a regular expression matches whole words among `words`."""
    return re.search(f"(?:^|_)(?:{pattern})(?:_|$)", words) is not None


def ends_with(name: str, pattern: str) -> bool:
    """Return whether a regular expression matches the last words of a name, a number aside.

    What a name ends with is what it names: `billing_address`, not `address_changed`.
    """
    return says(words_of(name), f"(?:{pattern})(?:_?[0-9]+)?$")
