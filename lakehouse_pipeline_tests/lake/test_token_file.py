import stat
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from lakehouse_pipeline.access.roles import Role
from lakehouse_pipeline.access.tokens import Token, digest_of, new_secret
from lakehouse_pipeline.errors import TokenExistsError, TokenFileError, UnknownTokenError
from lakehouse_pipeline.lake.token_file import TokenFile

NOW = 100.0


def token(name: str = "Ann") -> Token:
    return Token(name, Role.CONSUMER, ("sales",), digest_of(new_secret()), NOW, "Olga", 200.0)


def test_without_a_file_there_are_no_tokens(tmp_path: Path) -> None:
    assert TokenFile(tmp_path / "keys").tokens() == ()


def test_what_was_added_is_read_by_everybody_else_and_for_its_owner_only(tmp_path: Path) -> None:
    one, other = TokenFile(tmp_path / "keys"), TokenFile(tmp_path / "keys")
    assert other.tokens() == ()
    made = token()
    one.add(made, NOW)
    assert other.tokens() == one.tokens() == (made,)
    assert stat.S_IMODE(one.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(one.path.parent.stat().st_mode) == 0o700
    assert sorted(path.name for path in one.path.parent.iterdir()) == [
        "tokens.json",
        "tokens.lock",
    ]


def test_a_revoked_token_stays_on_the_list_and_its_name_can_be_given_again(tmp_path: Path) -> None:
    file, first, second = TokenFile(tmp_path), token(), token("ann")
    file.add(first, NOW)
    with pytest.raises(TokenExistsError, match="lakehouse token revoke 'ann'"):
        file.add(second, NOW)
    ended = file.revoke("Ann", "Olga", NOW + 1)
    assert ended == replace(first, revoked_at=NOW + 1, revoked_by="Olga")
    file.add(second, NOW + 2)
    assert file.tokens() == (ended, second)


def test_the_name_of_an_expired_token_can_be_given_again(tmp_path: Path) -> None:
    file = TokenFile(tmp_path)
    file.add(token(), NOW)
    file.add(token(), 200.0)
    assert len(file.tokens()) == 2


def test_a_name_that_is_not_there_is_refused_with_the_nearest(tmp_path: Path) -> None:
    file = TokenFile(tmp_path)
    file.add(token("Annabel"), NOW)
    with pytest.raises(UnknownTokenError, match="Did you mean 'Annabel'"):
        file.revoke("Anabel", "Olga", NOW)


def test_of_tokens_that_are_made_at_once_none_is_lost(tmp_path: Path) -> None:
    names = [f"n{number}" for number in range(16)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: TokenFile(tmp_path).add(token(name), NOW), names))
    assert sorted(one.name for one in TokenFile(tmp_path).tokens()) == sorted(names)


@pytest.mark.parametrize("content", ["", "{}", "[1]", '[{"name": "Ann"}]', "\0"])
def test_a_file_that_is_none_of_ours_lets_nobody_in(tmp_path: Path, content: str) -> None:
    file = TokenFile(tmp_path)
    file.path.write_text(content)
    with pytest.raises(TokenFileError, match="nobody is let in"):
        file.tokens()
