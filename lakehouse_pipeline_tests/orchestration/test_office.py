import socket
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from lakehouse_pipeline.orchestration import graphql
from lakehouse_pipeline.orchestration.home_lock import hold_home
from lakehouse_pipeline.orchestration.office import open_office
from lakehouse_pipeline_tests.homes import DATASET, contract_text, open_home


def test_a_registration_holds_when_the_ui_is_too_busy_to_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(graphql, "TIMEOUT_SECONDS", 0.2)
    with (
        open_home(tmp_path / "home") as home,
        hold_home(home.settings) as lock,
        socket.create_server(("127.0.0.1", urlsplit(lock.url).port or 0)),
        open_office(home.settings) as office,
    ):
        made = office.register(contract_text(dataset="slow").encode(), "Ann", "a test")
        assert made.dataset == "slow"
        assert office.store.datasets() == [DATASET, "slow"]
