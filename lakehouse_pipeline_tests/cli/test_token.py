import json
import stat
from pathlib import Path

import pytest

from lakehouse_pipeline_tests.cli.commands import Command


def made(lakehouse: Command, *arguments: object) -> str:
    answer = lakehouse("token", "create", *arguments)
    assert answer.code == 0, answer.err
    return answer.out.splitlines()[-1]


def test_a_token_is_printed_once_and_kept_as_a_hash(lakehouse: Command, home: Path) -> None:
    secret = made(lakehouse, "--name", "Ann", "--role", "producer", "--dataset", "orders")
    assert secret.startswith("lhp_")
    kept = home / "keys" / "tokens.json"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    everything = b"".join(path.read_bytes() for path in home.rglob("*") if path.is_file())
    assert secret.encode() not in everything
    assert secret not in lakehouse("token", "list").out


def test_tokens_are_listed_with_their_role_datasets_and_state(lakehouse: Command) -> None:
    made(lakehouse, "--name", "Ann", "--role", "producer", "--dataset", "b", "--dataset", "a")
    made(lakehouse, "--name", "Olga", "--role", "owner", "--expires-in", "1")
    lakehouse("token", "revoke", "ann")
    first, second = lakehouse("token", "list", "--json").json
    assert (first["name"], first["role"], first["datasets"]) == ("Ann", "producer", ["a", "b"])
    assert (first["state"], second["state"], second["datasets"]) == ("revoked", "valid", [])
    assert "digest" not in first
    shown = lakehouse("token", "list").out
    assert "a, b" in shown
    assert "revoked" in shown


def test_json_has_the_token_and_nothing_else_is_printed(lakehouse: Command) -> None:
    answer = lakehouse("token", "create", "--name", "Ann", "--role", "auditor", "--json")
    assert answer.json["token"].startswith("lhp_")
    assert answer.json["role"] == "auditor"
    assert json.loads(answer.out).keys() == answer.json.keys()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--name", "", "--role", "owner"), "token name ''"),
        (("--name", "Ann", "--role", "king"), "Invalid value for '--role'"),
        (("--name", "Ann", "--role", "owner", "--dataset", "a/b"), "dataset name 'a/b'"),
        (("--name", "Ann", "--role", "owner", "--expires-in", "0"), "--expires-in"),
        (("--role", "owner"), "Missing option '--name'"),
    ],
)
def test_what_makes_no_token_is_one_message(
    lakehouse: Command, arguments: tuple[str, ...], said: str
) -> None:
    answer = lakehouse("token", "create", *arguments)
    assert answer.code == 2
    assert said in answer.err
    assert lakehouse("token", "list", "--json").json == []


def test_a_name_is_given_once_and_revoked_once(lakehouse: Command) -> None:
    made(lakehouse, "--name", "Ann", "--role", "owner")
    again = lakehouse("token", "create", "--name", "ANN", "--role", "owner")
    assert (again.code, "exists and is valid" in again.err) == (2, True)
    ended = lakehouse("token", "revoke", "Ann")
    assert (ended.code, "revoked: token of Ann: owner of all datasets" in ended.out) == (0, True)
    missing = lakehouse("token", "revoke", "Ann")
    assert (missing.code, "no valid token 'Ann'" in missing.err) == (2, True)


def test_up_refuses_to_start_where_others_reach_it_and_nobody_has_a_token(
    lakehouse: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAKEHOUSE_API_HOST", "0.0.0.0")  # noqa: S104 - it does not listen there
    answer = lakehouse("up")
    assert answer.code == 2
    assert "lakehouse token create --name NAME --role owner" in answer.err
