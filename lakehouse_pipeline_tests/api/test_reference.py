"""`/docs` and the document behind it: whole without a network."""

import json
import re

import pytest

from lakehouse_pipeline_tests.api.client import Api

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
