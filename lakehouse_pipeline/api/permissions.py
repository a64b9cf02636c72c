"""The table of all calls: which permission each one needs, and where it names its dataset.

A call that is not in it is not served: the API refuses to start (`doors`). Which role
has which permission is in `access/roles.py`; `doorkeeper.py` asks both.
"""

import inspect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from re import Pattern
from typing import Any

from fastapi.routing import iter_route_contexts
from pydantic import AfterValidator, BaseModel
from starlette.routing import BaseRoute, compile_path
from starlette.types import Scope

from lakehouse_pipeline.access.roles import Permission
from lakehouse_pipeline.api.caller import within_reach

WEBSOCKET = "WEBSOCKET"
"""Stands for the method of a websocket."""

Call = tuple[str, str]
"""A method and the path of a route, as `("GET", "/datasets/{dataset}")`."""


class Names(Enum):
    """Where a call names the dataset that it is about."""

    NONE = auto()
    """Nowhere: it is about no dataset, or about all in a form that holds no record."""

    PATH = auto()
    """In its path, as `{dataset}`."""

    BODY = auto()
    """In its body, in a field of the type `Reached`."""

    INSIDE = auto()
    """It finds out itself, and asks `within_reach`, `reachable` or `bound_to`."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What a call needs; `needs` None is open to everybody, without a token."""

    needs: Permission | None
    names: Names = Names.NONE


_LOOK = Rule(Permission.LOOK, Names.PATH)
_DECIDE = Rule(Permission.DECIDE, Names.PATH)
_OPEN = Rule(None)
_UI = Rule(Permission.VIEW_UI)

RULES: Mapping[Call, Rule] = {
    ("POST", "/datasets"): Rule(Permission.DECIDE, Names.BODY),
    ("GET", "/datasets"): Rule(Permission.LOOK, Names.INSIDE),
    ("GET", "/datasets/{dataset}"): _LOOK,
    ("POST", "/contracts"): Rule(Permission.DECIDE, Names.INSIDE),
    ("GET", "/datasets/{dataset}/contracts"): _LOOK,
    ("POST", "/datasets/{dataset}/contracts/approve"): _DECIDE,
    ("POST", "/datasets/{dataset}/contracts/decline"): _DECIDE,
    ("POST", "/datasets/{dataset}/contracts/activate"): _DECIDE,
    ("POST", "/datasets/{dataset}/contracts/deprecate"): _DECIDE,
    ("POST", "/datasets/{dataset}/contracts/retire"): _DECIDE,
    ("POST", "/datasets/{dataset}/upload-url"): Rule(Permission.DELIVER, Names.PATH),
    ("POST", "/upload-url"): Rule(Permission.DELIVER, Names.BODY),
    ("POST", "/datasets/{dataset}/download-url"): Rule(Permission.CONSUME, Names.PATH),
    ("POST", "/datasets/{dataset}/append"): Rule(Permission.DELIVER, Names.PATH),
    ("POST", "/replay"): Rule(Permission.DECIDE, Names.BODY),
    ("GET", "/replays/{name}"): Rule(Permission.DECIDE, Names.INSIDE),
    ("GET", "/datasets/{dataset}/batches"): _LOOK,
    ("GET", "/datasets/{dataset}/batches/{batch}"): _LOOK,
    ("GET", "/datasets/{dataset}/quarantine"): Rule(Permission.INSPECT, Names.PATH),
    ("GET", "/datasets/{dataset}/quarantine/export"): Rule(Permission.INSPECT, Names.PATH),
    ("GET", "/datasets/{dataset}/quarantine/reasons"): Rule(Permission.INSPECT, Names.PATH),
    ("POST", "/datasets/{dataset}/batches/{batch}/release"): _DECIDE,
    ("POST", "/datasets/{dataset}/batches/{batch}/publish"): _DECIDE,
    ("POST", "/datasets/{dataset}/batches/{batch}/withdraw"): _DECIDE,
    ("POST", "/datasets/{dataset}/batches/{batch}/corrections"): Rule(
        Permission.DELIVER, Names.PATH
    ),
    ("POST", "/datasets/{dataset}/anonymizations"): _DECIDE,
    ("GET", "/datasets/{dataset}/anonymizations"): Rule(Permission.AUDIT, Names.PATH),
    ("POST", "/datasets/{dataset}/anonymizations/{anonymization}/approve"): _DECIDE,
    ("POST", "/datasets/{dataset}/anonymizations/{anonymization}/apply"): _DECIDE,
    ("POST", "/datasets/{dataset}/anonymizations/{anonymization}/rollback"): _DECIDE,
    ("POST", "/datasets/{dataset}/vault/read"): Rule(Permission.REVEAL, Names.PATH),
    ("POST", "/grants"): Rule(Permission.DECIDE, Names.BODY),
    ("GET", "/grants"): Rule(Permission.AUDIT, Names.INSIDE),
    ("GET", "/grants/{grant}"): Rule(Permission.AUDIT, Names.INSIDE),
    ("POST", "/grants/{grant}/revoke"): Rule(Permission.DECIDE, Names.INSIDE),
    ("DELETE", "/grants/{grant}"): Rule(Permission.DECIDE, Names.INSIDE),
    ("POST", "/erasures"): Rule(Permission.DECIDE, Names.INSIDE),
    ("GET", "/erasures"): Rule(Permission.AUDIT, Names.INSIDE),
    ("GET", "/erasures/{erasure}"): Rule(Permission.AUDIT, Names.INSIDE),
    ("POST", "/query"): Rule(Permission.CONSUME, Names.INSIDE),
    ("GET", "/events"): Rule(Permission.AUDIT, Names.INSIDE),
    ("GET", "/metrics"): Rule(Permission.WATCH, Names.INSIDE),
    ("GET", "/dagster"): _UI,
    ("GET", "/dagster/{path:path}"): _UI,
    ("POST", "/dagster/{path:path}"): _UI,
    (WEBSOCKET, "/dagster/{path:path}"): _UI,
    ("GET", "/"): Rule(Permission.LOOK, Names.INSIDE),
    ("GET", "/portal/datasets/{dataset}"): _LOOK,
    ("GET", "/portal/datasets/{dataset}/batches"): _LOOK,
    ("GET", "/portal/datasets/{dataset}/delivered"): _LOOK,
    ("GET", "/portal/datasets/{dataset}/batches/{batch}"): _LOOK,
    ("GET", "/portal/datasets/{dataset}/batches/{batch}/part"): _LOOK,
    # A signed URL says itself what it is for, and was given to somebody who may do that.
    ("PUT", "/objects/landing/{dataset}/{name}"): _OPEN,
    ("GET", "/objects/exports/{path:path}"): _OPEN,
    ("GET", "/objects/granted/{grant}/{dataset}/{name}"): _OPEN,
    **{
        (method, "/objects/{path:path}"): _OPEN
        for method in ("GET", "PUT", "POST", "DELETE", "PATCH", "OPTIONS", "TRACE")
    },
    # Here a token is shown for the first time, or nothing is told that is not in the source.
    ("GET", "/login"): _OPEN,
    ("POST", "/login"): _OPEN,
    ("POST", "/logout"): _OPEN,
    ("GET", "/healthz"): _OPEN,
    ("GET", "/readyz"): _OPEN,
    ("GET", "/portal/static/{name}"): _OPEN,
    ("GET", "/docs"): _OPEN,
    ("GET", "/docs/start.js"): _OPEN,
    ("GET", "/docs/{name}"): _OPEN,
    ("GET", "/openapi.json"): _OPEN,
}


