"""The roles, the permissions, and the one table that says which role has which permission.

Which call needs which permission is in `api/permissions.py`; who holds a role for which datasets is
in `tokens.py`.
"""

from collections.abc import Mapping
from enum import StrEnum


class Role(StrEnum):
    """What somebody is, for the datasets of their token."""

    PRODUCER = "producer"
    STEWARD = "steward"
    CONSUMER = "consumer"
    AUDITOR = "auditor"
    OWNER = "owner"


class Permission(StrEnum):
    """What a call needs."""

    LOOK = "look"
    """See datasets, contracts, batches and their counts; no value of a record."""

    DELIVER = "deliver"
    """Upload files, and send corrected records back."""

    INSPECT = "inspect"
    """Read quarantined records as they were delivered, personal values among them."""

    DECIDE = "decide"
    """Register, approve and end contracts; release what is held back; replay."""

    REVEAL = "reveal"
    """Turn a token of the vault back into the personal value that it stands for."""

    CONSUME = "consume"
    """Take published data."""

    AUDIT = "audit"
    """Read the events."""

    WATCH = "watch"
    """Read the metrics."""

    VIEW_UI = "view-ui"
    """Open the Dagster UI, to read."""

    OPERATE_UI = "operate-ui"
    """Materialize, backfill and switch things in the Dagster UI; never with a bound token."""


_EVERYONE = frozenset(Role)
_IN_CHARGE = frozenset({Role.STEWARD, Role.OWNER})

GRANTED: Mapping[Permission, frozenset[Role]] = {
    Permission.LOOK: _EVERYONE,
    Permission.DELIVER: _IN_CHARGE | {Role.PRODUCER},
    Permission.INSPECT: _IN_CHARGE | {Role.PRODUCER},
    Permission.DECIDE: _IN_CHARGE,
    Permission.REVEAL: _IN_CHARGE,
    Permission.CONSUME: _IN_CHARGE | {Role.CONSUMER},
    Permission.AUDIT: _IN_CHARGE | {Role.AUDITOR},
    Permission.WATCH: _IN_CHARGE | {Role.AUDITOR},
    Permission.VIEW_UI: _EVERYONE,
    Permission.OPERATE_UI: _IN_CHARGE,
}
"""The roles that have each permission."""
