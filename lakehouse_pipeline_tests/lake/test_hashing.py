"""The hash is HMAC-SHA256 as Python's own library computes it, for any text."""

import hmac
from hashlib import sha256

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakehouse_pipeline.lake.hashing import Hasher, HashingError

KEY = bytes(range(32))
TEXTS = st.lists(st.none() | st.text(max_size=200), max_size=20)


@settings(max_examples=100, deadline=None)
@given(texts=TEXTS, key=st.binary(min_size=1, max_size=64))
def test_hashes_are_those_of_pythons_hmac_and_null_stays_null(
    texts: list[str | None], key: bytes
) -> None:
    expected = [
        None if text is None else hmac.new(key, text.encode(), sha256).hexdigest() for text in texts
    ]
    assert Hasher(key).hashed(pa.array(texts, pa.string())).to_pylist() == expected


def test_an_error_of_the_engine_never_shows_the_key() -> None:
    hasher = Hasher(b"very secret key")
    hasher._context = None  # type: ignore[assignment] # anything that fails inside the engine
    with pytest.raises(HashingError) as error:
        hasher.hashed(pa.array(["x"]))
    assert error.value.__cause__ is None
    assert "secret" not in str(error.value)
