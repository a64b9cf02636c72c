"""Erasures over HTTP: a person's records go, the value of the subject is left nowhere."""

import asyncio
import errno
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import Response

from lakehouse_pipeline.api import erasures
from lakehouse_pipeline.lake.byte_search import search
from lakehouse_pipeline.lake.contract_store import ContractStore
from lakehouse_pipeline.lake.tables import Tables
from lakehouse_pipeline.orchestration.erasure import ErasureDesk
from lakehouse_pipeline.orchestration.office import Office
from lakehouse_pipeline.pipeline.erase import Erasing
from lakehouse_pipeline_tests.api.client import Api, serving
from lakehouse_pipeline_tests.erasures import SUBJECT, erasing_contract
from lakehouse_pipeline_tests.homes import DATASET, Home, open_home, rows

ASKED = {"subject": SUBJECT, "dataset": DATASET, "by": "ada", "why": "letter 7 of November"}


def _governed(api: Api, dataset: str = DATASET) -> str:
    """Register a dataset whose contract names subjects, and return it."""
    kind = {"Content-Type": "application/yaml"}
    text = erasing_contract(dataset=dataset).encode()
    assert api.call("POST", "/contracts?by=sam&why=new", text, kind).status == 201
    step = {"version": "1.0.0", "by": "ada", "why": "read"}
    approved = api.post(f"/datasets/{dataset}/contracts/approve", step)
    assert approved.status == 200, approved
    return dataset


def _left(home: Path) -> list[str]:
    searched = search([home.parent], SUBJECT)
    assert searched.unreadable == ()
    return [str(one.path) for one in searched.found]


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Api]:
    """Yield an API of a home of its own: these tests look at every byte of it."""
    with serving(tmp_path / "home") as running:
        yield running


def test_an_erased_subject_is_left_in_no_file_and_has_a_certificate(own: Api) -> None:
    batch = own.published(_governed(own), rows(6, broken=1).encode())
    assert _left(own.home) != []
    done = own.post("/erasures", ASKED, Idempotency_Key=f"{SUBJECT} wants to go")
    assert (done.status, done.json["state"], done.json["count"]) == (200, "done", 1)
    assert done.json["records"] == {DATASET: {batch: [3]}}
    assert (done.json["by"], done.json["why"]) == ("ada", ASKED["why"])
    assert done.json["files_before"]
    assert _left(own.home) == []  # of the answers that are kept for their keys, too
    kept = (own.home / "api" / "answers.sqlite").read_bytes()
    plain = hashlib.sha256(b"\n" + json.dumps(ASKED).encode()).hexdigest()
    assert (b"/erasures" in kept, plain.encode() in kept) == (True, False)  # nobody can guess it
    assert SUBJECT not in f"{done.body!r}{done.headers}{own.log.read_text()}"
    again = own.post("/erasures", ASKED, Idempotency_Key=f"{SUBJECT} wants to go")
    assert (again.body, again.headers["idempotent-replayed"]) == (done.body, "true")
    shown = own.get(f"/erasures/{done.json['id']}")
    assert shown.json == done.json
    listed = own.get("/erasures").json
    assert (listed["total"], listed["next_offset"]) == (1, None)
    (item,) = listed["items"]
    assert (item["id"], item["count"]) == (done.json["id"], 1)
    assert item.keys().isdisjoint({"records", "files_before", "files_after"})
    told = [event for event in own.events(DATASET) if "Erasure" in event["type"]]
    assert [(event["type"], event["actor"]) for event in told] == [
        ("ErasureRequested", "ada"),
        ("ErasureCompleted", "ada"),
    ]


def test_what_is_wrong_with_a_request_is_said_without_the_subject(own: Api) -> None:
    _governed(own)
    own.dataset("nameless")
    wrong = [
        (ASKED | {"dataset": "nameless"}, 422, "marks a column with 'subject: true'"),
        (ASKED | {"dataset": "order"}, 404, "Did you mean 'orders'?"),
        (ASKED | {"all": True}, 422, "not both"),
        (ASKED | {"dataset": None}, 422, "give 'dataset' or 'all'"),
        (ASKED | {"why": " "}, 422, "'why' is empty"),
        (ASKED | {"why": f"{SUBJECT.upper()} wrote"}, 422, "has the subject's value in it"),
        (ASKED | {"by": SUBJECT}, 422, "has the subject's value in it"),
        (ASKED | {"subject": "  "}, 422, "the subject is empty"),
        (ASKED | {"subject": ""}, 422, "body.subject"),
        (ASKED | {"subject": [SUBJECT]}, 422, "body.subject"),
        (ASKED | {"subject": SUBJECT * 100}, 422, "body.subject"),
        (ASKED | {"person": SUBJECT}, 422, "body.person"),
    ]
    for body, status, said in wrong:
        answer = own.post("/erasures", body)
        assert said in answer.problem(status)
        assert SUBJECT not in answer.body.decode().casefold()
    broken = json.dumps(ASKED)[:-1].encode()
    cut = own.call("POST", "/erasures", broken, {"Content-Type": "application/json"})
    assert SUBJECT not in cut.body.decode()
    assert cut.status == 422
    assert own.get("/erasures").json["items"] == []
    assert _left(own.home) == []
    own.get("/erasures/20261125-00000000").problem(404)


