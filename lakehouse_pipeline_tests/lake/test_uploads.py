"""Uploads on a disk that fails, and larger than what is flushed at once."""

import errno
import hashlib
import os
from pathlib import Path

import pytest

from lakehouse_pipeline.lake.uploads import FLUSH_BYTES, Upload

PIECE = bytes(2**20)
PIECES = FLUSH_BYTES // len(PIECE) + 2


def test_a_file_larger_than_what_is_flushed_at_once_lands_whole(tmp_path: Path) -> None:
    with Upload(tmp_path, "a.csv", 2**40) as upload:
        for _ in range(PIECES):
            upload.write(PIECE)
        landed = upload.land()
    assert landed.bytes == landed.path.stat().st_size == PIECES * len(PIECE)
    assert landed.sha256 == hashlib.sha256(PIECE * PIECES).hexdigest()
    assert list(tmp_path.iterdir()) == [landed.path]


def test_a_flush_that_failed_while_bytes_arrived_is_not_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A system reports a write that failed to one flush only; the next one would succeed."""
    flush, failures = os.fsync, [OSError(errno.EIO, "the disk failed")]

    def failing_once(descriptor: int) -> None:
        if failures:
            raise failures.pop()
        flush(descriptor)

    monkeypatch.setattr(os, "fsync", failing_once)
    with Upload(tmp_path, "a.csv", 2**40) as upload:
        for _ in range(PIECES):
            upload.write(PIECE)
        with pytest.raises(OSError, match="the disk failed"):
            upload.land()
    assert list(tmp_path.iterdir()) == []
