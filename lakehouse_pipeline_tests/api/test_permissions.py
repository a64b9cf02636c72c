from pathlib import Path

import pytest
from fastapi import APIRouter, FastAPI
from pydantic import BaseModel

from lakehouse_pipeline.api import app as api_app
from lakehouse_pipeline.api import permissions
from lakehouse_pipeline.api.permissions import RULES, UnguardedCallError, calls_of, doors
from lakehouse_pipeline.settings import Settings


def test_every_call_has_a_rule_and_every_rule_a_call(tmp_path: Path) -> None:
    routes = api_app.create_app(Settings(home=tmp_path)).routes
    assert {call for call, _ in calls_of(routes)} == RULES.keys()


def test_a_call_without_a_rule_is_refused_at_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = {call: rule for call, rule in RULES.items() if call != ("GET", "/events")}
    monkeypatch.setattr(permissions, "RULES", rules)
    with pytest.raises(UnguardedCallError, match="GET /events"):
        api_app.create_app(Settings(home=tmp_path))


def test_a_call_that_names_its_dataset_elsewhere_than_its_rule_says_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Unchecked(BaseModel):
        dataset: str

    router = APIRouter()

    @router.post("/replay")
    def replay(body: Unchecked) -> None: ...

    app = FastAPI(openapi_url=None)
    app.include_router(router)
    with pytest.raises(UnguardedCallError, match="POST /replay"):
        doors(app.routes)
