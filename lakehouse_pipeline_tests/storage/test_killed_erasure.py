"""Erasures from a bucket that are killed, and one beside an ingest."""

import shutil
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import obstore
import pytest
from obstore.store import from_url

from lakehouse_pipeline.lake.objects import Objects
from lakehouse_pipeline.names import Layer
from lakehouse_pipeline.orchestration.erasure import ErasureDesk
from lakehouse_pipeline_tests.e2e import killed_erasure
from lakehouse_pipeline_tests.e2e.killed import ingest
from lakehouse_pipeline_tests.erasures import SUBJECT, erasing_contract
from lakehouse_pipeline_tests.homes import Home, open_home, rows
from lakehouse_pipeline_tests.storage import killed_erasures
from lakehouse_pipeline_tests.storage.emulators import Emulator
from lakehouse_pipeline_tests.storage.every_byte import holding

pytestmark = [pytest.mark.storage, pytest.mark.slow, pytest.mark.timeout(300)]

TEMPLATE, LIVE = "template", "live"


@pytest.fixture(scope="module", params=["s3", "azure"])
def killed(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Path, str]]:
    """Yield homes, each with two batches in a bucket of which one holds the subject.

    In those that are called as a moment an erasure was killed then; one is live.
    """
    emulator: Emulator = request.getfixturevalue(request.param)
    folder, url = tmp_path_factory.mktemp("erasure"), f"{emulator.url}/tests/{uuid.uuid4().hex}"
    with emulator.configured(), pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAKEHOUSE_STORAGE", f"{url}/{TEMPLATE}")
        with open_home(folder / TEMPLATE, erasing_contract()) as home:
            ingest(home, "a.csv", rows(6, broken=1))
            ingest(home, "b.csv", rows(4, first=11))
            for file in home.settings.home.glob("*.csv"):
                file.unlink()
        for name in (*killed_erasure.BUCKET_MOMENTS, LIVE):
            copied(folder, url, name)
        command = [sys.executable, "-m", killed_erasures.__name__, str(folder), url]
        command += killed_erasure.BUCKET_MOMENTS
        died = subprocess.run(command, capture_output=True, text=True, check=False)
        ends = [f"{moment} {signal.SIGKILL:d}" for moment in killed_erasure.BUCKET_MOMENTS]
        assert died.stdout.splitlines() == ends, died.stderr
        yield folder, url


def copied(folder: Path, url: str, name: str) -> None:
    """Make a copy of the template: of its objects, and of its home without copies of them."""
    shutil.copytree(folder / TEMPLATE, folder / name, ignore=shutil.ignore_patterns("remote"))
    store = from_url(url)
    for one in Objects(f"{url}/{TEMPLATE}").under():
        obstore.copy(store, f"{TEMPLATE}/{one.key}", f"{name}/{one.key}")


def counts(home: Home, layer: Layer) -> int:
    ((count,),) = home.query(layer, "SELECT count(*) FROM t")
    return int(count)


@pytest.mark.parametrize("moment", killed_erasure.BUCKET_MOMENTS)
def test_a_killed_erasure_is_finished_and_leaves_no_object_and_no_copy(
    killed: tuple[Path, str], monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    folder, url = killed
    monkeypatch.setenv("LAKEHOUSE_STORAGE", f"{url}/{moment}")
    objects = Objects(f"{url}/{moment}")
    assert holding(objects, folder / moment, SUBJECT) != []
    with open_home(folder / moment) as home:
        (done,) = ErasureDesk(home.instance, home.settings).resume()
        assert done.count == 1
        assert holding(objects, folder / moment, SUBJECT) == []
        assert (counts(home, Layer.RAW), counts(home, Layer.PUBLISHED)) == (9, 8)
        assert home.violations() == []
        assert home.settle() == []


def test_an_ingest_beside_an_erasure_loses_nothing_but_the_subject(
    killed: tuple[Path, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, url = killed
    monkeypatch.setenv("LAKEHOUSE_STORAGE", f"{url}/{LIVE}")
    command = [sys.executable, "-m", killed_erasure.__name__, str(folder / LIVE), "never"]
    with open_home(folder / LIVE) as home, subprocess.Popen(command) as erasing:
        for n in range(4):
            ingest(home, f"c{n}.csv", rows(3, first=21 + 10 * n))
        assert erasing.wait(60) == 0
        assert holding(Objects(f"{url}/{LIVE}"), folder / LIVE, SUBJECT) == []
        assert (counts(home, Layer.RAW), counts(home, Layer.PUBLISHED)) == (9 + 12, 8 + 12)
        assert home.violations() == []
