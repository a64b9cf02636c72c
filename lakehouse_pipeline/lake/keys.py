"""The keys of a home: made at first use, mode 0600, kept outside `lake/`.

`hash.key` is that of the `hash` technique, `erasure.key` that of the list of erased subjects: with
keys of their own nobody can join that list with what is published. Who holds a key can link a hash
to a value; who loses it can no longer match new batches to old ones. A key is never logged, never
part of an SQL text, and has no default.
"""

import os
import secrets
from pathlib import Path

KEY_BYTES = 32
KEY_FILE = "hash.key"
ERASURE_KEY_FILE = "erasure.key"


def hash_key(folder: Path, name: str = KEY_FILE) -> bytes:
    """Return the key `name` in `folder`, making it first where there is none.

    Returns: 32 random bytes, stored as hexadecimal digits, mode 0600.
    """
    path = folder / name
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not path.exists():
        _make(path)
    return bytes.fromhex(path.read_text(encoding="ascii").strip())


def _make(path: Path) -> None:
    """Write a new key whole under a private name, then give it its name unless one is there."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
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
