"""Grants: who may consume a dataset, for what purpose and until when.

A grant is nothing but its events, `ConsumptionGranted` and perhaps `ConsumptionRevoked`; it is read
back out of the stream in `orchestration/grants.py`.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

from lakehouse_pipeline.errors import LakehouseError, nearest

LONGEST_DAYS = 3650


class GrantState(StrEnum):
    """Where a grant stands."""

    ACTIVE = "active"
    EXPIRED = "expired"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class Grant:
    """Leave for `consumer` to take published data of a dataset for `purpose`; times are UTC."""

    id: str
    dataset: str
    consumer: str
    purpose: str
    expires: datetime
    granted_by: str
    granted_at: datetime
    revoked_by: str | None = None
    revoked_at: datetime | None = None
    revoked_why: str | None = None

    def state(self, now: datetime) -> GrantState:
        """Return where the grant stands at a time; a revoked one stays revoked."""
        if self.revoked_at is not None:
            return GrantState.REVOKED
        return GrantState.ACTIVE if now < self.expires else GrantState.EXPIRED

    def require(self, dataset: str, now: datetime) -> None:
        """Raise: GrantRefusedError: it is for another dataset, has expired or was revoked."""
        if self.dataset != dataset:
            raise GrantRefusedError(self.id, f"is for '{self.dataset}', not for '{dataset}'")
        if self.revoked_at is not None:
            at = self.revoked_at.isoformat(timespec="seconds")
            raise GrantRefusedError(self.id, f"was revoked by {self.revoked_by} at {at}")
        if self.state(now) is GrantState.EXPIRED:
            at = self.expires.isoformat(timespec="seconds")
            raise GrantRefusedError(self.id, f"expired at {at}")


class GrantRefusedError(LakehouseError):
    """A grant does not allow what was asked for under it."""

    def __init__(self, grant: str, problem: str) -> None:
        super().__init__(f"grant '{grant}' {problem}. Ask the dataset's steward for a new one.")


class UnknownGrantError(LakehouseError):
    """There is no grant of this id."""

    def __init__(self, grant: str, known: Collection[str]) -> None:
        super().__init__(
            f"there is no grant '{grant}'.{nearest(grant, known)} "
            "List them with: lakehouse grant list"
        )


class GrantExpiryError(LakehouseError):
    """A grant would end before it begins, or too late for anybody to remember it."""

    def __init__(self, problem: str) -> None:
        super().__init__(
            f"expires: {problem}. Expected a day or a time with its zone in the next "
            f"{LONGEST_DAYS} days, as 2027-12-31 or 2027-12-31T18:00:00Z."
        )


def expiry(wanted: date | datetime, now: datetime) -> datetime:
    """Return when a grant ends, in UTC; a day is counted to its end.

    Raises: GrantExpiryError: it has no zone, is not in the future, or is too far in it.
    """
    if not isinstance(wanted, datetime):
        wanted = datetime.combine(wanted, time(23, 59, 59), UTC)
    if wanted.tzinfo is None:
        raise GrantExpiryError("the time has no zone")
    if wanted <= now:
        raise GrantExpiryError("it is not in the future")
    if wanted > now + timedelta(days=LONGEST_DAYS):
        raise GrantExpiryError("it is too far in the future")
    return wanted.astimezone(UTC)
