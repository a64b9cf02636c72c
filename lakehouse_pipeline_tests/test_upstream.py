"""What this product relies on in other packages without their promise: fails when they change."""

import inspect
import time
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.instance.ref import InstanceRef
from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage
from dagster._core.storage.tags import GRPC_INFO_TAG, RUN_FAILURE_REASON_TAG
from dagster_graphql.schema.roots import mutation
from dagster_webserver import cli as webserver_cli


def parameters(function: object) -> list[str]:
    assert callable(function)
    return list(inspect.signature(function).parameters)


def test_the_webserver_takes_its_application_from_a_name_that_can_be_replaced() -> None:
    """`orchestration/webserver.py` puts another one there."""
    source = inspect.getsource(webserver_cli.host_dagster_ui_with_workspace_process_context)
    assert "app = create_app_from_workspace_process_context(" in source


def test_a_run_is_re_executed_by_a_name_that_can_be_replaced() -> None:
    """`orchestration/reexecution.py` puts another one there, which is given the same."""
    source = inspect.getsource(mutation.GrapheneLaunchRunReexecutionMutation)
    assert "return await launch_reexecution_from_parent_run(" in source
    launch = vars(mutation)["launch_reexecution_from_parent_run"]
    assert parameters(launch)[:2] == ["graphene_info", "parent_run_id"]
    assert 'parent_run_id=reexecutionParams["parentRunId"]' in source


class TestSqliteEventLogStorage:
    """`KeptSqliteEventLog` replaces `_connect` and builds on the rest."""

    def test_every_access_goes_through_connect(self) -> None:
        for method in ("run_connection", "index_connection"):
            assert "self._connect(" in inspect.getsource(getattr(SqliteEventLogStorage, method))

    def test_connect_takes_one_shard_and_yields_within_a_transaction(self, tmp_path: Path) -> None:
        assert parameters(SqliteEventLogStorage._connect) == ["self", "shard"]
        storage = SqliteEventLogStorage(str(tmp_path))
        with storage._connect("run") as connection:
            assert connection.in_transaction()
        storage.dispose()

    def test_one_lock_orders_all_access(self) -> None:
        assert "with self._db_lock:" in inspect.getsource(SqliteEventLogStorage._connect)

    def test_new_databases_are_set_up_once_per_process(self, tmp_path: Path) -> None:
        storage = SqliteEventLogStorage(str(tmp_path))
        with storage._connect("run"):
            assert "run" in storage._initialized_dbs
        assert parameters(storage._initdb) == ["engine", "for_index_shard"]
        storage.dispose()

    def test_a_shard_is_a_file_named_after_its_run(self, tmp_path: Path) -> None:
        storage = SqliteEventLogStorage(str(tmp_path))
        assert storage.path_for_shard("run") == str(tmp_path / "run.db")
        assert storage.conn_string_for_shard("run") == f"sqlite:///{tmp_path / 'run.db'}"
        storage.dispose()

    def test_the_watcher_looks_at_the_database_file_only(self) -> None:
        source = inspect.getsource(SqliteEventLogStorage.watch)
        assert "SqliteEventLogStorageWatchdog" in source
        assert "-wal" not in source

    def test_a_writer_waits_for_another_one(self) -> None:
        assert SQLITE_BUSY_TIMEOUT_SECONDS >= 30


class TestDagsterSqliteStorage:
    """`HomeStorage` replaces the event log in it."""

    def test_it_holds_its_event_log_in_one_attribute(self, tmp_path: Path) -> None:
        storage = DagsterSqliteStorage.from_local(str(tmp_path))
        assert storage.event_log_storage is storage._event_log_storage
        assert (tmp_path / "history" / "runs" / "index.db").exists()
        storage.dispose()

    def test_a_custom_storage_is_configured_from_dagster_yaml(self, tmp_path: Path) -> None:
        (tmp_path / "dagster.yaml").write_text(
            "storage: {custom: {module: m, class: C, config: {base_dir: {env: DAGSTER_HOME}}}}"
        )
        data = InstanceRef.from_dir(str(tmp_path)).storage_data
        assert data is not None
        assert (data.module_name, data.class_name) == ("m", "C")
        assert "env: DAGSTER_HOME" in data.config_yaml


class TestRuns:
    """`fail_dead_runs` finds runs by the tags Dagster gives them."""

    def test_the_tags_have_these_names(self) -> None:
        assert GRPC_INFO_TAG == ".dagster/grpc_info"
        assert RUN_FAILURE_REASON_TAG == "dagster/failure_reason"

    def test_a_run_that_failed_by_an_error_says_so(self) -> None:
        @dg.op
        def broken() -> None:
            raise ValueError("no")

        @dg.job
        def job() -> None:
            broken()

        with dg.DagsterInstance.ephemeral() as instance:
            result = job.execute_in_process(instance=instance, raise_on_error=False)
            run = instance.get_run_by_id(result.run_id)
        assert run is not None
        assert run.tags[RUN_FAILURE_REASON_TAG] == "STEP_FAILURE"

    def test_a_run_failed_from_outside_has_no_reason(self) -> None:
        with dg.DagsterInstance.ephemeral() as instance:
            run = instance.create_run_for_job(dg.job(name="job")(lambda: None))
            instance.report_run_failed(run)
            failed = instance.get_run_by_id(run.run_id)
        assert failed is not None
        assert failed.status is dg.DagsterRunStatus.FAILURE
        assert RUN_FAILURE_REASON_TAG not in failed.tags


class TestTelemetry:
    """Why the logs of `lakehouse up` do not lie in `$DAGSTER_HOME/logs`, and what is set."""

    def test_the_webserver_uploads_the_folder_logs(self) -> None:
        telemetry = pytest.importorskip("dagster._core.telemetry_upload")
        assert 'get_or_create_dir_from_dagster_home("logs")' in inspect.getsource(telemetry)

    def test_an_environment_variable_forbids_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        telemetry = pytest.importorskip("dagster._core.telemetry_upload")
        monkeypatch.setenv("DAGSTER_DISABLE_TELEMETRY", "yes")
        assert telemetry.is_running_in_test()


def test_utc_is_what_dagster_stores() -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        before = time.time()
        instance.report_runless_asset_event(dg.AssetMaterialization("a"))
        (record,) = instance.fetch_materializations(dg.AssetKey("a"), limit=1).records
    assert before <= record.timestamp <= time.time()
