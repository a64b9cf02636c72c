"""A full disk, whoever meets it first: the system, DuckDB, Delta or Dagster's SQLite."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from lakehouse_pipeline.errors import LakehouseError

NUMBERS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
WORDS = ("no space left", "disk is full", "quota exceeded", "file too large")


class FullDiskError(LakehouseError):
    """There is no room to write; what was there stands."""

    def __init__(self) -> None:
        super().__init__(
            "there is no space left to write. What was published stands as it was. "
            "Free some space and give the same command again."
        )


@contextmanager
def full_disk_is_one_message() -> Iterator[None]:
    """Turn whatever a full disk raises in the block into a `FullDiskError`."""
    try:
        yield
    except LakehouseError:
        raise
    except Exception as error:
        if any(_says_full(one) for one in _chain(error)):
            raise FullDiskError from error
        raise


def _chain(error: BaseException) -> Iterator[BaseException]:
    one: BaseException | None = error
    seen: set[int] = set()  # a context manager that raises its own error again makes a circle
    while one is not None and id(one) not in seen:
        seen.add(id(one))
        yield one
        one = one.__cause__ or one.__context__


def _says_full(error: BaseException) -> bool:
    text = str(error).lower()
    return getattr(error, "errno", None) in NUMBERS or any(words in text for words in WORDS)
