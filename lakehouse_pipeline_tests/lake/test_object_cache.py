import os
import time
from pathlib import Path

import pytest

from lakehouse_pipeline.lake.object_cache import ObjectCache

HOUR = 3600.0


def copy(folder: Path, name: str, hours_ago: float, size: int = 10) -> Path:
    path = folder / "orders" / "raw" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * size)
    moment = time.time() - hours_ago * HOUR
    os.utime(path, (moment, moment))
    return path


def test_copies_that_nobody_used_for_a_day_go(tmp_path: Path) -> None:
    old, young = copy(tmp_path, "old.parquet", 25), copy(tmp_path, "young.parquet", 23)
    half = copy(tmp_path, ".of-a-killed-process.part", 25)
    ObjectCache(tmp_path).sweep()
    assert young.exists()
    assert not old.exists()
    assert not half.exists()


def test_the_oldest_copies_go_when_there_is_too_much(tmp_path: Path) -> None:
    copies = [copy(tmp_path, f"{n}.parquet", n + 2) for n in range(5)]
    ObjectCache(tmp_path, limit_bytes=25).sweep()
    assert [path.exists() for path in copies] == [True, True, False, False, False]


def test_what_was_used_within_the_hour_stays(tmp_path: Path) -> None:
    copies = [copy(tmp_path, f"{n}.parquet", 0.5) for n in range(5)]
    ObjectCache(tmp_path, limit_bytes=1).sweep()
    assert all(path.exists() for path in copies)


@pytest.mark.parametrize("name", [".write.lock", ".writer", ".staging/x/part-0.parquet"])
def test_locks_and_staged_files_are_no_copies(tmp_path: Path, name: str) -> None:
    path = copy(tmp_path, name, 48)
    ObjectCache(tmp_path).sweep()
    assert path.exists()


def test_a_version_of_an_object_is_a_copy_of_its_own_under_its_own_name(tmp_path: Path) -> None:
    cache = ObjectCache(tmp_path)
    one, two = (cache.path("orders/may.csv", version) for version in ("4-a", "4-b"))
    assert one != two
    assert one.name == two.name == "may.csv"
