import gzip
import http.client
import os
import signal
import socket
import stat
import string
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest

from lakehouse_pipeline.lake.uploads import sweep
from lakehouse_pipeline_tests.api.client import CSV, PUBLISHED, Api, serving, until


@pytest.fixture(scope="module")
def dataset(api: Api) -> str:
    return api.dataset("signed")


@pytest.fixture(scope="module")
def download(api: Api) -> str:
    """Return a URL of published data."""
    api.published(api.dataset("given"))
    return api.download_url("given", filename="may.csv")


def changed(url: str) -> str:
    """Return the URL with another letter in the middle of its token's claims."""
    head, _, token = url.partition("token=")
    kind, claims, signature = token.split(".")
    middle = len(claims) // 2
    other = "A" if claims[middle] != "A" else "B"
    return f"{head}token={kind}.{claims[:middle]}{other}{claims[middle + 1 :]}.{signature}"


def test_a_tampered_token_is_refused(api: Api, dataset: str) -> None:
    said = api.put(changed(api.upload_url(dataset)), CSV).problem(403)
    assert said == "this signed URL is not one of ours, or was changed. Ask for a new one."


def test_a_token_without_signature_is_refused(api: Api, dataset: str) -> None:
    url = api.upload_url(dataset)
    api.put(url[: url.rindex(".") + 1], CSV).problem(403)
    api.put(url.partition("?")[0], CSV).problem(403)


def test_the_token_of_another_object_is_refused(api: Api, dataset: str) -> None:
    url = api.upload_url(dataset, "a.csv")
    assert "another object" in api.put(url.replace("a.csv", "b.csv"), CSV).problem(403)
    api.put(url.replace(f"/{dataset}/", "/other/"), CSV).problem(403)


def test_a_signature_written_in_another_way_is_refused(api: Api, dataset: str) -> None:
    url = api.upload_url(dataset)
    alphabet = f"{string.ascii_uppercase}{string.ascii_lowercase}{string.digits}-_"
    same_bytes = alphabet[
        alphabet.index(url[-1]) ^ 1
    ]  # the last two bits of 43 characters are none
    for other in (f"{url}=", f"{url[:-1]}{same_bytes}"):
        assert "was changed" in api.put(other, CSV).problem(403)


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_an_upload_url_is_for_put_only(api: Api, dataset: str, method: str) -> None:
    said = api.call(method, api.upload_url(dataset)).problem(403)
    assert f"is not for {method}" in said


def test_a_download_url_is_for_get_only(api: Api, download: str) -> None:
    assert "is not for PUT" in api.put(download, CSV).problem(403)
    assert api.call("HEAD", download).status == 403


def test_a_part_of_a_file_is_not_taken_for_the_whole(api: Api, dataset: str) -> None:
    url = api.upload_url(dataset, "rest.csv")
    said = api.put(url, CSV[10:], Content_Range="bytes 10-24/25").problem(400)
    assert said == "a part of a file (Content-Range) is not taken. Nothing was kept; send it whole."
    assert not [name for name in api.landed(dataset) if "rest" in name]


def test_a_body_in_a_coding_that_is_not_undone_is_refused(api: Api, dataset: str) -> None:
    url = api.upload_url(dataset, "coded.csv")
    said = api.put(url, gzip.compress(CSV), Content_Encoding="gzip").problem(415)
    assert ".gz" in said
    assert not [name for name in api.landed(dataset) if "coded" in name]
    assert api.put(url, CSV, Content_Encoding="identity").status == 201


def test_an_expired_url_is_refused(api: Api, dataset: str) -> None:
    url = api.upload_url(dataset, "late.csv", expires_seconds=1)
    until(lambda: api.call("GET", url).json["detail"].startswith("this signed URL has expired"))
    assert "has expired" in api.put(url, CSV).problem(403)
    assert "late.csv" not in api.landed(dataset)


@pytest.mark.parametrize("name", ["a.exe", "a", "a.csv.zip", "a.csv.part"])
def test_a_name_that_is_not_csv_gets_no_url(api: Api, dataset: str, name: str) -> None:
    api.post(f"/datasets/{dataset}/upload-url", {"filename": name}).problem(415)


@pytest.mark.parametrize(
    "name", ["", "../a.csv", "a/b.csv", ".a.csv", "a\n.csv", "x" * 200 + ".csv"]
)
def test_a_name_that_no_file_can_have_gets_no_url(api: Api, dataset: str, name: str) -> None:
    api.post(f"/datasets/{dataset}/upload-url", {"filename": name}).problem(422)


@pytest.mark.parametrize("kind", ["application/json", "image/png", "application/pdf"])
def test_a_body_that_says_it_is_not_csv_is_refused(api: Api, dataset: str, kind: str) -> None:
    url = api.upload_url(dataset, "typed.csv")
    assert kind in api.put(url, CSV, Content_Type=kind).problem(415)
    assert "typed.csv" not in api.landed(dataset)


