"""What may be sent to the Dagster UI, and in whose name.

Dagster's own webserver takes any tag from its caller, and can delete or forge what the audit stream
is made of. So only mutations that are known to do neither are passed on, and those that start runs
carry the name of the caller's token, whatever the request says. The text is read with the parser
that Dagster itself uses.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    VariableNode,
    parse,
)

from lakehouse_pipeline.errors import LakehouseError

USER_TAG = "user"
MAX_TOKENS = 20_000
"""Of a query; those of the UI have a tenth of it."""

TAGS_OF: Mapping[str, tuple[str, ...]] = {
    "executionParams": ("executionMetadata", "tags"),
    "executionParamsList": ("executionMetadata", "tags"),
    "backfillParams": ("tags",),
    "reexecutionParams": ("extraTags",),
}
"""Where the arguments of the mutations that start runs keep the tags of those runs."""

STARTING = frozenset(
    {
        "launchMultipleRuns",
        "launchPartitionBackfill",
        "launchPipelineExecution",
        "launchPipelineReexecution",
        "launchRun",
        "launchRunReexecution",
        "reexecutePartitionBackfill",
    }
)
ALLOWED = STARTING | {
    "cancelPartitionBackfill",
    "deleteConcurrencyLimit",
    "freeConcurrencySlots",
    "freeConcurrencySlotsForRun",
    "logTelemetry",
    "reloadRepositoryLocation",
    "reloadWorkspace",
    "resetSchedule",
    "resetSensor",
    "resumePartitionBackfill",
    "scheduleDryRun",
    "sensorDryRun",
    "setAutoMaterializePaused",
    "setConcurrencyLimit",
    "setNuxSeen",
    "setSensorCursor",
    "startSchedule",
    "startSensor",
    "stopRunningSchedule",
    "stopSensor",
    "terminatePipelineExecution",
    "terminateRun",
    "terminateRuns",
}
REFUSED = frozenset(
    {
        "addDynamicPartition",
        "deleteAppManagedComponent",
        "deleteDynamicPartitions",
        "deletePipelineRun",
        "deleteRun",
        "refreshComponentState",
        "reportAssetCheckEvaluations",
        "reportRunlessAssetEvents",
        "setAppManagedComponent",
        "shutdownRepositoryLocation",
        "wipeAssets",
    }
)
"""Those that are known and not passed on: they delete or forge events or batches, end the code
server, or write definitions. A mutation that Dagster adds is refused until somebody decides."""


class NoGraphQLError(LakehouseError):
    """A request to the UI that is no plain GraphQL request."""

    def __init__(self, expected: str) -> None:
        super().__init__(f"the UI behind this login takes changes as GraphQL only: {expected}.")


class ForbiddenOperationError(LakehouseError):
    """A request to the UI names a mutation that nobody may use through it."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"'{name}' can change what is on record, so the UI behind this login does not take it "
            "from anybody."
        )


def in_the_name_of(name: str, body: bytes) -> bytes:
    """Return a GraphQL request whose runs carry `name` as their user.

    Args:
        name: who sends it.
        body: `{"query": …, "variables": …}` as JSON.

    Raises: NoGraphQLError: it is something else. ForbiddenOperationError: as it says.
    """
    request = _request(body)
    variables = request.get("variables") or {}
    for field in _mutations(_parsed(request["query"])):
        if field.name.value not in ALLOWED:
            raise ForbiddenOperationError(field.name.value)
        if field.name.value in STARTING:
            _sign(field, variables, name)
    return json.dumps({**request, "variables": variables}).encode()


def _request(body: bytes) -> dict[str, Any]:
    try:
        request = json.loads(body)
    except (ValueError, RecursionError):
        raise NoGraphQLError("expected JSON") from None
    if not isinstance(request, dict) or not isinstance(request.get("query"), str):
        raise NoGraphQLError("expected an object with a 'query'")
    if not isinstance(request.get("variables"), dict | None):
        raise NoGraphQLError("expected 'variables' to be an object")
    return request


def _parsed(query: str) -> DocumentNode:
    try:
        return parse(query, no_location=True, max_tokens=MAX_TOKENS)
    except GraphQLError:  # its message quotes what was sent
        raise NoGraphQLError("the query is not one, or is too long") from None
    except RecursionError:
        raise NoGraphQLError("the query is nested too deeply") from None


def _mutations(document: DocumentNode) -> Iterator[FieldNode]:
    """Yield the fields of every mutation in a document, also those in its fragments."""
    fragments = {
        one.name.value: one
        for one in document.definitions
        if isinstance(one, FragmentDefinitionNode)
    }
    for one in document.definitions:
        if not isinstance(one, OperationDefinitionNode):
            continue
        if one.operation is OperationType.MUTATION:
            yield from _fields(one.selection_set, fragments, frozenset())


def _fields(
    selected: SelectionSetNode,
    fragments: Mapping[str, FragmentDefinitionNode],
    seen: frozenset[str],
) -> Iterator[FieldNode]:
    for one in selected.selections:
        if isinstance(one, FieldNode):
            yield one
        elif isinstance(one, InlineFragmentNode):
            yield from _fields(one.selection_set, fragments, seen)
        elif isinstance(one, FragmentSpreadNode) and one.name.value not in seen:
            fragment = fragments.get(one.name.value)
            if fragment is not None:
                yield from _fields(fragment.selection_set, fragments, seen | {one.name.value})


def _sign(field: FieldNode, variables: dict[str, Any], name: str) -> None:
    """Set the user of what a mutation starts; its parameters stand in variables, else refused."""
    for argument in field.arguments:
        path = TAGS_OF.get(argument.name.value)
        if path is None or not isinstance(argument.value, VariableNode):
            raise NoGraphQLError("expected the parameters of a run in variables")
        # An absent variable could have a default in the query, a null one has not.
        value = variables.setdefault(argument.value.name.value, None)
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
    tags = given if isinstance(given, list) else [given]
    others = [tag for tag in tags if isinstance(tag, dict) and tag.get("key") != USER_TAG]
    params[last] = [*others, {"key": USER_TAG, "value": name}]
