from pathlib import Path

import pytest

from lakehouse_pipeline.names import Layer
from lakehouse_pipeline_tests.homes import DATASET, open_home, rows


def test_landing_and_lake_may_be_in_another_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = tmp_path / "big disk"
    monkeypatch.setenv("LAKEHOUSE_STORAGE", disk.as_uri())
    with open_home(tmp_path / "home") as home:
        batch = home.drop("may.csv", rows(10, broken=2))
        home.settle()
        assert home.states()[batch].state == "published"
        assert home.query(Layer.PUBLISHED, "SELECT count(*) FROM t") == [(8,)]
        assert home.violations() == []
        assert (disk / "landing" / DATASET / "may.csv").exists()
        assert (disk / "lake" / DATASET / "published" / "_delta_log").is_dir()
        assert not (home.settings.home / "lake").exists()
