import shutil
import signal
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest

from lakehouse_pipeline.lake.tables import Tables
from lakehouse_pipeline.names import Layer
from lakehouse_pipeline.orchestration.instance import DATASET_TAG, DIED_TAG, PROCESS_TAG
from lakehouse_pipeline.orchestration.keys import RANGE_END, RANGE_START
from lakehouse_pipeline.orchestration.recovery import ATTEMPT_TAG
from lakehouse_pipeline_tests.e2e import killed
from lakehouse_pipeline_tests.homes import DATASET, Home, add_contract, open_home

pytestmark = pytest.mark.slow

MOMENTS = [
    "raw-moved",
    "quarantined-committed",
    "validated-committed",
    "anonymized-moved",
    "published-committed",
]
REPLAYS = ["replay-quarantined-committed", "replay-published-moved"]
HALF_WAY = "replay-anonymized-moved"
RELEASES = ["release-quarantined-committed", "release-validated-moved"]
JUDGED = (Layer.RAW, Layer.QUARANTINED, Layer.VALIDATED)
"""The layers whose content is the same in every home: no key of the home's own is in them."""


@pytest.fixture(scope="module")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with one home per moment, each left by a process that was killed."""
    folder = tmp_path_factory.mktemp("killed")
    command = [sys.executable, "-m", killed.__name__, str(folder), *MOMENTS, *REPLAYS, HALF_WAY]
    command += RELEASES
    played = subprocess.run(command, capture_output=True, text=True, check=True)
    ended = dict(line.split() for line in played.stdout.splitlines())
    assert ended == dict.fromkeys(command[4:], str(int(signal.SIGKILL))), played.stderr
    return folder


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> dict[Layer, str]:
    """Return the content of a home in which nobody was killed."""
    with open_home(tmp_path_factory.mktemp("calm") / "home") as home:
        killed.ingest(home, "first.csv", killed.FIRST)
        killed.ingest(home, "second.csv", killed.SECOND)
        return home.content()


def counts(home: Home, layer: Layer) -> dict[str, tuple[int, int]]:
    """Return records and distinct records of each batch, by the first word of its name."""
    sql = "SELECT _batch_id, count(*), count(DISTINCT _record) FROM t GROUP BY ALL"
    return {batch.split("-")[0]: (n, distinct) for batch, n, distinct in home.query(layer, sql)}


def repair(home: Home) -> None:
    """Tick once, execute what it asks for, and see that one run is enough."""
    (died,) = home.instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED]))
    requests = home.tick().run_requests or ()
    assert [request.run_key for request in requests] == [f"after-{died.run_id}"]
    assert home.instance.get_run_by_id(died.run_id) is not None
    home.start(requests)
    assert not home.tick().run_requests
    assert home.violations() == []
    assert not list((home.settings.lake / DATASET / ".staging").glob("*"))


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_run_killed_in_a_layer_is_repaired_by_the_next_tick(
    homes: Path, calm: dict[Layer, str], moment: str
) -> None:
    with open_home(homes / moment) as home:
        assert counts(home, Layer.PUBLISHED).get("first") == (27, 27)
        whole = moment == "published-committed"
        assert counts(home, Layer.PUBLISHED).get("second") == ((180, 180) if whole else None)
        repair(home)
        assert counts(home, Layer.PUBLISHED) == {"first": (27, 27), "second": (180, 180)}
        assert counts(home, Layer.ANONYMIZED) == {"first": (27, 27), "second": (180, 180)}
        assert {layer: home.content()[layer] for layer in JUDGED} == {
            layer: calm[layer] for layer in JUDGED
        }
        assert [state.state for state in home.states().values()] == ["published"] * 2


@pytest.mark.parametrize("moment", REPLAYS)
def test_a_killed_replay_leaves_the_batch_readable_and_is_repaired(
    homes: Path, moment: str
) -> None:
    with open_home(homes / moment) as home:
        assert counts(home, Layer.PUBLISHED) == {"first": (27, 27)}
        repair(home)
        assert counts(home, Layer.PUBLISHED) == {"first": (30, 30)}
        assert counts(home, Layer.QUARANTINED) == {}
        (state,) = home.states().values()
        assert (state.state, state.contract_version) == ("published", "1.1.0")


@pytest.mark.parametrize("moment", RELEASES)
@pytest.mark.parametrize("by", ["the next tick", "the next decision"])
def test_a_killed_release_loses_no_record_and_is_made_whole(
    homes: Path, tmp_path: Path, moment: str, by: str
) -> None:
    with open_home(Path(shutil.copytree(homes / moment, tmp_path / moment))) as home:
        assert counts(home, Layer.PUBLISHED) == {"first": (27, 27)}
        assert counts(home, Layer.QUARANTINED) == {"first": (2, 2)}
        assert home.violations() != []
        if by == "the next tick":
            repair(home)
        killed.release(home, 29)
        assert counts(home, Layer.PUBLISHED) == {"first": (29, 29)}
        assert counts(home, Layer.QUARANTINED) == {"first": (1, 1)}
        assert home.violations() == []


def test_verify_says_that_a_replay_killed_after_its_judgement_is_half_way(homes: Path) -> None:
    with open_home(homes / HALF_WAY) as home:
        (state,) = home.states().values()
        assert state.state == "running"
        assert [v.invariant for v in home.violations() if "half-way" in v.message] == [3]
        repair(home)


def died(home: Home, batch: str, attempt: int) -> str:
    """Record a run over `batch` whose process is gone; return its id."""
    job = home.definitions().resolve_job_def("orders_batches")
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    tags = {
        DATASET_TAG: DATASET,
        PROCESS_TAG: f"{gone.pid}@1.00",
        RANGE_START: batch,
        RANGE_END: batch,
        ATTEMPT_TAG: str(attempt),
    }
    started = dg.DagsterRunStatus.STARTED
    return home.instance.create_run_for_job(job, status=started, tags=tags).run_id


def test_a_batch_whose_runs_die_three_times_is_left_to_a_person(tmp_path: Path) -> None:
    with open_home(tmp_path / "home") as home:
        batch = home.drop("first.csv", killed.FIRST)
        home.instance.add_dynamic_partitions(DATASET, [batch])
        home.tick()
        second = died(home, batch, attempt=2)
        (request,) = home.tick().run_requests or ()
        assert (request.run_key, request.tags[ATTEMPT_TAG]) == (f"after-{second}", "3")
        third = died(home, batch, attempt=3)
        assert not home.tick().run_requests
        run = home.instance.get_run_by_id(third)
        assert run is not None
        assert (run.status, run.tags[DIED_TAG]) == (dg.DagsterRunStatus.FAILURE, "true")


def test_a_run_that_failed_with_an_error_waits_for_a_person(tmp_path: Path) -> None:
    with open_home(tmp_path / "home") as home:
        home.drop("first.csv", killed.FIRST)
        table = Tables(home.settings.lake).path(DATASET, Layer.RAW)
        table.parent.mkdir(parents=True)
        table.write_text("not a folder")
        (result,) = home.start(home.tick().run_requests or (), raise_on_error=False)
        assert not result.success
        table.unlink()
        assert not home.tick().run_requests
        add_contract(home.settings, killed.LENIENT)
        assert not home.tick().run_requests
