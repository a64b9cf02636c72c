"""The object stores, started once for all tests of a run; each test has a prefix of its own."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from lakehouse_pipeline.lake.objects import Objects
from lakehouse_pipeline_tests.homes import Home, open_home
from lakehouse_pipeline_tests.storage.emulators import Emulator, azurite, fake_gcs, seaweedfs


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with seaweedfs(tmp_path_factory.mktemp("seaweedfs")) as started:
        yield started


@pytest.fixture(scope="session")
def azure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with azurite(tmp_path_factory.mktemp("azurite")) as started:
        yield started


@pytest.fixture(scope="session")
def gcs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with fake_gcs(tmp_path_factory.mktemp("gcs")) as started:
        yield started


@pytest.fixture(params=["s3", "azure"])
def objects(request: pytest.FixtureRequest) -> Iterator[Objects]:
    """A new prefix on each store that Delta can be written to, with its environment set."""
    emulator: Emulator = request.getfixturevalue(request.param)
    with emulator.configured():
        yield Objects(f"{emulator.url}/tests/{uuid.uuid4().hex}")


@pytest.fixture
def home(objects: Objects, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    """A home whose landing and lake are in a bucket."""
    monkeypatch.setenv("LAKEHOUSE_STORAGE", objects.url)
    with open_home(tmp_path / "home") as opened:
        yield opened
