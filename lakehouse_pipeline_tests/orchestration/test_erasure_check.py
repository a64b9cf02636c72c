"""The check of a dataset's contract that shows how long its open erasures may still take."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from lakehouse_pipeline.lake.contract_store import ContractStore
from lakehouse_pipeline.lake.erased_subjects import EVERY_DATASET
from lakehouse_pipeline.lake.erasure_requests import Erasure, Erasures, new_request
from lakehouse_pipeline.names import Layer
from lakehouse_pipeline.orchestration.erasure import ErasureDesk
from lakehouse_pipeline.orchestration.erasure_check import (
    ERASURE_CHECK,
    NAMED,
    datasets_with_subjects,
    deadline,
)
from lakehouse_pipeline.orchestration.erasure_job import ERASURES
from lakehouse_pipeline.orchestration.keys import contract_key
from lakehouse_pipeline_tests.erasures import SUBJECT, erasing_contract
from lakehouse_pipeline_tests.homes import (
    DATASET,
    QUIET,
    Home,
    contract_text,
    open_home,
    rows,
)

NOW = datetime(2026, 11, 25, tzinfo=UTC)
OTHER = "visits"
FINISH = "Finish with: lakehouse erase --resume"


def asked(days: float, dataset: str = DATASET) -> Erasure:
    """Return a request made so many days ago."""
    return new_request("hash", dataset, "ada", "why", NOW - timedelta(days=days))


@pytest.mark.parametrize(
    ("days", "passed", "severity", "said"),
    [
        (0, True, "WARN", "due in 30.0 days"),
        (22.9, True, "WARN", "due in 7.1 days"),
        (23, False, "WARN", "due in 7.0 days"),
        (29.9, False, "WARN", "due in 0.1 days"),
        (30, False, "ERROR", "overdue by 0.0 days"),
        (31, False, "ERROR", "overdue by 1.0 days"),
    ],
)
def test_the_deadline_of_an_open_erasure_warns_and_then_fails(
    days: float, passed: bool, severity: str, said: str
) -> None:
    one = asked(days)
    check = deadline([one], DATASET, NOW)
    assert (check.passed, check.severity) == (passed, dg.AssetCheckSeverity[severity])
    assert check.description == f"1 open. {one.id} is {said}. {FINISH}"
    assert deadline([one], OTHER, NOW).description == "No erasure is open."


def test_every_open_erasure_of_a_dataset_is_named_the_most_urgent_first() -> None:
    near, late, foreign = asked(25), asked(31, EVERY_DATASET), asked(40, OTHER)
    check = deadline([near, late, foreign], DATASET, NOW)
    assert check.description == (
        f"2 open. {late.id} is overdue by 1.0 days; {near.id} is due in 5.0 days. {FINISH}"
    )
    assert check.severity is dg.AssetCheckSeverity.ERROR
    assert {name: value.value for name, value in check.metadata.items()} == {
        "open": 2,
        "days_left": -1.0,
    }


def test_of_very_many_erasures_the_most_urgent_are_named() -> None:
    many = [asked(n / 10) for n in range(NAMED + 3)]
    said = deadline(many, DATASET, NOW).description or ""
    assert said.startswith(f"{NAMED + 3} open. {many[-1].id} is ")
    assert f"; and 3 more. {FINISH}" in said
    assert [one.id in said for one in many] == [False] * 3 + [True] * NAMED


def newest(home: Home, dataset: str = DATASET) -> dg.AssetCheckEvaluation:
    """Return what the check said last."""
    key = dg.AssetCheckKey(contract_key(dataset), ERASURE_CHECK)
    record, *_ = home.instance.event_log_storage.get_asset_check_execution_history(key, limit=1)
    assert isinstance(record.evaluation, dg.AssetCheckEvaluation)
    return record.evaluation


def evaluate(home: Home) -> dg.AssetCheckEvaluation:
    """Evaluate the check as the button in the UI does, and return what it says."""
    key = dg.AssetCheckKey(contract_key(DATASET), ERASURE_CHECK)
    everything = home.definitions().resolve_implicit_global_asset_job_def()
    job = everything.get_subset(asset_check_selection={key})
    assert job.execute_in_process(instance=home.instance, run_config=QUIET).success
    return newest(home)


def make_due(home: Home, one: Erasure, days: float) -> None:
    """Let the deadline of a request, the oldest of all, be in so many days."""
    now = datetime.now(UTC)
    asked_at, due = (now + timedelta(days=n) for n in (days - 30, days))
    changed = replace(one, requested=asked_at.isoformat(), deadline=due.isoformat())
    Erasures(home.settings.erasures).write(changed)


def test_the_check_is_there_from_the_request_to_the_certificate(tmp_path: Path) -> None:
    plain = contract_text(dataset="plain")
    with open_home(tmp_path / "home", erasing_contract(), plain) as home:
        assert datasets_with_subjects(ContractStore(home.settings.contracts)) == [DATASET]
        assert evaluate(home).passed
        desk = ErasureDesk(home.instance, home.settings)
        one = desk.request(SUBJECT, None, "ada", "a letter")
        assert newest(home).passed
        assert newest(home).description == f"1 open. {one.id} is due in 30.0 days. {FINISH}"
        make_due(home, one, 5)
        said = evaluate(home)
        assert (said.passed, said.severity) == (False, dg.AssetCheckSeverity.WARN)
        make_due(home, one, -1)
        said = evaluate(home)
        assert (said.passed, said.severity) == (False, dg.AssetCheckSeverity.ERROR)
        assert f"{one.id} is overdue by 1.0 days" in (said.description or "")
        desk.carry_out(one)
        assert (newest(home).passed, newest(home).description) == (True, "No erasure is open.")
        assert SUBJECT.encode() not in home.everything_recorded()


def test_an_erasure_that_cannot_be_finished_fails_its_check_and_holds_up_no_other(
    tmp_path: Path,
) -> None:
    with open_home(tmp_path / "home", erasing_contract(), erasing_contract(dataset=OTHER)) as home:
        home.drop("may.csv", rows(4))
        home.settle()
        desk = ErasureDesk(home.instance, home.settings)
        stuck = desk.request(SUBJECT, DATASET, "ada", "a letter")
        make_due(home, stuck, -1)
        other = desk.request(SUBJECT, OTHER, "ada", "a letter")
        (file,) = (home.settings.lake / DATASET / Layer.VALIDATED).rglob("*.parquet")
        file.write_bytes(b"unreadable")
        job = home.definitions().resolve_job_def(ERASURES)
        ended = job.execute_in_process(
            instance=home.instance, run_config=QUIET, raise_on_error=False
        )
        assert not ended.success
        assert [one.id for one in desk.erasures.open()] == [stuck.id]
        assert desk.erasures.get(other.id).completed
        assert newest(home, OTHER).passed
        said = newest(home)
        assert (said.passed, said.severity) == (False, dg.AssetCheckSeverity.ERROR)
        assert f"{stuck.id} is overdue by 1.0 days" in (said.description or "")
        desk.request("p1@example.org", DATASET, "ada", "a letter")
        with pytest.raises(ExceptionGroup, match="2 erasures cannot be finished"):
            list(desk.resume())
