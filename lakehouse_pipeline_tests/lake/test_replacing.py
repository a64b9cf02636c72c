"""Texts of a stream are replaced under a key of their purpose, or by tokens that stay the same."""

import hmac
import stat
from hashlib import sha256
from pathlib import Path

import pyarrow as pa

from lakehouse_pipeline.lake.replacing import Replacer, purpose_key
from lakehouse_pipeline.lake.vault import Vault
from lakehouse_pipeline.layers.anonymized import Replaced

KEY = bytes(range(32))


def test_only_the_named_columns_of_a_stream_are_replaced_and_the_order_is_kept(
    tmp_path: Path,
) -> None:
    batches = [
        pa.record_batch({"a": [f"a{n}", None], "b": [f"b{n}", "b"], "n": [n, n]}) for n in range(9)
    ]
    replacer = Replacer(KEY, Vault(tmp_path))
    out = pa.Table.from_batches(list(replacer.columns(iter(batches), [Replaced(0, "hash")])))
    assert out.column("b").to_pylist() == [x for n in range(9) for x in (f"b{n}", "b")]
    assert out.column("n").to_pylist() == [n for n in range(9) for _ in range(2)]
    expected = [x for n in range(9) for x in (hmac.new(KEY, b"a%d" % n, sha256).hexdigest(), None)]
    assert out.column("a").to_pylist() == expected
    assert not (tmp_path / "tokens.sqlite").exists()


def test_each_purpose_has_a_key_of_its_own() -> None:
    keys = {purpose_key(KEY, purpose) for purpose in ("hash", "pseudonym", "noise")}
    assert len(keys) == 3
    assert purpose_key(KEY, "noise") == hmac.new(KEY, b"lakehouse noise 1", sha256).digest()


def test_a_value_has_one_token_per_vault_and_it_leads_back(tmp_path: Path) -> None:
    vault = Vault(tmp_path / "vault")
    first = vault.tokens("v", pa.array(["ann", None, "bob", "ann"])).to_pylist()
    again = Vault(tmp_path / "vault").tokens("v", pa.array(["bob", "ann"])).to_pylist()
    assert first == [again[1], None, again[0], again[1]]
    assert len({*again, *vault.tokens("w", pa.array(["ann"])).to_pylist()}) == 3
    assert vault.value(again[1]) == ("v", "ann")
    assert vault.value("tok_none") is None


def test_only_the_owner_reads_the_vault_and_a_forgotten_value_leaves_no_byte(
    tmp_path: Path,
) -> None:
    vault = Vault(tmp_path / "vault")
    (token,) = vault.tokens("v", pa.array(["canary-value"])).to_pylist()
    assert stat.S_IMODE(vault.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(vault.path.parent.stat().st_mode) == 0o700
    assert b"canary" in vault.path.read_bytes()
    vault.forget([vault.of_tokens("v", [token])])
    assert b"canary" not in vault.path.read_bytes()
    assert vault.value(token) is None
