from dataclasses import fields, replace

import pytest

from lakehouse_pipeline.access.roles import GRANTED, Permission, Role
from lakehouse_pipeline.access.tokens import (
    Standing,
    Token,
    digest_of,
    find,
    new_secret,
    require_name,
)
from lakehouse_pipeline.errors import TokenNameError

SECRET = new_secret()
TOKEN = Token("Ann", Role.STEWARD, (), digest_of(SECRET), 100.0, "Olga", expires_at=200.0)


def test_a_secret_has_256_random_bits_and_is_recognised_by_its_beginning() -> None:
    assert SECRET.startswith("lhp_")
    assert len(SECRET) == len("lhp_") + 43
    assert new_secret() != SECRET


def test_what_is_kept_of_a_token_holds_no_secret() -> None:
    kept = [str(getattr(TOKEN, field.name)) for field in fields(TOKEN)]
    assert not any(SECRET in text or SECRET[4:] in text for text in kept)
    assert TOKEN.id not in SECRET


def test_a_token_is_found_by_its_whole_secret_only() -> None:
    assert find([replace(TOKEN, digest=digest_of("lhp_x")), TOKEN], SECRET) == TOKEN
    for wrong in ("", "lhp_", SECRET[:-1], SECRET.upper(), TOKEN.digest, TOKEN.id):
        assert find([TOKEN], wrong) is None


def test_a_token_ends_when_it_expires_or_is_revoked() -> None:
    assert TOKEN.standing(199.9) is Standing.VALID
    assert TOKEN.standing(200.0) is Standing.EXPIRED
    assert replace(TOKEN, revoked_at=150.0).standing(160.0) is Standing.REVOKED


def test_a_bound_token_reaches_its_datasets_and_never_operates_the_ui() -> None:
    bound = replace(TOKEN, datasets=("sales",))
    assert (bound.reaches("sales"), bound.reaches("hr")) == (True, False)
    assert (TOKEN.reaches("sales"), TOKEN.reaches("still_to_come")) == (True, True)
    assert (TOKEN.may(Permission.OPERATE_UI), bound.may(Permission.OPERATE_UI)) == (True, False)
    assert bound.may(Permission.DECIDE)


def test_every_permission_is_granted_to_the_owner_and_every_role_may_look() -> None:
    assert GRANTED.keys() == set(Permission)
    assert all(Role.OWNER in roles for roles in GRANTED.values())
    assert GRANTED[Permission.LOOK] == set(Role)


@pytest.mark.parametrize("name", ["Ann", "ann@example.org", "shop 2026", "a", "x" * 63])
def test_a_name_can_stand_in_the_events(name: str) -> None:
    require_name(name)


@pytest.mark.parametrize("name", ["", " Ann", "Ann ", "Ann\n", "Änn", "x" * 64, "a/b", "-a"])
def test_a_name_that_cannot_is_refused(name: str) -> None:
    with pytest.raises(TokenNameError, match="stands in the events as who acted"):
        require_name(name)
