"""What of the quarantined records a page may show to the one who looks at it."""

from starlette.requests import Request


def may_see_records(request: Request) -> bool:  # noqa: ARG001 - roles will be read from it
    """Return whether the values of quarantined records are shown, personal ones too.

    Whoever may not sees the number of each record and the reasons, which hold no values.
    Without tokens the API is for this machine only, and everybody who reaches it may.
    """
    return True
