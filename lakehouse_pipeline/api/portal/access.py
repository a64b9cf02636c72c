"""What a page may show to the one who looks at it, and where the Dagster UI is for that one.

Without tokens the API is for this machine only, and everybody who reaches it sees everything.
"""

from collections.abc import Sequence

from starlette.requests import Request

from lakehouse_pipeline.orchestration.home_lock import running_url
from lakehouse_pipeline.orchestration.office import Office


def visible(office: Office) -> Sequence[str]:
    """Return the datasets that the caller may know of, by name."""
    return office.store.datasets()


def may_see_records(request: Request) -> bool:  # noqa: ARG001 - roles will be read from it
    """Return whether the values of quarantined records are shown, personal ones too.

    Whoever may not sees the number of each record and the reasons, which hold no values.
    """
    return True


def ui_address(request: Request, office: Office) -> str | None:  # noqa: ARG001 - the same
    """Return the address of the Dagster UI, None when it does not run."""
    return running_url(office.settings)
