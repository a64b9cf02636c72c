"""The calls of a new user, by curl alone, against `lakehouse up` on each backend."""

import json
import shutil
import socket
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from lakehouse_pipeline.lake.objects import Objects
from lakehouse_pipeline.orchestration.instance import open_instance
from lakehouse_pipeline.orchestration.parts import Stack
from lakehouse_pipeline.orchestration.processes import running
from lakehouse_pipeline.orchestration.verification import verify_home
from lakehouse_pipeline.settings import Settings
from lakehouse_pipeline_tests.api.client import CSV, PUBLISHED, serving, until
from lakehouse_pipeline_tests.api.curl import curl, post
from lakehouse_pipeline_tests.storage.emulators import Emulator

pytestmark = [
    pytest.mark.storage,
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed"),
]
SCHEMA = {"id": "int", "amount": "float"}


@dataclass(frozen=True, slots=True)
class Client:
    """A user of the API at `api`, who has curl and files in `folder`."""

    stack: Stack
    settings: Settings
    folder: Path

    def post(self, path: str, body: object) -> Any:  # noqa: ANN401 JSON has no narrower type
        return post(f"{self.stack.api_url}{path}", body)

    def dataset(self, name: str) -> str:
        self.post("/datasets", {"name": name, "schema": SCHEMA})
        return name

    def upload_url(self, dataset: str, filename: str = "may.csv") -> dict[str, Any]:
        given: dict[str, Any] = self.post(f"/datasets/{dataset}/upload-url", {"filename": filename})
        return given

    def put(self, given: Mapping[str, Any], content: bytes, file: str = "body.csv") -> None:
        """Upload a file as the answer says: to its URL, with its headers."""
        path = self.folder / file
        path.write_bytes(content)
        headers = [part for pair in given["headers"].items() for part in ("-H", ": ".join(pair))]
        curl("-T", str(path), *headers, given["url"])

    def batches(self, dataset: str) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = json.loads(
            curl(f"{self.stack.api_url}/datasets/{dataset}/batches?limit=1000")
        )["items"]
        return items

    def published(self, dataset: str, count: int) -> list[dict[str, Any]]:
        """Return the batches when so many are published, and nothing else is there."""

        def settled() -> bool:
            self.stack.check()
            found = self.batches(dataset)
            return len(found) == count and {batch["state"] for batch in found} == {"published"}

        until(settled, 90)
        return self.batches(dataset)

    def events(self, dataset: str, kind: str) -> list[dict[str, Any]]:
        url = f"{self.stack.api_url}/events?dataset={dataset}&type={kind}&limit=1000"
        items: list[dict[str, Any]] = json.loads(curl(url))["items"]
        return items

    def violations(self) -> list[object]:
        with open_instance(self.settings) as instance:
            return list(verify_home(instance, self.settings).violations)


@pytest.fixture(scope="module", params=["local", "s3", "azure"])
def client(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Client]:
    folder, storage = tmp_path_factory.mktemp("curl"), ""
    with ExitStack() as opened:
        if request.param != "local":
            emulator: Emulator = request.getfixturevalue(request.param)
            opened.enter_context(emulator.configured())
            storage = f"{emulator.url}/curl"
        home = folder / "home"
        settings = Settings(home=home, storage=storage, threads=1, memory_limit="500MB")
        stack = opened.enter_context(running(settings))
        yield Client(stack, settings, folder)


@pytest.fixture
def on_bucket(client: Client) -> Client:
    if not client.settings.storage:
        pytest.skip("the same on a local folder is in api/test_signed_urls.py")
    return client


def test_the_calls_of_a_new_user_work_by_curl_alone(client: Client) -> None:
    client.post("/datasets", {"name": "sales", "schema": SCHEMA})
    client.post("/contracts", {"dataset": "sales", "retention_days": 365})
    named = {"filename": "sales_2024_01.csv"}
    assert client.post("/upload-url", {"dataset": "sales", **named})["url"]
    given = client.post("/datasets/sales/upload-url", named)
    assert given["method"] == "PUT"
    client.put(given, CSV, "sales_2024_01.csv")
    replayed = client.post("/replay", {"dataset": "sales"})
    assert replayed["status"] == "done"
    assert [batch["state"] for batch in replayed["batches"]] == ["published"]
    given = client.post("/datasets/sales/download-url", named)
    assert curl(given["url"]) == PUBLISHED
    assert curl("-r", "10-", given["url"]) == PUBLISHED[10:]
    assert given["bytes"] == len(PUBLISHED)
    assert client.violations() == []


def test_the_bytes_go_straight_to_the_bucket_and_are_noticed(on_bucket: Client) -> None:
    client = on_bucket
    client.dataset("noticed")
    given = client.upload_url("noticed", "Umsätze Mai.csv")
    at, api = urlsplit(given["url"]).netloc, urlsplit(client.stack.api_url).netloc
    assert at != api
    client.put(given, CSV)
    (batch,) = client.published("noticed", 1)
    assert batch["file"] == "Umsätze Mai.csv"
    wanted = {"filename": "Umsätze Mai.csv"}
    given = client.post("/datasets/noticed/download-url", wanted)
    assert urlsplit(given["url"]).netloc == at
    assert curl(given["url"]) == PUBLISHED
    again = client.post("/datasets/noticed/download-url", wanted)
    assert again["url"].partition("?")[0] == given["url"].partition("?")[0]
    objects = Objects(client.settings.storage)
    assert len(objects.under("exports/noticed")) == 1
    assert not list((client.settings.home / "landing").glob("*/*"))


