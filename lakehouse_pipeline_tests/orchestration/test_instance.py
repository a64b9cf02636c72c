import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
import yaml
from dagster import DagsterInstance, DagsterRun, DagsterRunStatus
from dagster._core.storage.tags import GRPC_INFO_TAG

from lakehouse_pipeline.orchestration.event_storage import KeptSqliteEventLog
from lakehouse_pipeline.orchestration.instance import (
    DATASET_TAG,
    DIED_TAG,
    PROCESS_TAG,
    fail_dead_runs,
    open_instance,
    prepare_home,
    process_tags,
)
from lakehouse_pipeline.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home")


@pytest.fixture
def instance(settings: Settings) -> Iterator[DagsterInstance]:
    with open_instance(settings) as opened:
        yield opened


@dg.job
def nothing() -> None:
    pass


def started(instance: DagsterInstance, **tags: str) -> DagsterRun:
    return instance.create_run_for_job(nothing, status=DagsterRunStatus.STARTED, tags=tags)


def test_a_home_has_its_folders_and_nobody_else_reads_the_keys(settings: Settings) -> None:
    prepare_home(settings)
    folders = (settings.contracts, settings.landing, settings.lake, settings.dagster)
    assert all(folder.is_dir() for folder in folders)
    assert stat.S_IMODE(settings.keys.stat().st_mode) == 0o700


def test_a_dagster_yaml_changed_by_a_person_is_never_touched(settings: Settings) -> None:
    prepare_home(settings)
    config = settings.dagster / "dagster.yaml"
    changed = config.read_text().replace("max_concurrent_runs: 4", "max_concurrent_runs: 9")
    config.write_text(changed)
    prepare_home(settings)
    assert config.read_text() == changed


def test_a_dagster_yaml_written_by_a_person_is_never_touched(settings: Settings) -> None:
    settings.dagster.mkdir(parents=True)
    config = settings.dagster / "dagster.yaml"
    config.write_text("telemetry: {enabled: false}\n")
    prepare_home(settings)
    assert config.read_text() == "telemetry: {enabled: false}\n"


def test_an_older_dagster_yaml_of_ours_is_replaced(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    with monkeypatch.context() as older:
        older.setattr("lakehouse_pipeline.orchestration.instance.files", lambda _: tmp_path)
        prepare_home(settings)
    config = settings.dagster / "dagster.yaml"
    assert "run_coordinator" not in config.read_text()
    prepare_home(settings)
    assert "run_coordinator" in yaml.safe_load(config.read_text())


def test_the_instance_is_set_up_as_dagster_yaml_says(instance: DagsterInstance) -> None:
    limits = instance.get_concurrency_config().run_queue_config
    assert limits is not None
    assert limits.max_concurrent_runs == 4
    assert limits.tag_concurrency_limits == [
        {"key": DATASET_TAG, "value": {"applyLimitPerUniqueValue": True}, "limit": 1}
    ]
    assert instance.run_monitoring_enabled
    assert not instance.telemetry_enabled
    assert not instance.nux_enabled
    assert isinstance(instance.event_log_storage, KeptSqliteEventLog)


def test_a_moved_home_keeps_its_events(settings: Settings, tmp_path: Path) -> None:
    with open_instance(settings) as instance:
        instance.report_runless_asset_event(dg.AssetMaterialization("a", partition="b1"))
    moved = Settings(home=settings.home.rename(tmp_path / "elsewhere"))
    with open_instance(moved) as instance:
        assert instance.get_materialized_partitions(dg.AssetKey("a")) == {"b1"}
    assert not settings.home.exists()


@pytest.mark.parametrize("former", [None, "/somewhere"])
def test_the_environment_names_the_home_while_it_is_open(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, former: str | None
) -> None:
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    if former is not None:
        monkeypatch.setenv("DAGSTER_HOME", former)
    with open_instance(settings):
        assert os.environ["DAGSTER_HOME"] == str(settings.dagster)
    assert os.environ.get("DAGSTER_HOME") == former


def test_a_run_of_a_living_process_goes_on(instance: DagsterInstance) -> None:
    run = started(instance, **process_tags())
    assert fail_dead_runs(instance, launched=True) == []
    assert instance.get_runs()[0].run_id == run.run_id
    assert instance.get_runs()[0].status is DagsterRunStatus.STARTED


def test_a_run_of_a_dead_process_is_failed_and_marked_once(instance: DagsterInstance) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as dead:
        dead.wait()
    run = started(instance, **{PROCESS_TAG: f"{dead.pid}@1.00"})
    assert fail_dead_runs(instance, launched=False) == [run.run_id]
    (failed,) = instance.get_runs()
    assert (failed.status, failed.tags[DIED_TAG]) == (DagsterRunStatus.FAILURE, "true")
    instance.add_run_tags(run.run_id, {DIED_TAG: "repeated"})
    assert fail_dead_runs(instance, launched=True) == []


def test_a_process_id_used_again_by_another_process_is_not_taken_for_it(
    instance: DagsterInstance,
) -> None:
    run = started(instance, **{PROCESS_TAG: f"{os.getpid()}@1.00"})
    assert fail_dead_runs(instance, launched=False) == [run.run_id]


def test_a_re_executed_run_is_not_taken_for_dead_by_the_process_of_the_run_it_repeats(
    instance: DagsterInstance,
) -> None:
    dead = {PROCESS_TAG: f"{os.getpid()}@1.00", GRPC_INFO_TAG: "{}"}
    first = started(instance, **dead)
    fail_dead_runs(instance, launched=False)
    again = instance.create_run_for_job(
        nothing,
        status=DagsterRunStatus.STARTING,
        tags=dead,
        parent_run_id=first.run_id,
        root_run_id=first.run_id,
    )
    assert fail_dead_runs(instance, launched=False) == []
    instance.add_run_tags(again.run_id, process_tags())
    assert fail_dead_runs(instance, launched=True) == []
    instance.add_run_tags(again.run_id, {PROCESS_TAG: f"{os.getpid()}@2.00"})
    assert fail_dead_runs(instance, launched=False) == [again.run_id]


def test_a_launched_run_is_failed_only_by_who_holds_the_home(instance: DagsterInstance) -> None:
    run = started(instance, **{GRPC_INFO_TAG: "{}"})
    assert fail_dead_runs(instance, launched=False) == []
    assert fail_dead_runs(instance, launched=True) == [run.run_id]


def test_a_run_that_dagster_saw_dying_is_marked(instance: DagsterInstance) -> None:
    run = started(instance, **process_tags())
    instance.report_run_failed(run)
    assert fail_dead_runs(instance, launched=False) == [run.run_id]
    assert fail_dead_runs(instance, launched=False) == []


def test_a_run_that_failed_by_an_error_of_its_own_is_not_marked(instance: DagsterInstance) -> None:
    @dg.op
    def broken(context: dg.OpExecutionContext) -> None:
        context.instance.add_run_tags(context.run_id, process_tags())
        raise ValueError("no")

    @dg.job
    def job() -> None:
        broken()

    job.execute_in_process(instance=instance, raise_on_error=False)
    assert fail_dead_runs(instance, launched=True) == []
