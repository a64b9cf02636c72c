import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import psutil
import pytest

from lakehouse_pipeline.lake.contract_store import ContractStore
from lakehouse_pipeline.names import Layer
from lakehouse_pipeline.orchestration.graphql import ask
from lakehouse_pipeline.orchestration.instance import DIED_TAG, PROCESS_TAG
from lakehouse_pipeline.orchestration.keys import job_name
from lakehouse_pipeline.orchestration.parts import Stack
from lakehouse_pipeline.orchestration.processes import running
from lakehouse_pipeline.orchestration.recovery import ATTEMPT_TAG
from lakehouse_pipeline.orchestration.runs import Runs
from lakehouse_pipeline_tests.anonymizations import desk, rolled_back
from lakehouse_pipeline_tests.homes import (
    AMOUNT,
    DATASET,
    Home,
    add_contract,
    contract_text,
    open_home,
    rows,
)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

BACKFILL = """mutation($params: LaunchBackfillParams!) {
  launchPartitionBackfill(backfillParams: $params) { __typename
    ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message } } }"""
REEXECUTE = """mutation($params: ReexecutionParams) {
  launchRunReexecution(reexecutionParams: $params) { __typename
    ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }"""
ROOT = Path(__file__).parents[2]


def until(what: Callable[[], Any], seconds: float = 120) -> Any:  # noqa: ANN401 whatever comes
    """Return what `what` returns as soon as that is true."""
    deadline = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < deadline, what
        time.sleep(0.05)
    return found


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Home, Stack]]:
    """Yield a home whose code server, daemon and UI are running."""
    with open_home(tmp_path_factory.mktemp("up") / "home") as home, running(home.settings) as stack:
        yield home, stack


def states(home: Home) -> list[tuple[str, int | None]]:
    return [(state.contract_version, state.published) for state in home.states().values()]


def test_a_backfill_in_the_ui_judges_the_chosen_batches_anew(up: tuple[Home, Stack]) -> None:
    home, stack = up
    batches = [home.drop(f"{n}.csv", rows(10, broken=2, first=n)) for n in (1, 2, 3)]
    until(lambda: states(home) == [("1.0.0", 8)] * 3)
    add_contract(
        home.settings, contract_text("1.1.0", amount=AMOUNT.replace("minimum: 0", "minimum: -5"))
    )
    layers = [layer for layer in Layer if layer is not Layer.RAW]
    params = {
        "assetSelection": [{"path": [DATASET, layer.value]} for layer in layers],
        "partitionNames": batches[:2],
        "tags": [{"key": "user", "value": "ada"}],
    }
    launched = ask(stack.url, BACKFILL, {"params": params})["launchPartitionBackfill"]
    assert launched["__typename"] == "LaunchBackfillSuccess", launched
    until(lambda: states(home) == [("1.1.0", 10), ("1.1.0", 10), ("1.0.0", 8)])
    runs = home.instance.get_runs(dg.RunsFilter(tags={"dagster/backfill": launched["backfillId"]}))
    assert [run.tags["user"] for run in runs] == ["ada"]
    until(lambda: _finished(home, runs[0].run_id))
    assert [m.partition for m in home.materialized(Layer.RAW)] == batches
    assert home.violations() == []


def reexecuted(stack: Stack, run_id: str) -> dict[str, Any]:
    """Return what the button Re-execute of a run answers."""
    params = {"parentRunId": run_id, "strategy": "ALL_STEPS"}
    found: dict[str, Any] = ask(stack.url, REEXECUTE, {"params": params})["launchRunReexecution"]
    return found


def newest_run(home: Home, **named: str) -> str:
    return home.instance.get_runs(dg.RunsFilter(**named), limit=1)[0].run_id  # type: ignore[arg-type]  # named as there