def test_a_length_above_the_limit_is_refused_before_the_body(api: Api, dataset: str) -> None:
    url = api.upload_url(dataset, "large.csv", max_bytes=100)
    connection = http.client.HTTPConnection(urlsplit(api.url).netloc, timeout=20)
    connection.putrequest("PUT", url.removeprefix(api.url))
    connection.putheader("Content-Length", "101")
    connection.endheaders()
    answer = connection.getresponse()
    assert (answer.status, b"100 bytes" in answer.read()) == (413, True)
    connection.close()
    assert not [name for name in api.landed(dataset) if "large" in name]


def test_a_body_without_length_above_the_limit_is_not_kept(api: Api, dataset: str) -> None:
    url = api.upload_url(dataset, "chunked.csv", max_bytes=100)

    def pieces() -> Iterator[bytes]:
        yield b"id,amount\n"
        yield b"1,2.5\n" * 20

    assert "Nothing was kept" in api.put(url, pieces()).problem(413)
    assert not [name for name in api.landed(dataset) if "chunked" in name]


def test_no_url_allows_more_than_the_installation(api: Api, dataset: str) -> None:
    body = {"filename": "a.csv", "max_bytes": 2**60}
    answer = api.post(f"/datasets/{dataset}/upload-url", body)
    assert answer.json["max_bytes"] == 5 * 2**30


def test_the_memory_of_the_api_does_not_grow_with_an_upload(api: Api, dataset: str) -> None:
    process, piece = psutil.Process(api.pid), b"1,2.5\n" * 2**17
    url = api.upload_url(dataset, "grows.csv.gz")
    before = process.memory_info().rss
    held = []

    def pieces() -> Iterator[bytes]:
        for _ in range(300):
            held.append(process.memory_info().rss)
            yield piece

    landed = api.put(url, pieces())
    assert (landed.status, landed.json["bytes"]) == (201, 300 * len(piece))
    assert max(held) - before < 64 * 2**20
    (api.home / "landing" / dataset / "grows.csv.gz").unlink()


@contextmanager
def half_sent(url: str) -> Iterator[None]:
    """Send the beginning of a file and wait for the block to end; then the client goes."""
    target = urlsplit(url)
    with socket.create_connection((target.hostname or "", target.port or 0)) as connection:
        head = f"PUT {target.path}?{target.query} HTTP/1.1\r\nHost: {target.netloc}\r\n"
        connection.sendall(f"{head}Content-Length: 1000000\r\n\r\nid,amount\n1,2\n".encode())
        yield


def test_of_a_client_that_goes_in_the_middle_nothing_is_kept(api: Api, dataset: str) -> None:
    with half_sent(api.upload_url(dataset, "gone.csv")):
        until(lambda: any("gone" in name for name in api.landed(dataset)))
    until(lambda: not any("gone" in name for name in api.landed(dataset)))


