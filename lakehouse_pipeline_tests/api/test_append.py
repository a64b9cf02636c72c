import os
from pathlib import Path

import pytest

from lakehouse_pipeline_tests.api.client import CSV, PUBLISHED, Answer, Api


def _lies(api: Api, key: str, content: bytes = CSV) -> Path:
    path = api.home / key
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def _append(api: Api, dataset: str, key: str, **more: object) -> Answer:
    return api.post(f"/datasets/{dataset}/append", {"object": key, **more})


def test_a_file_that_lies_in_the_store_becomes_a_batch(api: Api) -> None:
    api.dataset("appended")
    stays = _lies(api, "landing/incoming/april.csv")
    done = _append(api, "appended", "landing/incoming/april.csv", by="Ann", why="the monthly load")
    assert (done.status, done.json["filename"], done.json["bytes"]) == (202, "april.csv", len(CSV))
    assert stays.read_bytes() == CSV
    asked = api.events("appended")[-1]
    assert (asked["type"], asked["actor"]) == ("AppendIngestionRequested", "Ann")
    assert asked["facts"]["object"] == "landing/incoming/april.csv"
    (batch,) = api.post("/replay", {"dataset": "appended"}).json["batches"]
    assert (batch["batch"], batch["state"]) == (done.json["batch_id"], "published")
    assert api.get(api.download_url("appended", all=True)).body == PUBLISHED


def test_content_that_is_a_batch_already_is_skipped(api: Api) -> None:
    batch = api.published(api.dataset("appended_twice"))
    _lies(api, "landing/incoming/again.csv")
    done = _append(api, "appended_twice", "landing/incoming/again.csv")
    assert (done.status, done.json["duplicate"], done.json["batch_id"]) == (200, True, batch)
    assert api.landed("appended_twice") == ["may.csv"]
    assert api.events("appended_twice")[-1]["type"] == "DuplicateSkipped"


def test_a_file_in_its_own_landing_folder_is_not_copied(api: Api) -> None:
    api.dataset("in_place")
    _lies(api, "landing/in_place/june.csv")
    assert _append(api, "in_place", "landing/in_place/june.csv").status == 202
    assert api.landed("in_place") == ["june.csv"]


@pytest.mark.parametrize(
    ("key", "status", "said"),
    [
        ("/etc/hosts.csv", 422, "begins at a root"),
        ("landing/../keys/secret.csv", 422, "goes up"),
        ("../outside.csv", 422, "goes up"),
        ("landing/.hidden/a.csv", 422, "hidden"),
        ("landing//a.csv", 422, "empty part"),
        ("keys/secret.csv", 422, "no file that was delivered"),
        ("lake/sales/raw/a.csv", 422, "no file that was delivered"),
        ("landing/others/theirs.csv", 422, "for another dataset"),
        ("landing/link.csv", 422, "a link that leads out"),
        ("landing/inner_link.csv", 422, "for another dataset"),
        ("landing/a\u0000b.csv", 422, "a character that no key has"),
        ("landing/incoming/none.csv", 404, "no such file"),
        ("landing/incoming", 415, "no CSV file"),
        ("landing/folder.csv", 404, "no such file"),
        ("landing/busy.csv", 409, "is being written"),
    ],
)
def test_what_may_not_be_appended_is_refused(
    api: Api, tmp_path: Path, key: str, status: int, said: str
) -> None:
    for name in ("chosen", "others"):
        api.post("/datasets", {"name": name, "schema": {"id": "int"}})
    _lies(api, "keys/secret.csv")
    theirs = _lies(api, "landing/others/theirs.csv")
    (tmp_path / "outside.csv").write_bytes(CSV)
    for name, target in (("link", tmp_path / "outside.csv"), ("inner_link", theirs)):
        link = api.home / "landing" / f"{name}.csv"
        link.unlink(missing_ok=True)
        link.symlink_to(target)
    (api.home / "landing" / "folder.csv").mkdir(exist_ok=True)
    with (api.home / "landing" / "busy.csv").open("ab") as open_for_writing:
        os.write(open_for_writing.fileno(), CSV)
        assert said in _append(api, "chosen", key).problem(status)
    assert api.landed("chosen") == []


def test_a_deprecated_dataset_and_one_that_is_unknown_take_nothing(api: Api) -> None:
    _append(api, "nobody", "landing/incoming/april.csv").problem(404)
    api.dataset("closed_append")
    api.post("/datasets/closed_append/contracts/deprecate", {"by": "Sam", "why": "replaced"})
    _append(api, "closed_append", "landing/incoming/april.csv").problem(409)
