"""A `lakehouse up` in a folder with somebody else's Python files, named as libraries are."""

from pathlib import Path

import pytest

from lakehouse_pipeline.orchestration.parts import OUTPUT
from lakehouse_pipeline_tests.api.client import CSV, Api, until
from lakehouse_pipeline_tests.e2e.ups import Up

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

NAMES = ("yaml", "numpy", "gql", "duckdb", "secrets", "numbers", "tomllib")


def test_no_module_of_the_folder_where_it_is_started_is_imported(tmp_path: Path) -> None:
    folder, home = tmp_path / "folder", tmp_path / "home"
    folder.mkdir()
    for name in NAMES:
        (folder / f"{name}.py").write_text("raise RuntimeError('a module of somebody else')\n")
    up = Up(home, folder)
    try:
        up.said("UI: ")
        api = Api(up.said("Portal: "), home, tmp_path, up.process.pid)
        api.dataset("sales")
        batch = api.put(api.upload_url("sales"), CSV).json["batch_id"]
        until(lambda: state(api, batch) == "published")  # by a run
        counted = api.post("/query", {"sql": "SELECT count(*) AS n FROM sales"})
        assert counted.json["rows"] == [{"n": 2}]
    finally:
        up.end()
    logs = (home / "dagster" / OUTPUT).glob("*.log")
    assert [log.name for log in logs if "somebody else" in log.read_text()] == []


def state(api: Api, batch: str) -> object:
    answer = api.get(f"/datasets/sales/batches/{batch}")
    return answer.json["state"] if answer.status == 200 else None
