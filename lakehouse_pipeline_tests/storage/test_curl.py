"""The calls of a new user, by curl alone, against `lakehouse up` on each backend."""

import json
import re
import shutil
import socket
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from lakehouse_pipeline.lake.objects import Objects
from lakehouse_pipeline.orchestration.batches import active_datasets
from lakehouse_pipeline.orchestration.instance import open_instance
from lakehouse_pipeline.orchestration.parts import Stack
from lakehouse_pipeline.orchestration.processes import running
from lakehouse_pipeline.orchestration.verification import verify_home
from lakehouse_pipeline.settings import Settings
from lakehouse_pipeline_tests.api.client import CSV, PUBLISHED, serving, until
from lakehouse_pipeline_tests.api.curl import curl, post
from lakehouse_pipeline_tests.erasures import SUBJECT, erasing_contract
from lakehouse_pipeline_tests.homes import rows
from lakehouse_pipeline_tests.storage.emulators import Emulator, request
from lakehouse_pipeline_tests.storage.every_byte import holding

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
        """Verify while no run is on: a replay and the sensor may both have taken a file."""
        with open_instance(self.settings) as instance:
            while True:
                until(lambda: not active_datasets(instance), 90)
                runs = instance.get_runs_count()
                found: list[object] = [*verify_home(instance, self.settings).violations]
                if instance.get_runs_count() == runs:
                    return found


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


def test_an_object_that_lies_in_the_bucket_is_appended(on_bucket: Client) -> None:
    client = on_bucket
    client.dataset("appended")
    objects = Objects(client.settings.storage)
    key = "incoming/Umsätze Mai.csv"
    objects.put_new(key, CSV)
    path = "/datasets/appended/append"
    done = client.post(path, {"object": key, "by": "Ann", "why": "the monthly load"})
    assert (done["filename"], done["bytes"], done["duplicate"]) == (
        "Umsätze Mai.csv",
        len(CSV),
        False,
    )
    (batch,) = client.published("appended", 1)
    assert (batch["batch"], batch["file"]) == (done["batch_id"], "Umsätze Mai.csv")
    assert objects.get(key) == CSV
    assert not list((client.settings.home / "tmp").rglob("*.csv"))  # the copy that was read
    (told,) = client.events("appended", "AppendIngestionRequested")
    assert (told["actor"], told["facts"]["object"]) == ("Ann", key)
    again = client.post(path, {"object": key})
    assert (again["duplicate"], again["batch_id"]) == (True, batch["batch"])
    (skipped,) = client.events("appended", "DuplicateSkipped")
    assert skipped["facts"]["object"] == key
    other = b"id,amount\n9,9\n"
    objects.put_new("elsewhere/Umsätze Mai.csv", other)
    client.post(path, {"object": "elsewhere/Umsätze Mai.csv"})
    assert sorted(batch["records"] for batch in client.published("appended", 2)) == [1, 3]
    assert client.violations() == []


def test_a_person_is_erased_from_the_bucket_by_one_call(on_bucket: Client) -> None:
    client = on_bucket
    contract, api = client.folder / "erased.yaml", client.stack.api_url
    contract.write_text(erasing_contract(dataset="erased"))
    yaml = ("-H", "Content-Type: application/yaml", "--data-binary", f"@{contract}")
    curl("-X", "POST", *yaml, f"{api}/contracts?by=sam&why=new")
    step = {"version": "1.0.0", "by": "ada", "why": "read"}
    client.post("/datasets/erased/contracts/approve", step)
    client.put(client.upload_url("erased"), rows(6, broken=1).encode())
    (batch,) = client.published("erased", 1)
    given = client.post("/datasets/erased/download-url", {"filename": "may.csv"})
    objects = Objects(client.settings.storage)
    assert holding(objects, client.settings.home, SUBJECT) != []
    asked = {"subject": SUBJECT, "dataset": "erased", "by": "ada", "why": "letter 7"}
    done = client.post("/erasures", asked)
    assert (done["state"], done["records"]) == ("done", {"erased": {batch["batch"]: [3]}})
    assert holding(objects, client.settings.home, SUBJECT) == []
    gone = {file["place"] for file in done["files_before"] if file["url"]}
    assert gone == {"landing", "raw", "validated", "anonymized", "published", "exports"}
    assert "a lifecycle rule of the bucket must end them" in done["beyond_reach"]
    assert request(given["url"])[0] == 404
    assert client.violations() == []


