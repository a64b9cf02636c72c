"""What may be sent to the writable Dagster UI, and in whose name.

Dagster's own webserver takes any tag from its caller and can delete what the audit stream is made
of. So who operates it through the API starts runs under the name of their token, whatever the
request says, and nobody deletes or forges events: those operations are refused by their names.
"""

import json
import re
from typing import Any

from lakehouse_pipeline.errors import LakehouseError

USER_TAG = "user"
FORBIDDEN = frozenset(
    {
        "deletePipelineRun",
        "deleteRun",
        "reportAssetCheckEvaluation",
        "reportRunlessAssetEvents",
        "wipeAssets",
        "setAppManagedComponent",
        "shutdownRepositoryLocation",
    }
)
"""What would delete or forge events, or end the code server; the command line is left for that."""

_NAME = re.compile(r"[_A-Za-z]\w*", re.ASCII)
_TAGS_OF = {
    "executionParams": ("executionMetadata", "tags"),
    "executionParamsList": ("executionMetadata", "tags"),
    "backfillParams": ("tags",),
    "reexecutionParams": ("extraTags",),
}
"""Where the variables of each operation that starts runs keep the tags of those runs."""


class NoGraphQLError(LakehouseError):
    """A request to the UI that is no plain GraphQL request."""

    def __init__(self, expected: str) -> None:
        super().__init__(f"the UI behind this login takes changes as GraphQL only: {expected}.")


class ForbiddenOperationError(LakehouseError):
    """A request to the UI names an operation that nobody may use through it."""

    def __init__(self, operation: str) -> None:
        super().__init__(
            f"'{operation}' would change what is on record, so the UI behind this login does not "
            "take it from anybody."
        )


def in_the_name_of(name: str, body: bytes) -> bytes:
    """Return a GraphQL request whose runs carry `name` as their user.

    Args:
        name: who sends it.
        body: `{"query": …, "variables": …}` as JSON.

    Raises: NoGraphQLError: it is something else. ForbiddenOperationError: as it says.
    """
    try:
        request = json.loads(body)
    except ValueError:
        raise NoGraphQLError("expected JSON") from None
    if not isinstance(request, dict) or not isinstance(request.get("query"), str):
        raise NoGraphQLError("expected an object with a 'query'")
    if forbidden := sorted(FORBIDDEN.intersection(_NAME.findall(request["query"]))):
        raise ForbiddenOperationError(forbidden[0])
    variables = request.get("variables")
    if isinstance(variables, dict):
        _sign(variables, name)
    return json.dumps(request).encode()


def _sign(variables: dict[str, Any], name: str) -> None:
    for key, path in _TAGS_OF.items():
        value = variables.get(key)
        for params in value if isinstance(value, list) else [value]:
            if isinstance(params, dict):
                _set_user(params, path, name)


def _set_user(params: dict[str, Any], path: tuple[str, ...], name: str) -> None:
    *above, last = path
    for key in above:
        if not isinstance(params.get(key), dict):
            params[key] = {}
        params = params[key]
    given = params.get(last)
    tags = given if isinstance(given, list) else []
    others = [tag for tag in tags if isinstance(tag, dict) and tag.get("key") != USER_TAG]
    params[last] = [*others, {"key": USER_TAG, "value": name}]
