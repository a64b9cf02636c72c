"""What replaces texts in a dry run: as the home would, and without writing or making anything.

Values that the home knows get what they have: the hash of its key, their token. Where there is no
key yet, and for values without a token, what is made is thrown away with this process.
"""

import secrets
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from lakehouse_pipeline.lake.hashing import Hasher
from lakehouse_pipeline.lake.keys import existing_key
from lakehouse_pipeline.lake.replacing import Replacer
from lakehouse_pipeline.lake.secret_file import SECRET_BYTES
from lakehouse_pipeline.lake.vault import PREFIX, TOKEN_BYTES, Vault


class ReadOnlyVault(Vault):
    """The vault of a home, in which a value without a token is given none.

    Such a value is shown with a token that only looks like one. It is made under a key of this
    process, so that the same value has the same one and none has to be remembered.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.lacking: set[str] = set()
        """The vaults in which a value was looked up that has no token."""
        self._hasher = Hasher(secrets.token_bytes(SECRET_BYTES))

    def tokens(self, vault: str, texts: pa.Array) -> pa.Array:
        """Return a token per text of `vault`, null for null; order kept; nothing is written."""
        texts = texts.cast(pa.string())
        distinct = [text for text in pc.unique(texts).to_pylist() if text is not None]
        known = self.known(vault, distinct)
        if len(known) < len(distinct):
            self.lacking.add(vault)
        named = pc.binary_join_element_wise(pa.scalar(vault), texts, "\0")
        digits = self._hasher.hashed(named).to_pylist()
        tokens = [
            None if text is None else known.get(text, f"{PREFIX}{made[: 2 * TOKEN_BYTES]}")
            for text, made in zip(texts.to_pylist(), digits, strict=True)
        ]
        return pa.array(tokens, pa.string())


class DryReplacer(Replacer):
    """Replaces texts as the home would; `makes_up_key` when the home has no key yet."""

    def __init__(self, keys: Path, vault: Path) -> None:
        key = existing_key(keys)
        self.makes_up_key = key is None
        self.tokens = ReadOnlyVault(vault)
        super().__init__(key or secrets.token_bytes(SECRET_BYTES), self.tokens)
