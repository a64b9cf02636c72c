import socket
from pathlib import Path

import pytest

from lakehouse_pipeline.orchestration import graphql
from lakehouse_pipeline.orchestration.home_lock import hold_home
from lakehouse_pipeline.orchestration.late import HOST
from lakehouse_pipeline.orchestration.office import open_office
from lakehouse_pipeline.settings import Settings
from lakehouse_pipeline_tests.homes import contract_text


def test_a_ui_that_does_not_answer_in_time_spoils_no_registration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(graphql, "TIMEOUT_SECONDS", 0.2)
    settings = Settings(home=tmp_path / "home")
    with (
        hold_home(settings) as lock,
        socket.create_server((HOST, lock.web_port)),  # it listens and never answers
        open_office(settings) as office,
    ):
        made = office.register(contract_text().encode(), "Ann", "a test")
    assert (made.version, made.state) == ("1.0.0", "draft")