def test_an_object_in_its_own_landing_folder_is_not_copied(on_bucket: Client) -> None:
    client = on_bucket
    client.dataset("in_place")
    objects = Objects(client.settings.storage)
    objects.put_new("landing/in_place/june.csv", CSV)
    client.post("/datasets/in_place/append", {"object": "landing/in_place/june.csv"})
    client.published("in_place", 1)
    assert [found.name for found in objects.under("landing/in_place")] == ["june.csv"]
    given = client.upload_url("in_place", "july.csv")
    client.put(given, CSV + b"8,8\n")
    signed = [found.key for found in objects.under("landing/in_place/_signed")]
    client.post("/datasets/in_place/append", {"object": signed[0]})
    assert len(client.published("in_place", 2)) == 2


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("incoming/none.csv", "the store has no such file"),
        ("landing/others/theirs.csv", "for another dataset"),
        ("lake/others/raw/a.csv", "no file that was delivered"),
        ("incoming/../lake/a.csv", "goes up"),
        ("incoming/a.parquet", "no CSV file"),
    ],
)
def test_what_may_not_be_appended_from_a_bucket_is_refused(
    on_bucket: Client, key: str, said: str
) -> None:
    client = on_bucket
    with suppress(AssertionError):  # they are there from the test before
        client.dataset("others")
        client.dataset("chosen")
        Objects(client.settings.storage).put_new("landing/others/theirs.csv", CSV)
    with pytest.raises(AssertionError, match=said):
        client.post("/datasets/chosen/append", {"object": key})
    assert client.batches("chosen") == []


WORKER = re.compile(r"```python\n(# A worker.*?)```", re.DOTALL)
NOTIFICATIONS: Mapping[str, Callable[[str], object]] = {
    "s3": lambda key: {"Records": [{"s3": {"bucket": {"name": "b"}, "object": {"key": key}}}]},
    "azure": lambda key: {"subject": f"/blobServices/default/containers/c/blobs/{key}"},
    "gcs": lambda key: {"attributes": {"eventType": "OBJECT_FINALIZE", "objectId": key}},
}
"""What the stores put into the queue, as far as the worker of docs/storage.md reads it."""


@pytest.mark.parametrize("store", ["s3", "azure"])
def test_the_worker_of_the_docs_takes_in_what_a_message_names(
    request: pytest.FixtureRequest, tmp_path: Path, store: str
) -> None:
    emulator: Emulator = request.getfixturevalue(store)
    (worker,) = WORKER.findall(Path("docs/storage.md").read_text("utf-8"))
    with emulator.configured(), pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAKEHOUSE_STORAGE", f"{emulator.url}/worker-{tmp_path.name}")
        with serving(tmp_path / "home") as api:  # without a sensor
            api.dataset("sales")
            objects = Objects(f"{emulator.url}/worker-{tmp_path.name}")
            names: dict[str, Any] = {}
            exec(worker.replace("http://127.0.0.1:33249", api.url), names)  # noqa: S102 - our own page
            key = f"worker-{tmp_path.name}/landing/sales/Ums%C3%A4tze+Mai.csv"
            if store == "s3":
                objects.put_new("landing/sales/Umsätze Mai.csv", CSV)
            else:
                key = key.replace("%C3%A4", "ä").replace("+", " ")
                objects.put_new("landing/sales/Umsätze Mai.csv", CSV)
            message = NOTIFICATIONS[store](key)
            for _ in range(2):
                names["take"](message)
                (batch,) = api.get("/datasets/sales/batches").json["items"]
                assert (batch["state"], batch["published"]) == ("published", 2)
                assert batch["file"] == "Umsätze Mai.csv"
            given = api.post("/datasets/sales/upload-url", {"filename": "june.csv"}).json
            file = tmp_path / "june.csv"
            file.write_bytes(b"id,amount\n5,5\n")
            headers = [
                part for pair in given["headers"].items() for part in ("-H", ": ".join(pair))
            ]
            curl("-T", str(file), *headers, given["url"])
            (signed,) = objects.under("landing/sales/_signed")
            names["take"](NOTIFICATIONS[store](f"worker-{tmp_path.name}/{signed.key}"))
            assert len(api.get("/datasets/sales/batches").json["items"]) == 2
            for other in ("exports/sales/landing/x.csv", "landing/loose.csv"):
                assert names["dataset_of"](NOTIFICATIONS[store](other)) is None


@pytest.mark.parametrize("store", NOTIFICATIONS)
def test_the_worker_of_the_docs_reads_the_messages_of_every_store(store: str) -> None:
    (worker,) = WORKER.findall(Path("docs/storage.md").read_text("utf-8"))
    names: dict[str, Any] = {}
    exec(worker, names)  # noqa: S102 - our own page
    message = NOTIFICATIONS[store]("prod/landing/sales/may.csv")
    assert names["dataset_of"](message) == "sales"
    assert names["dataset_of"](NOTIFICATIONS[store]("landing/sales/_signed/0/may.csv")) == "sales"


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
