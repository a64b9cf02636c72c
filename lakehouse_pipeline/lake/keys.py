"""The key of the `hash` technique: made at first use, mode 0600, kept outside `lake/`.

Who holds the key can link a hash to a value; who loses it can no longer match new batches to old
ones. It is never logged, never part of an SQL text, and has no default.
"""

import hashlib
import os
import secrets
from pathlib import Path

KEY_BYTES = 32
ID_DIGITS = 8
KEY_FILE = "hash.key"
RETIRED = "hash.{}.key"
"""The name of a key that is no longer the current one, by its id."""


def hash_key(folder: Path) -> bytes:
    """Return the key in `folder`, making it first where there is none.

    Returns: 32 random bytes, stored as hexadecimal digits in `hash.key`, mode 0600.
    """
    path = folder / KEY_FILE
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not path.exists():
        _make(path)
    return bytes.fromhex(path.read_text(encoding="ascii").strip())


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
    draft = _draft(path)
    draft.replace(path)
    _flush(folder)
    return key_id(old), key_id(hash_key(folder))


def _flush(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _make(path: Path) -> None:
    """Write a new key whole under a private name, then give it its name unless one is there."""
    draft = _draft(path)
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def _draft(path: Path) -> Path:
    """Return a new file, mode 0600, that holds a new key whole."""
    draft = path.with_name(f".{KEY_FILE}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secrets.token_hex(KEY_BYTES))
        file.flush()
        os.fsync(file.fileno())
    return draft
