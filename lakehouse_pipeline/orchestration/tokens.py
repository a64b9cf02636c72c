"""Making and ending tokens, each with its event, and whether tokens are in force.

What a token is is in `access/tokens.py`, its file in `lake/token_file.py`; who is let in with one
in `api/doorkeeper.py`.
"""

import ipaddress
import time
from collections.abc import Sequence
from dataclasses import dataclass

import dagster as dg

from lakehouse_pipeline.access.roles import Role
from lakehouse_pipeline.access.tokens import Standing, Token, digest_of, new_secret, require_name
from lakehouse_pipeline.audit.events import INSTALLATION, Event, EventType
from lakehouse_pipeline.errors import TokensMissingError
from lakehouse_pipeline.lake.token_file import TokenFile
from lakehouse_pipeline.orchestration.events import report
from lakehouse_pipeline.settings import Settings

SECONDS_PER_DAY = 86_400


@dataclass(frozen=True, slots=True)
class Wanted:
    """A token that is to be made: bound to `datasets`, or to none when there are none."""

    name: str
    role: Role
    datasets: Sequence[str]
    days: float


def create_token(
    instance: dg.DagsterInstance, settings: Settings, wanted: Wanted, by: str
) -> tuple[Token, str]:
    """Make a token, put that on record, and return what is kept of it and its secret.

    Raises: TokenNameError, TokenExistsError: nothing was made.
    """
    require_name(wanted.name)
    now, secret = time.time(), new_secret()
    token = Token(
        wanted.name,
        wanted.role,
        tuple(sorted(set(wanted.datasets))),
        digest_of(secret),
        created_at=now,
        created_by=by,
        expires_at=now + wanted.days * SECONDS_PER_DAY,
    )
    TokenFile(settings.keys).add(token, now)
    _tell(instance, EventType.ACCESS_GRANTED, token, by, "lakehouse token create")
    return token, secret


def revoke_token(instance: dg.DagsterInstance, settings: Settings, name: str, by: str) -> Token:
    """End the valid token of this name: at once, also for a running API; and put it on record.

    Raises: UnknownTokenError: there is none.
    """
    token = TokenFile(settings.keys).revoke(name, by, time.time())
    _tell(instance, EventType.ACCESS_REVOKED, token, by, "lakehouse token revoke")
    return token


def tokens_in_force(settings: Settings) -> bool:
    """Return whether the API asks for a token.

    It does once there has been one, also when all have ended since: an installation does not open
    by itself. Raises: TokenFileError: nobody knows.
    """
    is_far = not is_loopback(settings.api_host)
    return settings.api_tokens or is_far or bool(TokenFile(settings.keys).tokens())


def require_tokens(settings: Settings) -> None:
    """Check that somebody can log in where tokens are demanded before the first one is made.

    Raises: TokensMissingError: no token is valid.
    """
    tokens = TokenFile(settings.keys).tokens()
    if any(token.standing(time.time()) is Standing.VALID for token in tokens):
        return
    if not is_loopback(settings.api_host):
        where = f"LAKEHOUSE_API_HOST={settings.api_host} is not this machine alone"
        raise TokensMissingError(where)
    if settings.api_tokens:
        raise TokensMissingError("LAKEHOUSE_API_TOKENS demands tokens")


def is_loopback(host: str) -> bool:
    """Return whether only programs of this machine reach this address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _tell(instance: dg.DagsterInstance, kind: EventType, token: Token, by: str, why: str) -> None:
    facts: dict[str, str | int | float] = {
        "token": token.name,
        "token_id": token.id,
        "role": token.role.value,
        "datasets": ", ".join(token.datasets) or "all",
        "expires_at": token.expires_at,
    }
    report(instance, Event(kind, INSTALLATION, None, by, why, facts), None)
