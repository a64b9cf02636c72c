import socket
import time
from pathlib import Path

import pytest
import yaml

from lakehouse_pipeline.contracts.simple import first_contract
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


def test_a_contract_of_400_columns_is_registered_in_seconds(tmp_path: Path) -> None:
    document = first_contract("wide", {f"c{number}": "int" for number in range(400)})
    with open_office(Settings(home=tmp_path / "home")) as office:
        began = time.monotonic()
        made = office.register(yaml.safe_dump(document).encode(), "Ann", "a test")
        seconds = time.monotonic() - began
    assert made.state == "active"
    assert seconds < 10  # with a view that is bound anew for each rule it was 26
