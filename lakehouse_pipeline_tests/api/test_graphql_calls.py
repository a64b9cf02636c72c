import json
from typing import Any

import pytest
from dagster_graphql.schema import create_schema

from lakehouse_pipeline.api.graphql_calls import (
    ALLOWED,
    REFUSED,
    STARTING,
    TAGS_OF,
    ForbiddenOperationError,
    NoGraphQLError,
    in_the_name_of,
)

MINE = {"key": "user", "value": "Ann"}
OTHER = {"key": "team", "value": "shop"}
LAUNCH = """mutation L($executionParams: X, $executionParamsList: X, $backfillParams: X = {a: 1},
  $reexecutionParams: X, $p: X) {
  launchRun(executionParams: $executionParams) { __typename }
  many: launchMultipleRuns(executionParamsList: $executionParamsList) { __typename }
  launchPartitionBackfill(backfillParams: $backfillParams) { __typename }
  ... on Mutation { ...F }
}
fragment F on Mutation {
  launchRunReexecution(executionParams: $p, reexecutionParams: $reexecutionParams) { __typename }
}"""


NESTED = json.dumps({"query": "{a" * 9000 + "}" * 9000}).encode()


def variables(given: object) -> Any:  # noqa: ANN401 JSON has no narrower type
    sent = json.dumps({"query": LAUNCH, "variables": given}).encode()
    signed = json.loads(in_the_name_of("Ann", sent))["variables"]
    return {name: value for name, value in signed.items() if value is not None}


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


def test_parameters_are_found_under_whatever_name_their_variable_has() -> None:
    given = {"p": {"executionMetadata": {"tags": [{"key": "user", "value": "Bob"}]}}}
    assert variables(given) == {"p": {"executionMetadata": {"tags": [MINE]}}}


def test_a_default_of_the_query_cannot_bring_parameters_in() -> None:
    sent = json.dumps({"query": LAUNCH}).encode()
    assert json.loads(in_the_name_of("Ann", sent))["variables"]["backfillParams"] is None


@pytest.mark.parametrize(
    "arguments",
    [
        'executionParams: {executionMetadata: {tags: [{key: "user", value: "Bob"}]}}',
        "executionParams: {executionMetadata: $e}",
        "unknown: $e",
    ],
)
def test_parameters_that_stand_in_the_query_are_refused(arguments: str) -> None:
    query = f"mutation M($e: E) {{ launchRun({arguments}) {{ __typename }} }}"
    with pytest.raises(NoGraphQLError, match="in variables"):
        in_the_name_of("Ann", json.dumps({"query": query, "variables": {}}).encode())


def test_a_question_is_passed_on_as_it_is() -> None:
    sent = {"query": "query Q($n: Int) { runs(limit: $n) }", "variables": {"n": 1}}
    assert json.loads(in_the_name_of("Ann", json.dumps(sent).encode())) == sent


def test_every_mutation_of_dagster_has_been_decided_on() -> None:
    schema = create_schema().graphql_schema.mutation_type
    assert schema is not None
    assert set(schema.fields) == ALLOWED | REFUSED
    starting = {name for name, field in schema.fields.items() if TAGS_OF.keys() & field.args.keys()}
    assert starting == STARTING


@pytest.mark.parametrize(
    "query",
    [
        'mutation { deletePipelineRun(runId: "1") { __typename } }',
        'mutation { harmless: deleteRun(runId: "1") { __typename } }',
        "mutation M { ...F } fragment F on Mutation { wipeAssets(assetPartitionRanges: []) { x } }",
        "mutation M($e: E!) { reportRunlessAssetEvents(eventParams: $e) { __typename } }",
        "mutation { deleteDynamicPartitions(wipeMaterializations: true) { __typename } }",
        "mutation { reportAssetCheckEvaluations(eventParams: {}) { __typename } }",
        "query Q { version } mutation M { wipeAssets { __typename } }",
        "mutation M { ... on Mutation { ... { mutationOfTomorrow } } }",
        "mutation M { ...F } fragment F on Mutation { ...F ...G } fragment G on Mutation { wipe }",
    ],
)
def test_nobody_deletes_or_forges_events(query: str) -> None:
    with pytest.raises(ForbiddenOperationError, match="can change what is on record"):
        in_the_name_of("Ann", json.dumps({"query": query}).encode())


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{}", b'{"query": 1}', b"\xff", b"query { version }", NESTED, b"[" * 100_000],
)
def test_what_is_no_graphql_is_not_passed_on(body: bytes) -> None:
    with pytest.raises(NoGraphQLError):
        in_the_name_of("Ann", body)
