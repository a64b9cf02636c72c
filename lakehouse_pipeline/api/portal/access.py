"""What a page may show to the one who looks at it, and what that one may do there.

Without tokens the API is for this machine only, and everybody who reaches it sees and may do
everything. What a page offers is for convenience: every call asks again who makes it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from lakehouse_pipeline.access.roles import Permission
from lakehouse_pipeline.api.caller import CALLER, reachable
from lakehouse_pipeline.orchestration.office import Office


@dataclass(frozen=True, slots=True)
class Viewer:
    """The one who looks at a page: `name` is the token's, None without tokens.

    Whoever may not `inspect` sees the number of each quarantined record and the reasons, which
    hold no values.
    """

    name: str | None
    inspect: bool
    deliver: bool
    decide: bool
    consume: bool


def viewer() -> Viewer:
    """Return who looks at the page that is being answered."""
    token = CALLER.get()

    def may(permission: Permission) -> bool:
        return token is None or token.may(permission)

    return Viewer(
        token.name if token else None,
        inspect=may(Permission.INSPECT),
        deliver=may(Permission.DELIVER),
        decide=may(Permission.DECIDE),
        consume=may(Permission.CONSUME),
    )


def visible(office: Office) -> Sequence[str]:
    """Return the datasets that the caller may know of, by name."""
    return reachable(office.store.datasets())