@pytest.mark.slow
def test_of_an_upload_under_way_at_kill_9_nothing_is_kept(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with serving(home) as api:
        url = api.upload_url(api.dataset("killed"))
        with half_sent(url):
            until(lambda: api.landed("killed") != [])
            os.kill(api.pid, signal.SIGKILL)
        assert [name.endswith(".part") for name in api.landed("killed")] == [True]
    with serving(home) as again:
        assert again.landed("killed") == []
        assert again.put(url.replace(api.url, again.url), CSV).status == 201
        assert again.landed("killed") == ["may.csv"]


def test_the_same_file_again_stands_there_once(api: Api) -> None:
    dataset = api.dataset("again")
    first = api.put(api.upload_url(dataset), CSV)
    second = api.put(api.upload_url(dataset), CSV)
    assert (first.status, second.status) == (201, 200)
    assert first.json == second.json
    assert api.landed(dataset) == ["may.csv"]


def test_of_two_clients_that_race_for_a_name_nothing_is_lost_or_doubled(api: Api) -> None:
    dataset = api.dataset("raced")
    bodies = [b"id,amount\n" + b"%d,1.5\n" % n * 50_000 for n in (1, 2)] * 3
    urls = [api.upload_url(dataset) for _ in bodies]
    with ThreadPoolExecutor(len(bodies)) as pool:
        answers = list(pool.map(api.put, urls, bodies))
    assert sorted(answer.status for answer in answers) == [200, 200, 200, 200, 201, 201]
    assert len({answer.json["batch_id"] for answer in answers}) == 2
    folder = api.home / "landing" / dataset
    assert sorted(path.read_bytes() for path in folder.iterdir()) == sorted(bodies[:2])
    states = api.post("/replay", {"dataset": dataset}).json["batches"]
    assert [state["records"] for state in states] == [50_000, 50_000]


def test_of_64_uploads_at_once_none_is_lost(api: Api) -> None:
    dataset = api.dataset("many")
    bodies = [b"id,amount\n%d,1\n" % n for n in range(64)]
    urls = [api.upload_url(dataset, f"{n}.csv") for n in range(64)]
    with ThreadPoolExecutor(64) as pool:
        assert {a.status for a in pool.map(api.put, urls, bodies)} == {201}
    assert len(api.landed(dataset)) == 64
    told = [event["type"] for event in api.events(dataset)]
    assert told.count("AppendIngestionRequested") == 64
    batches = api.post("/replay", {"dataset": dataset}).json["batches"]
    assert [batch["published"] for batch in batches] == [1] * 64


def test_a_replay_leaves_a_file_that_is_still_being_written(api: Api) -> None:
    api.published(api.dataset("growing"))
    file = api.home / "landing" / "growing" / "slow.csv"
    with file.open("wb") as half:
        half.write(b"id,amount\n1,1\n")
        half.flush()
        during = api.post("/replay", {"dataset": "growing"}).json["batches"]
        assert [batch["file"] for batch in during] == ["may.csv"]
        half.write(b"2,1\n")
    after = api.post("/replay", {"dataset": "growing"}).json["batches"]
    assert [batch["records"] for batch in after] == [3, 2]


def test_a_replay_leaves_copies_to_the_sensor(api: Api) -> None:
    dataset = api.dataset("copied")
    api.published(dataset)
    api.put(api.upload_url(dataset, "copy.csv"), CSV)
    assert len(api.post("/replay", {"dataset": dataset}).json["batches"]) == 1


def test_a_download_can_be_continued(api: Api, download: str) -> None:
    whole = api.get(download)
    assert (whole.status, whole.body) == (200, PUBLISHED)
    part = api.get(download, Range="bytes=10-")
    assert (part.status, part.body) == (206, PUBLISHED[10:])
    etag = whole.headers["etag"]
    assert api.get(download, Range="bytes=10-", If_Range=etag).status == 206
    assert api.get(download, Range="bytes=10-", If_Range='"other"').body == PUBLISHED


@pytest.mark.parametrize("asked", ["lines=1-2", "", "=0-1"])
def test_a_range_in_other_units_is_left_out_of_account(api: Api, download: str, asked: str) -> None:
    answer = api.get(download, Range=asked)
    assert (answer.status, answer.body) == (200, PUBLISHED)


@pytest.mark.parametrize("asked", ["bytes=9999-", "bytes=-0", "bytes=5-2", "bytes=a-b", "bytes"])
def test_a_part_that_is_not_there_says_how_long_the_object_is(
    api: Api, download: str, asked: str
) -> None:
    answer = api.get(download, Range=asked)
    assert f"has {len(PUBLISHED)} bytes" in answer.problem(416)
    assert answer.headers["content-range"] == f"bytes */{len(PUBLISHED)}"


def test_a_download_that_is_known_is_not_sent_again(api: Api, download: str) -> None:
    etag = api.get(download).headers["etag"]
    known = api.get(download, If_None_Match=etag)
    assert (known.status, known.body) == (304, b"")
    assert api.get(download, If_None_Match='"other"').body == PUBLISHED


def test_an_export_is_made_once_per_version(api: Api) -> None:
    dataset = api.dataset("exported")
    batch = api.published(dataset)
    urls = [api.download_url(dataset, **wanted) for wanted in ({"batch_id": batch},) * 2]
    assert urls[0].partition("?")[0] == urls[1].partition("?")[0]
    api.published(dataset, b"id,amount\n4,1\n", "november.csv")
    assert api.get(api.download_url(dataset, all=True)).body == PUBLISHED + b"4,1.0\n"


def test_every_act_is_on_record_before_the_answer(api: Api) -> None:
    dataset = api.dataset("recorded")
    api.put(api.upload_url(dataset), CSV)
    assert [event["type"] for event in api.events(dataset)][-2:] == [
        "SignedUrlCreated",
        "AppendIngestionRequested",
    ]
    api.post("/replay", {"dataset": dataset, "by": "Rita"})
    api.get(api.download_url(dataset, all=True, by="Carl"))
    told = [(event["type"], event["actor"]) for event in api.events(dataset)]
    assert told[-2:] == [("SignedUrlCreated", "Carl"), ("DataConsumed", "api")]


def test_no_token_and_no_secret_reaches_a_log_or_the_records(api: Api, dataset: str) -> None:
    tokens = [api.upload_url(dataset, f"{n}.csv").partition("token=")[2] for n in range(2)]
    api.put(changed(api.upload_url(dataset)), CSV)
    secret = (api.home / "keys" / "signing.key").read_text()
    written = [api.log, *(p for p in (api.home / "dagster").rglob("*") if p.is_file())]
    for path in written:
        content = path.read_bytes()
        assert not any(token.encode() in content for token in tokens), path
        assert secret.encode() not in content, path


def test_the_secret_is_for_its_owner_only(api: Api) -> None:
    mode = (api.home / "keys" / "signing.key").stat().st_mode
    assert stat.S_IMODE(mode) == 0o600


def test_what_a_killed_upload_left_behind_is_swept(tmp_path: Path) -> None:
    folder = tmp_path / "sales"
    folder.mkdir()
    left = folder / ".may.csv.0123456789ab.part"
    others = [folder / ".june.csv.part", folder / "july.csv"]
    for path in (left, *others):
        path.write_text("id\n")
    assert sweep(tmp_path) == 1
    assert sorted(folder.iterdir()) == sorted(others)
