"""The key of the `hash` technique: made at first use, mode 0600, kept outside `lake/`.

Who holds the key can link a hash to a value; who loses it can no longer match new batches to old
ones. It is never logged, never part of an SQL text, and has no default.
"""

from pathlib import Path

from lakehouse_pipeline.lake.secret_file import secret_file

KEY_FILE = "hash.key"


def hash_key(folder: Path) -> bytes:
    """Return the key in `folder`, 32 bytes, making it first where there is none."""
    return secret_file(folder / KEY_FILE)
