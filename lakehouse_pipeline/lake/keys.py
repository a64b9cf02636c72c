"""The keys of a home: made at first use, mode 0600, kept outside `lake/`.

`hash.key` is that of the `hash` technique, `erasure.key` that of the list of erased subjects: with
keys of their own nobody can join that list with what is published. Who holds a key can link a hash
to a value; who loses it can no longer match new batches to old ones. A key is never logged, never
part of an SQL text, and has no default.
"""

import hashlib
import os
from pathlib import Path

from lakehouse_pipeline.lake.contract_files import flush_folder
from lakehouse_pipeline.lake.secret_file import draft_secret, secret_file

ID_DIGITS = 8
KEY_FILE = "hash.key"
ERASURE_KEY_FILE = "erasure.key"
RETIRED = "hash.{}.key"
"""The name of a key that is no longer the current one, by its id."""


def hash_key(folder: Path, name: str = KEY_FILE) -> bytes:
    """Return the key `name` in `folder`, 32 bytes, making it first where there is none."""
    return secret_file(folder / name)


def existing_key(folder: Path) -> bytes | None:
    """Return the current key for hashes in `folder`, None where none was made yet; makes none."""
    return secret_file(folder / KEY_FILE) if (folder / KEY_FILE).exists() else None


def key_id(key: bytes) -> str:
    """Return what names a key without showing it: the first digits of its SHA-256."""
    return hashlib.sha256(key).hexdigest()[:ID_DIGITS]


def known_keys(folder: Path) -> dict[str, bytes]:
    """Return every key that the home had, by id; the current one is the last."""
    retired = sorted(folder.glob(RETIRED.format("*")), key=lambda path: path.stat().st_mtime_ns)
    keys = [bytes.fromhex(path.read_text(encoding="ascii").strip()) for path in retired]
    keys.append(hash_key(folder))
    return {key_id(key): key for key in keys}


def rotate(folder: Path) -> tuple[str, str]:
    """Make a new key the current one and return the ids of the old and the new.

    The old one is kept beside it under its id, so that what was made with it can still be told. A
    crash leaves the old key current, or the new one with the old one kept.
    """
    old = hash_key(folder)
    path, kept = folder / KEY_FILE, folder / RETIRED.format(key_id(old))
    if not kept.exists():
        os.link(path, kept)
    draft_secret(path).replace(path)
    flush_folder(folder)
    return key_id(old), key_id(hash_key(folder))
