import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import obstore
import pytest

from lakehouse_pipeline.lake.object_cache import ObjectCache
from lakehouse_pipeline.lake.object_signing import UnsignableNameError
from lakehouse_pipeline.lake.objects import ObjectInfo, Objects, StorageError
from lakehouse_pipeline_tests.storage.emulators import Emulator, request

pytestmark = [pytest.mark.storage, pytest.mark.slow]

BLOCK = {"x-ms-blob-type": "BlockBlob"}
MINUTE = timedelta(minutes=1)


def test_an_object_comes_back_as_it_was_written(objects: Objects, tmp_path: Path) -> None:
    source = tmp_path / "a.csv"
    source.write_bytes(b"x,y\n" * 3_000_000)  # in several parts
    objects.upload(source, "landing/orders/a.csv")
    (info,) = objects.under("landing")
    assert (info.key, info.name, info.size) == ("landing/orders/a.csv", "a.csv", 12_000_000)
    assert objects.head(info.key) == info
    copy = objects.download(info.key, tmp_path / "copies" / "b.csv")
    assert copy.read_bytes() == source.read_bytes()
    assert objects.folder("landing") == (["orders"], [])
    assert objects.folder("landing/orders") == ([], [info])
    objects.delete([info.key, info.key])
    assert objects.head(info.key) is None
    assert objects.under() == []


