"""The calls of a new user, by curl alone, against `lakehouse up` on an empty home."""

import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lakehouse_pipeline.orchestration.graphql import ask
from lakehouse_pipeline.orchestration.parts import Stack
from lakehouse_pipeline.orchestration.processes import running
from lakehouse_pipeline.settings import Settings
from lakehouse_pipeline_tests.api.client import CSV, PUBLISHED, listens, until
from lakehouse_pipeline_tests.api.curl import curl, post

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed"),
]
GROUPS = "{ assetNodes { groupName } }"


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Yield an empty installation; nothing is left of it, no process and no port."""
    home = tmp_path_factory.mktemp("curl") / "home"
    with running(Settings(home=home, threads=1, memory_limit="500MB")) as stack:
        yield stack
    for url in (stack.url, stack.api_url):
        assert not listens(int(url.rpartition(":")[2]))


def test_the_calls_of_a_new_user_work_by_curl_alone(up: Stack, tmp_path: Path) -> None:
    api, file = up.api_url, tmp_path / "sales_2024_01.csv"
    file.write_bytes(CSV)
    post(f"{api}/datasets", {"name": "sales", "schema": {"id": "int", "amount": "float"}})
    post(f"{api}/contracts", {"dataset": "sales", "retention_days": 365})
    named = {"filename": file.name}
    assert post(f"{api}/upload-url", {"dataset": "sales", **named})["url"]
    url = post(f"{api}/datasets/sales/upload-url", named)["url"]
    curl("-T", str(file), url)
    replayed = post(f"{api}/replay", {"dataset": "sales"})
    assert replayed["status"] == "done"
    assert [batch["state"] for batch in replayed["batches"]] == ["published"]
    url = post(f"{api}/datasets/sales/download-url", named)["url"]
    assert curl(url) == PUBLISHED


def test_a_new_dataset_is_in_the_ui_and_its_first_upload_is_processed(
    up: Stack, tmp_path: Path
) -> None:
    api, file = up.api_url, tmp_path / "first.csv"
    file.write_bytes(CSV)
    started = [part.process.pid for part in up.parts]
    post(f"{api}/datasets", {"name": "fresh", "schema": {"id": "int", "amount": "float"}})
    registered = time.monotonic()
    until(lambda: {"groupName": "fresh"} in ask(up.url, GROUPS)["assetNodes"], 5)
    assert time.monotonic() - registered < 5
    url = post(f"{api}/datasets/fresh/upload-url", {"filename": file.name})["url"]
    curl("-T", str(file), url)

    def states() -> list[str]:
        items = json.loads(curl(f"{api}/datasets/fresh/batches"))["items"]
        return [batch["state"] for batch in items]

    until(lambda: states() == ["published"], 90)
    up.check()
    assert [part.process.pid for part in up.parts] == started
