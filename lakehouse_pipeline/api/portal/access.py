"""What a page may show to the one who looks at it, and where the Dagster UI is for that one.

Without tokens the API is for this machine only, and everybody who reaches it sees everything.
"""

from collections.abc import Sequence

from lakehouse_pipeline.access.roles import Permission
from lakehouse_pipeline.api.caller import CALLER, reachable
from lakehouse_pipeline.orchestration.office import Office


def visible(office: Office) -> Sequence[str]:
    """Return the datasets that the caller may know of, by name."""
    return reachable(office.store.datasets())


def may_see_records() -> bool:
    """Return whether the values of quarantined records are shown, personal ones too.

    Whoever may not sees the number of each record and the reasons, which hold no values.
    """
    token = CALLER.get()
    return token is None or token.may(Permission.INSPECT)
