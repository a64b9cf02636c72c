"""The key of the `hash` technique: made at first use, mode 0600, kept outside `lake/`.

Who holds the key can link a hash to a value; who loses it can no longer match new batches to old
ones. It is never logged, never part of an SQL text, and has no default.
"""

import os
import secrets
from pathlib import Path

KEY_BYTES = 32
KEY_FILE = "hash.key"


def hash_key(folder: Path) -> bytes:
    """Return the key in `folder`, making it first where there is none.

    Returns: 32 random bytes, stored as hexadecimal digits in `hash.key`, mode 0600.
    """
    path = folder / KEY_FILE
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not path.exists():
        _make(path)
    return bytes.fromhex(path.read_text(encoding="ascii").strip())


def _make(path: Path) -> None:
    """Write a new key whole under a private name, then give it its name unless one is there."""
    draft = path.with_name(f".{KEY_FILE}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secrets.token_hex(KEY_BYTES))
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
