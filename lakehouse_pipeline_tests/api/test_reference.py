"""`/docs` and the document behind it: whole without a network."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from lakehouse_pipeline_tests.api.client import CSV, Api, serving

ELSEWHERE = re.compile(rb"""(?:src|href)=["']?(?:https?:)?//""")


def test_the_reference_loads_nothing_from_elsewhere(api: Api) -> None:
    page = api.get("/docs")
    assert page.status == 200
    assert ELSEWHERE.search(page.body) is None
    policy = page.headers["content-security-policy"]
    assert "http" not in policy
    assert "default-src 'none'; script-src 'self';" in policy
    for name in re.findall(rb'(?:src|href)="(docs/[^"]+)"', page.body):
        assert api.get(f"/{name.decode()}").status == 200, name


@pytest.mark.parametrize("name", ["redoc.standalone.js", "..%2f__init__.py", "none"])
def test_the_reference_gives_no_other_file(api: Api, name: str) -> None:
    api.get(f"/docs/{name}").problem(404)


def test_every_call_is_described_and_no_two_have_one_name(api: Api) -> None:
    document = json.loads(api.get("/openapi.json").body)
    calls = [call for path in document["paths"].values() for call in path.values()]
    assert len({call["operationId"] for call in calls}) == len(calls)
    assert [call["operationId"] for call in calls if not call.get("description")] == []


def example(document: Any, path: str) -> Any:  # noqa: ANN401 JSON has no narrower type
    """Return the body that the reference shows first for a POST."""
    (content, *_) = document["paths"][path]["post"]["requestBody"]["content"].values()
    if "example" in content:
        return content["example"]
    if "examples" in content:
        return next(iter(content["examples"].values()))["value"]
    schema = document["components"]["schemas"][content["schema"]["$ref"].rpartition("/")[2]]
    if "examples" in schema:
        return schema["examples"][0]
    properties = schema["properties"].items()
    return {name: said["examples"][0] for name, said in properties if "examples" in said}


def test_every_post_has_an_example_that_is_said_in_whole(api: Api) -> None:
    document = json.loads(api.get("/openapi.json").body)
    posts = [path for path, calls in document["paths"].items() if "post" in calls]
    assert [path for path in posts if not example(document, path)] == []


def test_the_examples_of_the_reference_work_in_their_order(tmp_path: Path) -> None:
    with serving(tmp_path / "home") as api:
        document = json.loads(api.get("/openapi.json").body)

        def played(path: str, status: int) -> Any:  # noqa: ANN401 JSON has no narrower type
            answer = api.post(path.replace("{dataset}", "sales"), example(document, path))
            assert answer.status == status, answer
            return answer.json

        played("/datasets", 201)
        played("/contracts", 201)
        played("/upload-url", 200)
        url = played("/datasets/{dataset}/upload-url", 200)["url"]
        assert api.put(url, CSV).status == 201
        assert played("/replay", 200)["status"] == "done"
        url = played("/datasets/{dataset}/download-url", 200)["url"]
        assert api.get(url).body == b"amount,id\n9.5,1\n7.0,3\n"  # the document sorts its keys
        assert played("/query", 200)["rows"] == [{"records": 2, "total": 16.5}]
        played("/grants", 201)
        assert played("/datasets/{dataset}/contracts/approve", 409)["type"].startswith("urn:")
