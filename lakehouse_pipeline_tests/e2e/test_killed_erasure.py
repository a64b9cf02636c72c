import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lakehouse_pipeline.names import Layer
from lakehouse_pipeline.orchestration.erasure import ErasureDesk
from lakehouse_pipeline_tests.e2e import killed_erasure
from lakehouse_pipeline_tests.e2e.killed import ingest
from lakehouse_pipeline_tests.erasures import erasing_contract, found
from lakehouse_pipeline_tests.homes import open_home, rows

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a home with two published batches, one of which holds the subject."""
    folder = tmp_path_factory.mktemp("erasure") / "home"
    with open_home(folder, erasing_contract()) as home:
        home.drop("a.csv", rows(6, broken=1))
        home.drop("b.csv", rows(4, first=11))
        home.settle()
    return folder


@pytest.mark.parametrize("moment", killed_erasure.MOMENTS)
def test_a_killed_erasure_is_finished_without_anyone_naming_the_subject_again(
    template: Path, tmp_path: Path, moment: str
) -> None:
    folder = Path(shutil.copytree(template, tmp_path / "home"))
    command = [sys.executable, "-m", killed_erasure.__name__, str(folder), moment]
    died = subprocess.run(command, capture_output=True, text=True, check=False)
    assert died.returncode == -signal.SIGKILL, died.stderr
    with open_home(folder) as home:
        (done,) = ErasureDesk(home.instance, home.settings).resume()
        assert done.count == 1
        assert found(home) == []
        assert home.query(Layer.RAW, "SELECT count(*) FROM t") == [(9,)]
        assert home.query(Layer.PUBLISHED, "SELECT count(*) FROM t") == [(8,)]
        assert home.violations() == []
        assert home.settle() == []


def test_an_ingest_beside_an_erasure_loses_nothing_but_the_subject(
    template: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(template, tmp_path / "home"))
    command = [sys.executable, "-m", killed_erasure.__name__, str(folder), "never"]
    with open_home(folder) as home, subprocess.Popen(command) as erasing:
        for n in range(5):
            ingest(home, f"c{n}.csv", rows(3, first=21 + 10 * n))
        assert erasing.wait(60) == 0
        assert found(home) == []
        assert home.query(Layer.RAW, "SELECT count(*) FROM t") == [(9 + 15,)]
        assert home.query(Layer.PUBLISHED, "SELECT count(*) FROM t") == [(8 + 15,)]
        assert home.violations() == []