class UnguardedCallError(RuntimeError):
    """A route is not in the table, or not as the table says: a bug, found before it is served."""

    def __init__(self, calls: Sequence[Call]) -> None:
        shown = ", ".join(f"{method} {path}" for method, path in calls)
        super().__init__(f"no rule in {__name__}, or not as it says: {shown}")


@dataclass(frozen=True, slots=True)
class Door:
    """A call as the router knows it."""

    call: Call
    pattern: Pattern[str]
    rule: Rule


def calls_of(routes: Sequence[BaseRoute]) -> Iterator[tuple[Call, Any]]:
    """Yield every call that these routes answer, and the function that does; HEAD is a GET."""
    for route in iter_route_contexts(routes):
        for method in sorted((route.methods or {WEBSOCKET}) - {"HEAD"}):
            yield (method, route.path or ""), route.endpoint


def doors(routes: Sequence[BaseRoute]) -> list[Door]:
    """Return every call with its rule, in the order of the routes.

    Raises: UnguardedCallError: one has no rule, or does not name its dataset as its rule says.
    """
    found = list(calls_of(routes))
    wrong = [call for call, answers in found if not _is_sound(call, answers)]
    if wrong:
        raise UnguardedCallError(wrong)
    return [Door(call, compile_path(call[1])[0], RULES[call]) for call, _ in found]


def door_of(known: Sequence[Door], scope: Scope) -> tuple[Door, dict[str, str]] | None:
    """Return the call that a request is, with the parameters of its path; None: no route has it."""
    method = scope.get("method", WEBSOCKET)
    wanted = "GET" if method == "HEAD" else method
    for door in known:
        if door.call[0] == wanted and (match := door.pattern.match(scope["path"])):
            return door, match.groupdict()
    return None


def _is_sound(call: Call, answers: object) -> bool:
    rule = RULES.get(call)
    if rule is None or (rule.names is Names.PATH) != ("{dataset}" in call[1] and bool(rule.needs)):
        return False
    return rule.names is not Names.BODY or _has_reached(answers)


def _has_reached(answers: Any) -> bool:  # noqa: ANN401 - the function of a route
    """Return whether the body of a call has a field whose value is held against the token."""
    return any(
        isinstance(check, AfterValidator) and check.func is within_reach
        for parameter in inspect.signature(answers).parameters.values()
        if isinstance(parameter.annotation, type) and issubclass(parameter.annotation, BaseModel)
        for field in parameter.annotation.model_fields.values()
        for check in field.metadata
    )
