"""Who decides what, and why: names as they are compared, and that they are given."""

import re
import unicodedata

from lakehouse_pipeline.errors import NamelessStepError


def person(name: str) -> str:
    """Return a name as names are compared: case and spaces make no other person.

    Nor does it matter how Unicode writes what looks the same: e with an accent is one or two signs.
    """
    return unicodedata.normalize("NFKC", " ".join(name.split()).casefold())


def names(text: str, value: str) -> bool:
    """Return whether a value stands in a text as a word of its own, case and spaces aside."""
    word = re.escape(person(value))
    return bool(word) and re.search(rf"(?<!\w){word}(?!\w)", person(text)) is not None


def require_named(by: str, why: str | None = None) -> None:
    """Raise: NamelessStepError: nobody takes a step, or for no reason where one is needed."""
    for name, text in (("by", by), ("why", why)):
        if text is not None and not person(text):
            raise NamelessStepError(name)
