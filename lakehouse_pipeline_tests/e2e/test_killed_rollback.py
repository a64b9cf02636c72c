import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lakehouse_pipeline.errors import StepRefusedError
from lakehouse_pipeline.names import Layer
from lakehouse_pipeline.pipeline.rollback import RollbackRefusedError
from lakehouse_pipeline_tests.anonymizations import (
    EMAIL,
    MAKER,
    NEW,
    SECOND,
    activate,
    applied,
    contract,
    desk,
    filled,
    lines,
    rehearsed,
    rolled_back,
    told,
)
from lakehouse_pipeline_tests.e2e import killed_rollback
from lakehouse_pipeline_tests.erasures import erase, found
from lakehouse_pipeline_tests.homes import DATASET, open_home

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", params=["append", "upsert"])
def template(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, str, dict[Layer, str]]:
    """Return a home with two batches that were applied to, its id, and the content of before."""
    folder = tmp_path_factory.mktemp("rollback") / "home"
    mode = str(request.param)
    new = contract(NEW, phone="technique: redact", mode=mode)
    with filled(folder, lines(6), lines(4, 5), old=contract(mode=mode), new=new) as home:
        before = home.content()
        one = applied(home)
        assert home.content()[Layer.PUBLISHED] != before[Layer.PUBLISHED]
    return folder, one.id, before


def killed(template: Path, to: Path, name: str, moment: str) -> Path:
    folder = Path(shutil.copytree(template, to / "home"))
    command = [sys.executable, "-m", killed_rollback.__name__, str(folder), name, moment]
    died = subprocess.run(command, capture_output=True, text=True, check=False)
    assert died.returncode == -signal.SIGKILL, died.stderr
    return folder


def upserts(folder: Path) -> bool:
    return "mode: upsert" in (folder / "contracts" / "orders" / "1.0.0.yaml").read_text()


@pytest.mark.parametrize("moment", killed_rollback.MOMENTS)
def test_a_killed_rollback_leaves_published_whole_and_is_finished(
    template: tuple[Path, str, dict[Layer, str]], tmp_path: Path, moment: str
) -> None:
    folder, name, before = template
    with open_home(killed(folder, tmp_path, name, moment)) as home:
        sql = "SELECT count(*), count(DISTINCT id) FROM t"
        assert home.query(Layer.PUBLISHED, sql) == [(8 if upserts(folder) else 10, 8)]
        if moment in ("noted", "anonymized"):
            assert home.query(Layer.PUBLISHED, "SELECT DISTINCT phone FROM t ORDER BY 1") == [
                ("[redacted]",),
                (None,),
            ]
        if moment == "untold":
            assert told(home)[-1]["lakehouse/event"] == "DataAnonymized"
            assert desk(home).listed("orders")[0].stage == "rolled back"
        else:
            assert rolled_back(home, name).stage == "rolled back"
        assert home.content() == before
        assert [event["lakehouse/event"] for event in told(home)][-1] == "AnonymizationRolledBack"
        assert {state.rolled_back for state in home.states().values()} == {name}
        assert home.violations() == []
        assert home.settle() == []
        assert home.content() == before


def test_an_erasure_between_a_killed_rollback_and_its_end_keeps_the_erased_out(
    template: tuple[Path, str, dict[Layer, str]], tmp_path: Path
) -> None:
    folder, name, _ = template
    with open_home(killed(folder, tmp_path, name, "anonymized")) as home:
        subject = EMAIL.format(2)
        erasure = erase(home, subject)
        with pytest.raises(RollbackRefusedError, match=erasure.id) as refused:
            rolled_back(home, name)
        assert "lakehouse replay orders --from anonymized" in str(refused.value)
        assert found(home, subject) == []
        assert home.query(Layer.ANONYMIZED, "SELECT count(*) FROM t WHERE id = 2") == [(0,)]


def test_a_killed_application_waits_for_a_person_and_can_still_be_taken_back(
    tmp_path: Path,
) -> None:
    with filled(tmp_path / "ready", lines(6), lines(4, 21)) as home:
        before = home.content()
        name = rehearsed(home).id
        desk(home).approve(DATASET, name, SECOND, "fine")
        activate(home)
    with open_home(killed(tmp_path / "ready", tmp_path, name, "applying")) as home:
        assert home.content()[Layer.PUBLISHED] == before[Layer.PUBLISHED]
        assert home.settle() == []
        with pytest.raises(StepRefusedError, match="finish that first"):
            rolled_back(home, name)
        desk(home).apply(DATASET, name, MAKER)
        assert home.violations() == []
        rolled_back(home, name)
        assert home.content() == before
        assert home.violations() == []