def test_a_run_of_the_sensor_is_re_executed_to_the_same_layers(up: tuple[Home, Stack]) -> None:
    home, stack = up
    batch = home.drop("again.csv", rows(10, first=201))
    until(lambda: home.states().get(batch) and home.states()[batch].published == 10)
    run = newest_run(home, job_name=job_name(DATASET))
    until(lambda: _finished(home, run))
    content = home.content()
    answer = reexecuted(stack, run)
    assert answer["__typename"] == "LaunchRunSuccess", answer
    again = answer["run"]["runId"]
    until(lambda: _finished(home, again))
    repeated = home.instance.get_run_by_id(again)
    assert repeated is not None
    assert repeated.status is dg.DagsterRunStatus.SUCCESS
    assert home.content() == content
    assert home.violations() == []


def test_what_the_command_did_is_not_re_executed_and_says_what_to_do_instead(
    up: tuple[Home, Stack],
) -> None:
    home, stack = up
    batch = home.drop("taken.csv", rows(10, first=301))
    until(lambda: home.states().get(batch) and home.states()[batch].published == 10)
    active = ContractStore(home.settings.contracts).active(DATASET)
    Runs(home.instance, home.settings, "ada").replay(active, [batch], None)
    replayed = newest_run(home)
    one = desk(home).rehearse(DATASET, None, [batch], "ada").id
    desk(home).approve(DATASET, one, "ben", "looked at it")
    desk(home).apply(DATASET, one, "ada")
    applied = newest_run(home)
    rolled_back(home, one)
    back = newest_run(home, job_name=f"{DATASET}_rollback")
    content = home.content()
    for run, said in (
        (replayed, f"instead, or call: lakehouse replay {DATASET} --batch {batch}"),
        (applied, f"applied anonymization {one}, which takes an approval"),
        (back, f"rolled back anonymization {one}, which takes an approval"),
    ):
        answer = reexecuted(stack, run)
        assert answer["__typename"] == "PythonError"
        assert answer["message"].startswith(f"run {run[:8]} ")
        assert said in answer["message"]
        assert "Nothing was changed." in answer["message"]
    assert home.content() == content
    assert home.states()[batch].rolled_back == one
    assert home.violations() == []


def test_a_killed_run_is_asked_for_again_by_the_running_sensor(up: tuple[Home, Stack]) -> None:
    home, _ = up
    table = home.settings.lake / DATASET / Layer.QUARANTINED / "_delta_log"
    before = len(list(table.glob("*.json")))
    batch = home.drop("large.csv", rows(150_000))
    until(lambda: len(list(table.glob("*.json"))) > before)
    (run,) = home.instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED]))
    psutil.Process(int(run.tags[PROCESS_TAG].partition("@")[0])).kill()
    until(lambda: home.states()[batch].published == 150_000)
    failed = home.instance.get_run_by_id(run.run_id)
    assert failed is not None
    assert failed.status is dg.DagsterRunStatus.FAILURE
    assert DIED_TAG in failed.tags  # with which value, two of Dagster's processes may not agree
    assert len(home.instance.get_runs(dg.RunsFilter(tags={ATTEMPT_TAG: "2"}))) == 1
    (again,) = home.instance.get_runs(dg.RunsFilter(tags={ATTEMPT_TAG: "2"}))
    until(lambda: _finished(home, again.run_id))
    distinct = f"SELECT count(*), count(DISTINCT _record) FROM t WHERE _batch_id = '{batch}'"
    assert home.query(Layer.PUBLISHED, distinct) == [(150_000, 150_000)]
    assert home.violations() == []


def _finished(home: Home, run_id: str) -> bool:
    run = home.instance.get_run_by_id(run_id)
    return run is not None and run.is_finished


def test_the_workspace_of_the_repository_loads(tmp_path: Path) -> None:
    with open_home(tmp_path / "home") as home:
        home.contract("broken: yes\n", "refunds")
        workspace = ROOT / "workspace.yaml"
        done = subprocess.run(
            [sys.executable, "-m", "dagster", "definitions", "validate", "-w", workspace],
            cwd=ROOT,
            env={
                **os.environ,
                "LAKEHOUSE_HOME": str(home.settings.home),
                "DAGSTER_HOME": str(home.settings.dagster),
            },
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    assert "Validation successful for code location lakehouse" in done.stdout + done.stderr
