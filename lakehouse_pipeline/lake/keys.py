"""The keys of a home: made at first use, mode 0600, kept outside `lake/`.

`hash.key` is that of the `hash` technique, `erasure.key` that of the list of erased subjects: with
keys of their own nobody can join that list with what is published. Who holds a key can link a hash
to a value; who loses it can no longer match new batches to old ones. A key is never logged, never
part of an SQL text, and has no default.
"""

from pathlib import Path

from lakehouse_pipeline.lake.secret_file import secret_file

KEY_FILE = "hash.key"
ERASURE_KEY_FILE = "erasure.key"


def hash_key(folder: Path, name: str = KEY_FILE) -> bytes:
    """Return the key `name` in `folder`, 32 bytes, making it first where there is none."""
    return secret_file(folder / name)