def test_an_erasure_of_all_is_for_who_is_bound_to_none_and_shows_each_their_own(own: Api) -> None:
    for dataset in (DATASET, "returns"):
        batch = own.published(_governed(own, dataset), rows(4).encode(), f"{dataset}.csv")
    olga = own.given("Olga", "owner")
    everywhere = {"subject": SUBJECT, "all": True, "why": "letter 7"}
    sam = own.given("Sam", "steward", "returns")
    assert "not for 'all datasets'" in sam.post("/erasures", everywhere).problem(403)
    sam.post("/erasures", everywhere | {"all": False, "dataset": DATASET}).problem(403)
    assert "'by' names somebody else" in olga.post("/erasures", ASKED).problem(403)
    done = olga.post("/erasures", everywhere).json
    assert (done["by"], done["all"], done["dataset"]) == ("Olga", True, None)
    assert set(done["records"]) == {DATASET, "returns"}
    seen = sam.get(f"/erasures/{done['id']}").json
    assert (seen["records"], seen["searched"]) == ({"returns": {batch: [3]}}, ["returns"])
    assert {file["dataset"] for file in seen["files_before"] + seen["files_after"]} == {"returns"}
    one = {"subject": "p2@example.org", "dataset": DATASET, "why": "letter 8"}
    other = olga.post("/erasures", one).json["id"]
    sam.get(f"/erasures/{other}").problem(403)
    assert [item["id"] for item in sam.get("/erasures").json["items"]] == [done["id"]]
    listed = olga.get(f"/erasures?dataset={DATASET}&limit=1").json
    assert (listed["total"], listed["next_offset"]) == (2, 1)


def test_the_reference_shows_the_subject_as_a_secret_that_has_no_example(own: Api) -> None:
    schemas = own.get("/openapi.json").json["components"]["schemas"]
    subject = schemas["ErasureCall"]["properties"]["subject"]
    assert (subject["format"], subject["writeOnly"]) == ("password", True)
    assert subject.keys().isdisjoint({"example", "examples", "default"})


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with open_home(tmp_path / "home", erasing_contract()) as opened:
        opened.drop("may.csv", rows(4))
        opened.settle()
        yield opened


def test_an_erasure_that_takes_longer_answers_that_it_runs(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(erasures, "WAIT_SECONDS", 0.1)
    store = ContractStore(home.settings.contracts)
    office, erasers = Office(home.settings, home.instance, store), erasures.Erasers()
    answer, call = Response(), erasures.ErasureCall.model_validate(ASKED)
    with Tables(home.settings.lake).lock(DATASET):  # as an ingest beside it holds it
        said = asyncio.run(erasures.create(call, answer, office, erasers))
        assert (answer.status_code, said["state"], said["completed"]) == (202, "running", None)
    erasers.pool.shutdown()
    done = erasures.read(said["id"], office, erasers)
    assert (done["state"], done["count"]) == ("done", 1)


def test_an_erasure_that_was_cut_off_is_open_and_the_log_says_why(
    home: Home, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    store = ContractStore(home.settings.contracts)
    office, erasers = Office(home.settings, home.instance, store), erasures.Erasers()
    answer, call = Response(), erasures.ErasureCall.model_validate(ASKED)
    with monkeypatch.context() as patch:
        patch.setattr(Erasing, "run", _no_space)
        said = asyncio.run(erasures.create(call, answer, office, erasers))
    assert (answer.status_code, said["state"]) == (202, "open")
    assert f"erasure {said['id']} is still open" in caplog.text
    assert SUBJECT not in caplog.text
    (done,) = ErasureDesk(home.instance, home.settings).resume()
    assert erasures.read(said["id"], office, erasers)["state"] == "done"
    assert done.count == 1
    erasers.pool.shutdown()


def _no_space(_: Erasing) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")
