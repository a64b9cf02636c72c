"""The pages of the portal as they are read, without a script: what stands there, and how safely."""

import re
from html.parser import HTMLParser
from typing import Any

import pytest
from starlette.requests import Request

from lakehouse_pipeline.api.portal.access import Viewer
from lakehouse_pipeline.api.portal.batch_words import reason
from lakehouse_pipeline.api.portal.language import language_of
from lakehouse_pipeline.api.portal.quarantined import Row
from lakehouse_pipeline.api.portal.templates import render
from lakehouse_pipeline.api.portal.words import WORDS, Speech
from lakehouse_pipeline.contracts.load import load_bytes
from lakehouse_pipeline.layers.gate import Measures, judge_batch
from lakehouse_pipeline.orchestration.batches import BatchState
from lakehouse_pipeline_tests.api.client import Answer, Api
from lakehouse_pipeline_tests.homes import contract_text

HOSTILE = "<script>alert(1)</script>"
ESCAPED = "&lt;script&gt;alert(1)&lt;/script&gt;"


def page(api: Api, path: str, **headers: str) -> str:
    answer = api.get(path, **headers)
    assert answer.status == 200, answer
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    return answer.body.decode()


def read(html: str) -> str:
    """Return the text of a page as a person reads it, blanks squeezed."""
    texts: list[str] = []
    parser = HTMLParser()
    parser.handle_data = texts.append  # type: ignore[assignment, method-assign]  # handled here
    parser.feed(html)
    return " ".join(" ".join(texts).split())


@pytest.fixture(scope="module")
def dataset(api: Api) -> str:
    """Return a dataset with one published batch; a record has a hostile value and breaks a rule."""
    api.dataset("shown", id="int", note="string", amount="float")
    body = f"id,note,amount\n1,ok,9.5\n2,{HOSTILE},x\n3,fine,7\n"
    api.published("shown", body.encode(), f"{HOSTILE.replace('/', '')}.csv")
    return "shown"


@pytest.fixture(scope="module")
def batch(api: Api, dataset: str) -> str:
    items = api.get(f"/datasets/{dataset}/batches").json["items"]
    return str(items[0]["batch"])


def test_the_datasets_are_listed_with_their_state(api: Api, dataset: str) -> None:
    said = read(page(api, "/"))
    assert "Datasets" in said
    assert "shown 1.0.0 active 1" in said


def test_a_dataset_says_what_a_file_must_look_like(api: Api, dataset: str) -> None:
    said = read(page(api, f"/portal/datasets/{dataset}"))
    assert "UTF-8, values separated by , (comma), first line: id,note,amount" in said
    assert "amount must be a number of at most 17 digits, with a decimal point." in said


def test_the_counts_of_a_batch_add_up_in_words(api: Api, dataset: str, batch: str) -> None:
    said = read(page(api, f"/portal/datasets/{dataset}/batches/{batch}"))
    assert "3 records = 2 validated + 1 quarantined; none is missing." in said
    assert "Its file has 4 lines: 1 of the header, 0 blank, the rest of records." in said
    assert "2 of 3 records published, 1 quarantined." in said


def test_the_reasons_are_sentences_in_the_language_that_is_asked_for(
    api: Api, dataset: str, batch: str
) -> None:
    path = f"/portal/datasets/{dataset}/batches/{batch}"
    english = "amount must be a number of at most 17 digits, with a decimal point."
    german = "amount muss eine Zahl mit höchstens 17 Stellen und Dezimalpunkt sein."
    assert english in read(page(api, path))
    for said in (page(api, f"{path}?lang=de"), page(api, path, Accept_Language="de-DE,en;q=0.5")):
        assert german in read(said)
        assert english not in read(said)
        assert '<html lang="de">' in said
    assert english in read(page(api, f"{path}?lang=en", Accept_Language="de"))


def test_what_comes_from_a_file_is_text_and_never_markup(
    api: Api, dataset: str, batch: str
) -> None:
    for path in (f"/portal/datasets/{dataset}", f"/portal/datasets/{dataset}/batches/{batch}"):
        html = page(api, path)
        assert HOSTILE.replace("/", "") not in html
        assert re.findall(r"<script[^>]*>", html) == re.findall(r"<script src=[^>]*>", html)
    assert ESCAPED in html


def test_what_comes_from_a_contract_is_text_and_never_markup(api: Api) -> None:
    description = f'{{"purpose": "{HOSTILE}"}}'
    text = (
        "{apiVersion: v3.1.0, kind: DataContract, id: odd, name: odd, version: 1.0.0, "
        f"status: active, description: {description}, "
        "schema: [{name: odd, properties: [{name: id, logicalType: integer, "
        f"description: '{HOSTILE}'}}]}}]}}"
    )
    assert api.call("POST", "/contracts", text.encode()).status == 201
    for path in ("/", "/portal/datasets/odd"):
        html = page(api, path)
        assert HOSTILE not in html
        assert ESCAPED in html


def test_nothing_on_a_page_needs_an_exception_from_its_policy(
    api: Api, dataset: str, batch: str
) -> None:
    for path in ("/", f"/portal/datasets/{dataset}", f"/portal/datasets/{dataset}/batches/{batch}"):
        answer = api.get(path)
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
        assert "unsafe" not in policy
        assert not re.search(rb"<style|style=|\son\w+=|javascript:", answer.body)
        assert not re.search(rb'(?:src|href)="(?:https?:)?//', answer.body)


