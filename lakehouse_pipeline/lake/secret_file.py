"""A secret of one installation in a file of its own: made at first use, for its owner only.

What a secret is for is in `keys.py` and `signing.py`. It is never logged and has no default.
"""

import os
import secrets
from pathlib import Path

SECRET_BYTES = 32


def secret_file(path: Path) -> bytes:
    """Return the secret in the file `path`, making it first where there is none.

    Of processes that make it at the same moment all get the same one.

    Returns: 32 random bytes, stored as hexadecimal digits, mode 0600 in a folder of mode 0700.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not path.exists():
        _make(path)
    return bytes.fromhex(path.read_text(encoding="ascii").strip())


def draft_secret(path: Path) -> Path:
    """Return a new file beside `path`, mode 0600, that holds a new secret whole."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secrets.token_hex(SECRET_BYTES))
        file.flush()
        os.fsync(file.fileno())
    return draft


def _make(path: Path) -> None:
    """Write a new secret whole under a private name, then give it its name unless one is there."""
    draft = draft_secret(path)
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
