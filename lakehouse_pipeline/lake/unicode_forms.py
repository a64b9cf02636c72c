"""The ways in which Unicode writes one text: an accent is part of a letter, or a sign after it.

Files from a Mac often have the second, keyboards give the first; nobody sees a difference.
"""

import unicodedata


def unicode_forms(text: str) -> list[str]:
    """Return the text as it is, then composed (NFC) and decomposed (NFD) where that differs."""
    forms = (unicodedata.normalize("NFC", text), unicodedata.normalize("NFD", text))
    return list(dict.fromkeys([text, *forms]))
