from pathlib import Path

import pytest

from lakehouse_pipeline.access.roles import Role
from lakehouse_pipeline.access.tokens import Token, digest_of, new_secret
from lakehouse_pipeline.lake.sessions import Sessions
from lakehouse_pipeline.lake.signing import Permit, SignedUrlError, Signer

SECRET = new_secret()
TOKEN = Token("Ann", Role.STEWARD, (), digest_of(SECRET), 100.0, "Olga", expires_at=200.0)


def test_a_cookie_names_the_token_and_does_not_hold_it(tmp_path: Path) -> None:
    cookie = Sessions(tmp_path, 1).start(TOKEN)
    assert Sessions(tmp_path, 1).token_id(cookie) == TOKEN.id
    assert SECRET not in cookie


def test_a_cookie_ends_with_its_time_and_with_the_logout(tmp_path: Path) -> None:
    assert Sessions(tmp_path, -1).token_id(Sessions(tmp_path, -1).start(TOKEN)) is None
    sessions = Sessions(tmp_path, 1)
    first, second = sessions.start(TOKEN), sessions.start(TOKEN)
    sessions.end(first)
    sessions.end("no cookie at all")
    assert (sessions.token_id(first), sessions.token_id(second)) == (None, TOKEN.id)


def test_a_cookie_of_another_installation_or_a_changed_one_is_none(tmp_path: Path) -> None:
    other = Sessions(tmp_path / "other", 1).start(TOKEN)
    own = Sessions(tmp_path / "own", 1)
    for cookie in ("", "a.b.c", other, own.start(TOKEN)[:-4]):
        assert own.token_id(cookie) is None


def test_a_cookie_is_no_signed_url_and_a_signed_url_no_cookie(tmp_path: Path) -> None:
    permit, _ = Signer(tmp_path).token(Permit("GET", "exports/a.csv"), 60)
    assert Sessions(tmp_path, 1).token_id(permit) is None
    cookie = Sessions(tmp_path, 1).start(TOKEN)
    with pytest.raises(SignedUrlError, match="not one of ours"):
        Signer(tmp_path).permit(cookie, "GET", "exports/a.csv")
