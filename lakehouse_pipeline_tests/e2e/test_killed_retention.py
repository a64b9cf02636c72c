import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lakehouse_pipeline.lake.contract_store import ContractStore
from lakehouse_pipeline.names import Layer
from lakehouse_pipeline.orchestration.retention import apply_retention
from lakehouse_pipeline_tests.e2e import killed_retention
from lakehouse_pipeline_tests.homes import (
    DATASET,
    Home,
    add_contract,
    contract_text,
    open_home,
    rows,
)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a home with two published batches whose contract now keeps nothing."""
    folder = tmp_path_factory.mktemp("retention") / "home"
    with open_home(folder) as home:
        home.drop("a.csv", rows(10, broken=2))
        home.drop("b.csv", rows(10, broken=2, first=11))
        home.settle()
        at_once = contract_text("1.1.0").replace("value: 365", "value: 0.0000001")
        add_contract(home.settings, at_once)
    return folder


def files(home: Home, layer: Layer) -> int:
    return len(list((home.settings.lake / DATASET / layer).rglob("*.parquet")))


@pytest.mark.parametrize(
    ("moment", "files_left"), [("committed", 2), ("recorded", 2), ("deleted", 1)]
)
def test_a_killed_retention_is_finished_by_the_next_one(
    template: Path, tmp_path: Path, moment: str, files_left: int
) -> None:
    folder = Path(shutil.copytree(template, tmp_path / "home"))
    command = [sys.executable, "-m", killed_retention.__name__, str(folder), moment]
    died = subprocess.run(command, capture_output=True, text=True, check=False)
    assert died.returncode == -signal.SIGKILL, died.stderr
    with open_home(folder) as home:
        assert home.query(Layer.PUBLISHED, "FROM t") == []
        assert files(home, Layer.PUBLISHED) == files_left
        assert home.query(Layer.RAW, "SELECT count(*) FROM t") == [(20,)]
        contract = ContractStore(home.settings.contracts).active(DATASET)
        list(apply_retention(home.instance, home.settings, contract, time.time(), "ada"))
        assert {layer: files(home, layer) for layer in Layer} == dict.fromkeys(Layer, 0)
        assert {state.state for state in home.states().values()} == {"expired"}
        assert home.violations() == []
