import shutil
from pathlib import Path

import pytest

from lakehouse_pipeline_tests.cli.commands import Command, in_process
from lakehouse_pipeline_tests.homes import contract_text, open_home, rows


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a home with a published and a refused batch; tests work on copies of it."""
    folder = tmp_path_factory.mktemp("filled") / "home"
    with open_home(folder, contract_text()) as home:
        home.drop("a.csv", rows(10, broken=2))
        home.drop("b.csv", rows(10, broken=6, first=11))
        home.settle()
    return folder


@pytest.fixture
def home(filled: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(filled, tmp_path / "home"))


@pytest.fixture
def lakehouse(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    return in_process(home, monkeypatch, capsys)
