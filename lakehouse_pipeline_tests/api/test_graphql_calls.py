import json
from typing import Any

import pytest

from lakehouse_pipeline.api.graphql_calls import (
    ForbiddenOperationError,
    NoGraphQLError,
    in_the_name_of,
)

MINE = {"key": "user", "value": "Ann"}
OTHER = {"key": "team", "value": "shop"}


def variables(given: object) -> Any:  # noqa: ANN401 JSON has no narrower type
    sent = json.dumps({"query": "mutation L { launchRun }", "variables": given}).encode()
    return json.loads(in_the_name_of("Ann", sent))["variables"]


def test_a_run_is_started_in_the_name_of_who_asks_for_it() -> None:
    tags = {"executionMetadata": {"tags": [OTHER, {"key": "user", "value": "Bob"}]}}
    signed = {"executionMetadata": {"tags": [OTHER, MINE]}}
    assert variables({"executionParams": tags}) == {"executionParams": signed}
    assert variables({"executionParamsList": [tags, {}]}) == {
        "executionParamsList": [signed, {"executionMetadata": {"tags": [MINE]}}]
    }
    empty = {"executionMetadata": None}
    assert variables({"executionParams": empty})["executionParams"]["executionMetadata"] == {
        "tags": [MINE]
    }


def test_a_backfill_and_a_run_again_are_too() -> None:
    assert variables({"backfillParams": {"tags": None}}) == {"backfillParams": {"tags": [MINE]}}
    again = {"parentRunId": "1", "extraTags": [OTHER]}
    assert variables({"reexecutionParams": again})["reexecutionParams"]["extraTags"] == [
        OTHER,
        MINE,
    ]


def test_a_question_is_passed_on_as_it_is() -> None:
    sent = {"query": "query Q($n: Int) { runs(limit: $n) }", "variables": {"n": 1}}
    assert json.loads(in_the_name_of("Ann", json.dumps(sent).encode())) == sent


@pytest.mark.parametrize(
    "query",
    [
        'mutation { deletePipelineRun(runId: "1") { __typename } }',
        'mutation { harmless: deleteRun(runId: "1") { __typename } }',
        "mutation M { ...F } fragment F on Mutation { wipeAssets(assetPartitionRanges: []) { x } }",
        "mutation M($e: E!) { reportRunlessAssetEvents(eventParams: $e) { __typename } }",
    ],
)
def test_nobody_deletes_or_forges_events(query: str) -> None:
    with pytest.raises(ForbiddenOperationError, match="would change what is on record"):
        in_the_name_of("Ann", json.dumps({"query": query}).encode())


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"query": 1}', b"\xff", b"query { version }"]
)
def test_what_is_no_graphql_is_not_passed_on(body: bytes) -> None:
    with pytest.raises(NoGraphQLError):
        in_the_name_of("Ann", body)