@pytest.mark.parametrize("name", ["portal.css", "portal.js", "icon.svg"])
def test_the_files_of_a_page_may_be_kept_for_ever(api: Api, name: str) -> None:
    (url,) = set(re.findall(rf'"(/portal/static/{name}\?v=[0-9a-f]+)"', page(api, "/")))
    answer = api.get(url)
    assert (answer.status, answer.headers["x-content-type-options"]) == (200, "nosniff")
    assert "immutable" in answer.headers["cache-control"]


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("/portal/datasets/nowhere", 404, "unknown dataset 'nowhere'"),
        ("/portal/datasets/shown/batches/none-00000000", 404, "none-00000000"),
        ("/portal/datasets/shown?offset=-1", 422, "greater than or equal to 0"),
        ("/portal/static/none.js", 404, "there is no such file"),
    ],
)
def test_an_error_is_a_page(api: Api, dataset: str, path: str, status: int, said: str) -> None:
    answer: Answer = api.get(path)
    assert answer.status == status
    assert said in answer.body.decode().replace("&#39;", "'")


def test_the_report_for_the_supplier_comes_back_corrected(
    api: Api, dataset: str, batch: str
) -> None:
    page = api.get(f"/portal/datasets/{dataset}/batches/{batch}?lang=de").body.decode()
    (address,) = re.findall(r'href="([^"]*/quarantine/export[^"]*)"', page)
    answer = api.get(address.replace("&amp;", "&"))
    header, row = answer.body.decode().splitlines()
    assert header == "batch,record,reasons,id,note,amount,text"
    why = "amount muss eine Zahl mit höchstens 17 Stellen und Dezimalpunkt sein."
    assert row == f"{batch},2,{why},2,{HOSTILE},x,"


def test_an_upload_is_told_about_by_its_name_or_its_content(api: Api) -> None:
    api.dataset("portal_told")
    batch = api.published("portal_told")
    path = f"/portal/datasets/portal_told/delivered?batch={batch}"
    assert api.get(path).json == {
        "batch": batch,
        "final": True,
        "state": "published",
        "said": "2 of 3 records published, 1 quarantined.",
    }
    same = api.get(path.replace("may-", "copy-")).json
    assert (same["state"], same["batch"]) == ("same", batch)
    assert "was delivered before" in same["said"]
    assert api.get("/portal/datasets/portal_told/delivered?batch=june-00000000&lang=de").json == {
        "batch": None,
        "final": False,
        "said": "Geliefert; sie wird in wenigen Sekunden aufgenommen.",
    }


def request(query: str = "", accept: str = "") -> Request:
    headers = [(b"accept-language", accept.encode())]
    scope = {"type": "http", "query_string": query.encode(), "headers": headers, "path": "/"}
    return Request(scope | {"server": ("localhost", 80), "scheme": "http"})


@pytest.mark.parametrize(
    ("query", "accept", "language"),
    [
        ("", "", "en"),
        ("", "de", "de"),
        ("", "fr, de-CH;q=0.7, en;q=0.9", "en"),
        ("", "fr, en;q=0.1, de-CH;q=0.7", "de"),
        ("", "de;q=0, en", "en"),
        ("", ";;q=x,,", "en"),
        ("lang=de", "en", "de"),
        ("lang=xx", "de", "de"),
    ],
)
def test_the_language_is_the_one_asked_for_or_preferred(
    query: str, accept: str, language: str
) -> None:
    assert language_of(request(query, accept)) == language


def test_who_may_not_see_records_sees_numbers_and_reasons() -> None:
    facts: dict[str, Any] = {
        "dataset": "sales",
        "state": BatchState("sales", "may-00000000", "published", 1, 0, 1, rules={"id.type": 1}),
        "said": "",
        "why": "",
        "busy": False,
        "reasons": {"id.type": "id must be a whole number."},
        "columns": (),
        "personal": set(),
        "rows": [Row(7, ("id must be a whole number.",))],
        "who": Viewer("Ada", inspect=False, deliver=False, decide=False, consume=False),
        "releasable": frozenset({"id.type"}),
        "most": 100,
        "ui": None,
    }
    html = bytes(render(request(), "batch_part", **facts).body).decode()
    assert "The values are shown to stewards" in read(html)
    assert re.search(r"7</th>\s*<td[^>]*>id must be a whole number\.</td>\s*</tr>", html)
    assert "quarantine/export" not in html
    assert "data-corrections" not in html
    assert "data-decide" not in html


def test_every_sentence_has_the_same_blanks_in_both_languages() -> None:
    for key, (english, german) in WORDS.items():
        blanks = re.findall(r"{(\w+)}", english)
        assert sorted(blanks) == sorted(re.findall(r"{(\w+)}", german)), key


def test_numbers_are_written_as_the_language_writes_them() -> None:
    assert Speech("en").number(1234567) == "1,234,567"
    assert Speech("de").number(1234567) == "1.234.567"
    assert Speech("de").number(None) == "None"


def test_a_refused_batch_says_why_in_words() -> None:
    contract = load_bytes(contract_text(percent=12.5).encode(), "a.yaml")
    (why,) = judge_batch(contract, Measures(records=2000, quarantined=1500)).refusals
    state = BatchState("orders", "may-00000000", "refused", why=f"{why}; rows: the batch has 1")
    english = "1,500 of 2,000 records (75.00 %) break a rule; 12.5 % may; rows: the batch has 1"
    german = "1.500 von 2.000 Sätzen (75,00 %) verletzen eine Regel; 12,5 % dürfen; rows: the batch"
    assert reason(state, Speech("en")) == english
    assert reason(state, Speech("de")).startswith(german)
