"""The list of erased subjects: who must not come back, known by keyed hashes only.

`<erasures>/subjects.json`, mode 0600; the key is in `keys/erasure.key`. The texts that are hashed
are the forms of `layers/subject_forms.py`.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from filelock import FileLock

from lakehouse_pipeline.lake.erased_records import write_privately
from lakehouse_pipeline.lake.hashing import Hasher
from lakehouse_pipeline.lake.keys import ERASURE_KEY_FILE, hash_key

EVERY_DATASET = "*"
"""Where a subject was erased from all datasets, those to come too."""

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Suppressed:
    """The subjects that a dataset must not take again: for each hash of a form, the erasure."""

    hasher: Hasher
    erasures: dict[str, str]

    def hits(self, forms: Sequence[pa.Array]) -> list[str | None]:
        """Return, for each row, the erasure whose subject one of its forms names, or None."""
        wanted = pa.array(list(self.erasures), pa.string())
        found: list[str | None] = [None] * len(forms[0])
        for form in forms:
            hashed = self.hasher.hashed(form)
            mask: Mask = pc.is_in(hashed, wanted).to_numpy(zero_copy_only=False)
            for row in np.flatnonzero(mask).tolist():
                found[row] = found[row] or self.erasures[hashed[row].as_py()]
        return found


class ErasedSubjects:
    """The list below `folder`, which need not exist; `keys` is the folder of the keys."""

    def __init__(self, folder: Path, keys: Path) -> None:
        self._path = folder / "subjects.json"
        self._keys = keys

    @cached_property
    def hasher(self) -> Hasher:
        """What hashes the forms of a subject."""
        return Hasher(hash_key(self._keys, ERASURE_KEY_FILE))

    def of(self, dataset: str, erasure: str | None = None) -> Suppressed | None:
        """Return the subjects that were erased from a dataset, None without any.

        With `erasure` those of one erasure alone.
        """
        listed = {
            hashed: one["erasure"]
            for one in self._read()
            if one["dataset"] in (dataset, EVERY_DATASET) and erasure in (None, one["erasure"])
            for hashed in one["hashes"]
        }
        return Suppressed(self.hasher, listed) if listed else None

    def add(self, dataset: str, erasure: str, forms: Sequence[str]) -> None:
        """Put a subject on the list, by the forms that name it; durable when this returns."""
        hashes = self.hasher.hashed(pa.array(forms, pa.string())).to_pylist()
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with FileLock(self._path.with_name(".subjects.lock")):
            entry = {"erasure": erasure, "dataset": dataset, "hashes": sorted(set(hashes))}
            if entry not in (listed := self._read()):
                write_privately(self._path, json.dumps([*listed, entry], indent=1).encode())

    def _read(self) -> list[dict[str, str]]:
        try:
            listed: list[dict[str, str]] = json.loads(self._path.read_bytes())
        except FileNotFoundError:
            return []
        return listed
