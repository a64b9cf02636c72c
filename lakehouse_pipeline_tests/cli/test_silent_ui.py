"""A UI that is dead, silent or broken while a contract is decided: the command goes on."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from threading import Thread

import pytest

from lakehouse_pipeline.orchestration import graphql
from lakehouse_pipeline.orchestration.home_lock import hold_home
from lakehouse_pipeline.settings import Settings
from lakehouse_pipeline_tests.cli.commands import in_process
from lakehouse_pipeline_tests.homes import contract_text, rows

DECIDED = ("--by", "Sam", "--why", "agreed")
Behaviour = Callable[[socket.socket], None]


def silent(_: socket.socket) -> None:
    """Take a request and never answer."""


def gone(connection: socket.socket) -> None:
    connection.close()


def another_program(connection: socket.socket) -> None:
    connection.recv(65536)
    connection.sendall(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 5\r\n\r\nsorry")


def no_http(connection: socket.socket) -> None:
    connection.recv(65536)
    connection.sendall(b"SSH-2.0\r\n\r\n")
    connection.close()


@contextmanager
def listening(port: int, behaviour: Behaviour) -> Iterator[None]:
    """Listen at the port of a webserver, and behave."""
    server = socket.create_server(("127.0.0.1", port))
    kept: list[socket.socket] = []

    def serve() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            kept.append(connection)
            behaviour(connection)

    thread = Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join(5)
        for connection in kept:
            connection.close()


@pytest.mark.parametrize("behaviour", [silent, gone, another_program, no_http, None])
def test_an_approval_is_followed_whatever_became_of_the_ui(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    behaviour: Behaviour | None,
) -> None:
    monkeypatch.setattr(graphql, "TIMEOUT_SECONDS", 0.5)
    settings = Settings(home=tmp_path / "home")
    lakehouse = in_process(settings.home, monkeypatch, capsys)
    contract = tmp_path / "orders.yaml"
    contract.write_text(contract_text())
    file = tmp_path / "may.csv"
    file.write_text(rows(3))
    with (
        hold_home(settings) as lock,
        listening(lock.web_port, behaviour) if behaviour else nullcontext(),
    ):
        added = lakehouse("contract", "add", contract, "--by", "Ann")
        assert (added.code, "orders 1.0.0 is registered" in added.out) == (0, True), added
        assert "does not answer, so it may show it late" in added.err
        assert lakehouse("ingest", file, "-d", "orders").code != 2
        approved = lakehouse("contract", "approve", "orders", *DECIDED, "--json")
    assert approved.code == 0, approved
    assert lock.url in approved.err
    assert [line["step"] for line in approved.json["steps"]] == ["approved", "activated"]
    (batch,) = approved.json["batches"]
    assert (batch["state"], batch["published"]) == ("published", 3)
