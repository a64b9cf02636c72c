"""What may be shown of an error that came over values of records.

The engine and users' checks quote in a message the value they failed over. No other place decides
whether such a message is shown, in an event, a run, an answer or a log.
"""

WITHHELD = "its message is withheld, for it may quote personal data"


def told(kind: str, message: str, *, personal: bool) -> str:
    """Return the kind of an error and its message, or only that it is withheld.

    `personal` says whether any of the values is, or may be, personal. Raise outside of `except`
    what this is part of: an error carries the one it came from, with its message.
    """
    return f"{kind}: {WITHHELD if personal else message}"