def test_an_object_that_is_not_there_leaves_no_file(objects: Objects, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        objects.download("none.csv", tmp_path / "none.csv")
    assert list(tmp_path.iterdir()) == []


def test_put_if_absent_writes_once(objects: Objects) -> None:
    assert objects.put_new("a", b"first")
    assert not objects.put_new("a", b"second")
    assert objects.get("a") == b"first"


def test_an_object_that_was_written_again_is_not_written_over(
    objects: Objects, tmp_path: Path
) -> None:
    file = tmp_path / "new.csv"
    file.write_bytes(b"rewritten")
    objects.put_new("a", b"first")
    (listed,) = objects.under()
    objects.delete(["a"])
    objects.put_new("a", b"other")
    assert not objects.upload_over(file, listed)
    assert objects.get("a") == b"other"
    (listed,) = objects.under()
    assert objects.upload_over(file, listed)
    assert objects.get("a") == b"rewritten"
    objects.delete(["a"])
    assert not objects.upload_over(file, listed)
    assert objects.under() == []


def test_an_object_that_is_written_again_at_that_moment_is_not_written_over(
    objects: Objects, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "new.csv"
    file.write_bytes(b"rewritten")
    objects.put_new("a", b"first")
    (listed,) = objects.under()
    head = Objects.head

    def overtaken(self: Objects, key: str) -> ObjectInfo | None:
        seen = head(self, key)
        objects.delete(["a"])
        objects.put_new("a", b"other")
        return seen

    monkeypatch.setattr(Objects, "head", overtaken)
    assert not objects.upload_over(file, listed)
    assert objects.get("a") == b"other"


def test_a_draft_that_an_erasure_took_away_is_downloaded_anew(
    objects: Objects, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    objects.put_new("a", b"holds a person")
    chunks = Objects._chunks

    def erasing(self: Objects, key: str) -> Iterator["obstore.Bytes"]:
        yield from chunks(self, key)
        monkeypatch.setattr(Objects, "_chunks", chunks)
        objects.delete(["a"])
        ObjectCache(tmp_path).forget("")

    monkeypatch.setattr(Objects, "_chunks", erasing)
    with pytest.raises(FileNotFoundError):
        ObjectCache(tmp_path).fetch(objects, "a")
    assert list(tmp_path.iterdir()) == []


def test_new_content_changes_what_an_object_is_known_by(objects: Objects) -> None:
    objects.put_new("a", b"1")
    first = objects.head("a")
    objects.delete(["a"])
    objects.put_new("a", b"2")
    second = objects.head("a")
    assert first is not None
    assert second is not None
    assert first.content != second.content


def test_a_signed_url_does_one_thing_with_one_object(objects: Objects) -> None:
    put, get = (objects.sign(method, "a/b.csv", MINUTE) for method in ("PUT", "GET"))
    assert request(put, "PUT", b"x,y\n", BLOCK)[0] in (200, 201)
    assert request(get) == (200, b"x,y\n")
    objects.put_new("other.csv", b"secret")
    assert request(put)[0] == 403
    assert request(get, "PUT", b"z", BLOCK)[0] == 403
    assert request(get, "DELETE")[0] == 403
    assert request(tampered(get))[0] == 403
    assert request(get.replace("a/b.csv", "other.csv"))[0] == 403
    assert objects.get("other.csv") == b"secret"


def tampered(url: str) -> str:
    """Return the URL with another signature."""
    name = "sig=" if "sig=" in url else "X-Amz-Signature="
    before, _, signature = url.partition(name)
    other = "B" if signature[0] == "A" else "A"
    if name != "sig=":
        other = "b" if signature[0] == "a" else "a"
    return f"{before}{name}{other}{signature[1:]}"


NAMES = ["a b.csv", "Umsätze Mai.csv", "a+b&c=d.csv", "it's (1).csv", "日本.csv", "[x]{y}|^.csv"]
ODD = ["100%.csv", "a%20b.csv", "a#b?.csv"]


@pytest.mark.parametrize("name", [*NAMES, *ODD])
def test_a_name_that_a_url_escapes_is_signed(objects: Objects, name: str) -> None:
    key = f"landing/orders/{name}"
    url = objects.sign("PUT", key, MINUTE)
    assert not set("[]{}|^ #") & set(url)
    assert request(url, "PUT", b"x", BLOCK)[0] in (200, 201)
    assert [one.key for one in objects.under("landing")] == [key]
    assert request(objects.sign("GET", key, MINUTE)) == (200, b"x")
    assert request(tampered(url), "PUT", b"y", BLOCK)[0] == 403
    assert request(objects.sign("GET", f"{key}.csv", MINUTE))[0] == 404


@pytest.mark.parametrize("name", NAMES[:3])
def test_google_signs_names_too(gcs: Emulator, name: str) -> None:
    with gcs.configured():
        objects = Objects(f"{gcs.url}/names")
        assert request(objects.sign("PUT", name, MINUTE), "PUT", b"x")[0] == 200
        assert objects.get(name) == b"x"
        objects.delete([name])


@pytest.mark.parametrize("name", ODD)
def test_google_is_not_given_a_url_of_another_object(gcs: Emulator, name: str) -> None:
    with gcs.configured(), pytest.raises(UnsignableNameError, match=r"on Google .*Rename the file"):
        Objects(f"{gcs.url}/names").sign("PUT", name, MINUTE)


def test_azure_needs_the_key_of_the_account_for_such_a_name(
    azure: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    with azure.configured():
        objects = Objects(f"{azure.url}/keyless")
        objects.under()  # opens the store with the key
        monkeypatch.delenv("AZURE_STORAGE_ACCOUNT_KEY")
        with pytest.raises(UnsignableNameError, match=r"'mai ü.csv': .* AZURE_STORAGE_ACCOUNT_KEY"):
            objects.sign("PUT", "landing/orders/mai ü.csv", MINUTE)
        assert "sig=" in objects.sign("PUT", "landing/orders/it's(1).csv", MINUTE)


def test_a_signed_url_expires(objects: Objects) -> None:
    objects.put_new("a.csv", b"x")
    url = objects.sign("GET", "a.csv", timedelta(seconds=1))
    deadline = time.monotonic() + 30
    while request(url)[0] != 403:
        assert time.monotonic() < deadline, "the URL still works"
        time.sleep(0.2)


def test_wrong_credentials_are_said_without_them(
    objects: Objects, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = "c2VjcmV0LXNlY3JldC1zZWNyZXQ="
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", key)
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", key)
    with pytest.raises(
        StorageError, match=r"cannot list the objects: .*Check LAKEHOUSE_STORAGE"
    ) as e:
        objects.below("wrong").under()
    assert key not in str(e.value)


def test_a_bucket_of_google_is_listed_read_and_written_by_signed_url(
    gcs: Emulator, tmp_path: Path
) -> None:
    with gcs.configured():
        objects = Objects(f"{gcs.url}/tests")
        put = objects.sign("PUT", "landing/orders/a.csv", MINUTE)
        assert request(put, "PUT", b"x,y\n")[0] == 200
        (info,) = objects.under("landing")
        assert (info.key, info.size) == ("landing/orders/a.csv", 4)
        assert objects.folder("landing") == (["orders"], [])
        assert objects.download(info.key, tmp_path / "a.csv").read_bytes() == b"x,y\n"
        assert request(objects.sign("GET", info.key, MINUTE)) == (200, b"x,y\n")
        objects.delete([info.key])
        assert objects.head(info.key) is None
