"""Dry run, application and rollback of an anonymization where the lake is in a bucket."""

from pathlib import Path

import pytest

from lakehouse_pipeline.lake.objects import Objects
from lakehouse_pipeline.pipeline.rollback import RollbackRefusedError
from lakehouse_pipeline_tests.anonymizations import (
    EMAIL,
    applied,
    filled,
    lines,
    rehearsed,
    rolled_back,
)
from lakehouse_pipeline_tests.erasures import erase

pytestmark = [pytest.mark.storage, pytest.mark.slow]


def test_it_is_tried_applied_and_taken_back(
    objects: Objects, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAKEHOUSE_STORAGE", objects.url)
    with filled(tmp_path / "home", lines(6), lines(4, 21)) as home:
        stored = {(one.key, one.content) for one in objects.under()}
        done = rehearsed(home)
        assert (done.records, len(done.sample)) == (10, 5)
        assert {(one.key, one.content) for one in objects.under()} == stored
        before = home.content()
        one = applied(home)
        assert home.content() != before
        rolled_back(home, one.id)
        assert home.content() == before
        assert home.violations() == []


def test_what_was_erased_does_not_come_back(
    objects: Objects, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAKEHOUSE_STORAGE", objects.url)
    with filled(tmp_path / "home", lines(6)) as home:
        one = applied(home)
        erasure = erase(home, EMAIL.format(3))
        content = home.content()
        with pytest.raises(RollbackRefusedError, match=erasure.id):
            rolled_back(home, one.id)
        assert home.content() == content