def test_a_limit_of_bytes_is_not_promised_where_nobody_holds_to_it(on_bucket: Client) -> None:
    client = on_bucket
    client.dataset("unlimited")
    url = f"{client.stack.api_url}/datasets/unlimited/upload-url"
    body = json.dumps({"filename": "may.csv", "max_bytes": 10})
    kind = ("-H", "Content-Type: application/json")
    with pytest.raises(AssertionError, match="no object store binds a size"):
        curl("-X", "POST", url, *kind, "-d", body)
    assert client.upload_url("unlimited")["max_bytes"] is None


def test_of_an_upload_that_is_aborted_nothing_is_kept(client: Client) -> None:
    client.dataset("aborted")
    given = client.upload_url("aborted")
    target = urlsplit(given["url"])
    headers = {"Host": target.netloc, "Content-Length": "1000000"} | given["headers"]
    lines = [f"PUT {target.path}?{target.query} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    with socket.create_connection((target.hostname or "", target.port or 0)) as connection:
        connection.sendall("\r\n".join([*lines, "", CSV.decode()]).encode())
    client.put(given, CSV)
    (batch,) = client.published("aborted", 1)
    assert batch["records"] == 3
    assert client.violations() == []


def test_what_is_uploaded_again_is_there_once_and_other_content_beside_it(client: Client) -> None:
    client.dataset("repeated")
    given = client.upload_url("repeated")
    client.put(given, CSV)
    (first,) = client.published("repeated", 1)
    client.put(given, CSV)
    client.put(client.upload_url("repeated"), CSV)
    client.put(client.upload_url("repeated", "copy.csv"), CSV)
    client.put(client.upload_url("repeated"), CSV + b"4,4\n")
    found = client.published("repeated", 2)
    assert {batch["batch"] for batch in found} > {first["batch"]}
    assert sorted(batch["records"] for batch in found) == [3, 4]
    until(lambda: client.events("repeated", "DuplicateSkipped") != [])
    replayed = client.post("/replay", {"dataset": "repeated"})["batches"]
    assert sorted(batch["records"] for batch in replayed) == [3, 4]
    assert client.violations() == []


def test_of_two_clients_that_race_for_a_name_nothing_is_lost_or_doubled(client: Client) -> None:
    client.dataset("raced")
    bodies = [b"id,amount\n" + b"%d,1.5\n" % n * 20_000 for n in (1, 2)] * 2
    given = [client.upload_url("raced") for _ in bodies]
    files = [f"raced-{n}.csv" for n in range(len(bodies))]
    with ThreadPoolExecutor(len(bodies)) as pool:
        list(pool.map(client.put, given, bodies, files))
    found = client.published("raced", 2)
    assert [batch["records"] for batch in found] == [20_000, 20_000]
    url = client.post("/datasets/raced/download-url", {"all": True})["url"]
    lines = sorted(curl(url).splitlines())
    assert lines == sorted([b"1,1.5", b"2,1.5"] * 20_000 + [b"id,amount"])
    assert client.violations() == []


def test_of_64_uploads_at_once_none_is_lost(on_bucket: Client) -> None:
    client = on_bucket
    client.dataset("many")

    def upload(n: int) -> None:
        client.put(client.upload_url("many", f"{n}.csv"), b"id,amount\n%d,1\n" % n, f"{n}.csv")

    with ThreadPoolExecutor(64) as pool:
        list(pool.map(upload, range(64)))
    found = client.published("many", 64)
    assert [batch["published"] for batch in found] == [1] * 64
    url = client.post("/datasets/many/download-url", {"all": True})["url"]
    assert sorted(curl(url).split()[1:]) == sorted(b"%d,1.0" % n for n in range(64))
    assert len(client.events("many", "SignedUrlCreated")) == 65


def test_on_google_an_upload_reaches_the_bucket(gcs: Emulator, tmp_path: Path) -> None:
    """As far as the emulator goes: it takes no Delta tables, so nothing is published."""
    with gcs.configured(), pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAKEHOUSE_STORAGE", f"{gcs.url}/curl")
        with serving(tmp_path / "home") as api:
            api.dataset("sales")
            given = post(f"{api.url}/datasets/sales/upload-url", {"filename": "may.csv"})
            file = tmp_path / "may.csv"
            file.write_bytes(CSV)
            curl("-T", str(file), given["url"])
            assert given["headers"] == {}
        (found,) = Objects(f"{gcs.url}/curl").under("landing/sales")
        assert (found.name, found.size) == ("may.csv", len(CSV))
        Objects(f"{gcs.url}/curl").delete([found.key])
