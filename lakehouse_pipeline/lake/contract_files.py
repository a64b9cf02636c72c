"""Files and folders of contracts: what looks like one, what is wrong with it, how one is written.

Which contract counts is decided in `contract_store.py`.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import NamedTemporaryFile

from lakehouse_pipeline.contracts.load import load_bytes
from lakehouse_pipeline.contracts.model import Contract
from lakehouse_pipeline.errors import ContractError, Problem

SUFFIX = ".yaml"
READABLE = 0o644
"""A contract is no secret: its owner writes it, everyone reads it."""

_LOOKALIKES = (SUFFIX, ".yml")


def visible(folder: Path) -> list[Path]:
    """Return what stands in `folder`, hidden files aside; nothing if there is no such folder."""
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))


def candidates(folder: Path) -> list[Path]:
    """Return what looks like a contract file in `folder`, whatever it holds."""
    return [path for path in visible(folder) if path.suffix.lower() in _LOOKALIKES]


def may_hold_contracts(folder: Path) -> bool:
    """Return whether it does; a folder that cannot be listed may, and is reported later."""
    try:
        return bool(candidates(folder))
    except OSError:
        return True


def unreadable(path: Path, error: OSError) -> Problem:
    """Return what is wrong with a path that cannot be read."""
    return Problem(str(path), 1, 1, f"cannot be read: {error.strerror}")


def judged(content: bytes, path: Path) -> Contract | tuple[Problem, ...]:
    """Return the contract in the content of the file at `path`, or every problem of it."""
    try:
        contract = load_bytes(content, str(path))
    except ContractError as error:
        return error.problems
    problems = tuple(_misplaced(contract, path))
    return problems or contract


def _misplaced(contract: Contract, path: Path) -> Iterator[Problem]:
    if path.parent.name != contract.dataset:
        message = f"the contract of '{contract.dataset}' stands in the folder '{path.parent.name}'"
        yield Problem(str(path), 1, 1, f"{message}; register it with: lakehouse contract add")
    if path.name != f"{contract.version}{SUFFIX}":
        message = f"the file holds version {contract.version}; expected the name"
        yield Problem(str(path), 1, 1, f"{message} {contract.version}{SUFFIX}")


def write_durably(target: Path, content: bytes) -> None:
    """Write a file that is there whole or not at all, whenever the machine stops."""
    with NamedTemporaryFile(dir=target.parent, prefix=".", delete=False) as temporary:
        try:
            temporary.write(content)
            temporary.flush()
            os.fsync(temporary.fileno())
            os.fchmod(temporary.fileno(), READABLE)
            os.replace(temporary.name, target)  # noqa: PTH105 - the name is text here
        except BaseException:
            os.unlink(temporary.name)  # noqa: PTH108 - as above
            raise
    flush_folder(target.parent)


def flush_folder(folder: Path) -> None:
    """Bring the names in a folder to the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
