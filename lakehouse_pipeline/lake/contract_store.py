"""The folder of contracts: `<dataset>/<version>.yaml`, read and added to.

What a contract must be is judged in `contracts.load`. A file that cannot be used is reported and
never hides another dataset, nor an older sound version of its own.
"""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile

from filelock import FileLock

from lakehouse_pipeline.contracts.load import load_bytes, read_file
from lakehouse_pipeline.contracts.model import Contract
from lakehouse_pipeline.contracts.version import version_key
from lakehouse_pipeline.errors import (
    ContractError,
    ContractVersionExistsError,
    Problem,
    UnknownDatasetError,
)

SUFFIX = ".yaml"
READABLE = 0o644
"""A contract is no secret: its owner writes it, everyone reads it."""

_LOOKALIKES = (SUFFIX, ".yml")


@dataclass(frozen=True, slots=True)
class Refused:
    """A contract file that cannot be used, and why."""

    dataset: str
    path: Path
    problems: tuple[Problem, ...]


class ContractStore:
    """The contracts under `root`, which need not exist yet.

    A file is linted once for each content it has, so asking again costs one read per file.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._linted: dict[tuple[Path, str], Contract | tuple[Problem, ...]] = {}

    def datasets(self) -> list[str]:
        """Return the datasets that have a contract file, sound or not, in alphabetical order."""
        return sorted(
            folder.name
            for folder in _visible(self._root)
            if folder.is_dir() and _may_hold_contracts(folder)
        )

    def versions(self, dataset: str) -> list[tuple[str, Path]]:
        """Return each version of a dataset and its file, the oldest first.

        Raises: UnknownDatasetError: there is no such dataset.
        """
        self.require(dataset)
        return sorted(
            (
                (path.stem, path)
                for path in _candidates(self._root / dataset)
                if path.suffix == SUFFIX and version_key(path.stem)
            ),
            key=lambda found: version_key(found[0]) or (),
        )

    def active(self, dataset: str) -> Contract:
        """Return the contract that batches of `dataset` are processed under.

        It is the highest sound version whose status is `active`.

        Raises:
            UnknownDatasetError: there is no such dataset.
            ContractError: no version is both sound and active; has what is wrong with each.
        """
        self.require(dataset)
        contract, refused = self._read_dataset(dataset)
        if contract is not None:
            return contract
        problems = [problem for file in refused for problem in file.problems]
        if not problems:
            folder = self._root / dataset
            message = f"no version of '{dataset}' has the status active; set 'status: active'"
            problems = [Problem(str(folder), 1, 1, message)]
        raise ContractError(problems)

    def survey(self) -> tuple[list[Contract], list[Refused]]:
        """Return the active contract of every dataset that has one, and every refused file."""
        contracts, refused = [], list(self._strays())
        for dataset in self.datasets():
            contract, files = self._read_dataset(dataset)
            contracts += [contract] if contract else []
            refused += files
        return contracts, refused

    def add(self, file: Path) -> Contract:
        """Return the contract in `file`, registered under its dataset and version.

        The same content again changes nothing.

        Raises:
            ContractError: the file is no contract, or its dataset differs from a registered one
                only in case.
            UnreadableContractError: the file cannot be read.
            ContractVersionExistsError: another content is registered under this version.
        """
        content = read_file(file)
        contract = load_bytes(content, str(file))
        self._refuse_other_case(contract.dataset, file)
        target = self._root / contract.dataset / f"{contract.version}{SUFFIX}"
        target.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(self._root / ".lock"):
            if not target.exists():
                _write_durably(target, content)
            elif not target.is_file() or target.read_bytes() != content:
                raise ContractVersionExistsError(contract.dataset, contract.version, target)
        return load_bytes(content, str(target))

    def require(self, dataset: str) -> None:
        """Raise: UnknownDatasetError: there is no such dataset."""
        known = self.datasets()
        if dataset not in known:
            raise UnknownDatasetError(dataset, known)

    def _refuse_other_case(self, dataset: str, file: Path) -> None:
        for known in self.datasets():
            if known != dataset and known.lower() == dataset.lower():
                message = (
                    f"dataset '{dataset}' differs from the registered '{known}' only in case; "
                    "SQL cannot tell them apart, choose another name"
                )
                raise ContractError([Problem(str(file), 1, 1, message)])

    def _read_dataset(self, dataset: str) -> tuple[Contract | None, list[Refused]]:
        """Return the active contract, if there is one, and every refused file."""
        active: list[Contract] = []
        refused: list[Refused] = []
        folder = self._root / dataset
        try:
            paths = _candidates(folder)
        except OSError as error:
            return None, [Refused(dataset, folder, (_unreadable(folder, error),))]
        for path in paths:
            read = self._read(path)
            if isinstance(read, Contract):
                active += [read] if read.status == "active" else []
            else:
                refused.append(Refused(dataset, path, read))
        newest = max(active, key=lambda found: version_key(found.version) or (), default=None)
        return newest, refused

    def _read(self, path: Path) -> Contract | tuple[Problem, ...]:
        try:
            content = path.read_bytes()
        except OSError as error:
            return (_unreadable(path, error),)
        key = (path, hashlib.sha256(content).hexdigest())
        if key not in self._linted:
            self._linted[key] = _lint(content, path)
        return self._linted[key]

    def _strays(self) -> Iterator[Refused]:
        """Yield contract files that stand beside the folders of the datasets."""
        for path in _candidates(self._root):
            message = "stands outside a dataset's folder; register it with: lakehouse contract add"
            yield Refused(path.stem, path, (Problem(str(path), 1, 1, message),))


def _visible(folder: Path) -> list[Path]:
    """Return what stands in `folder`, hidden files aside; nothing if there is no such folder."""
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))


def _candidates(folder: Path) -> list[Path]:
    """Return what looks like a contract file in `folder`, whatever it holds."""
    return [path for path in _visible(folder) if path.suffix.lower() in _LOOKALIKES]


def _may_hold_contracts(folder: Path) -> bool:
    """Return whether it does; a folder that cannot be listed may, and is reported later."""
    try:
        return bool(_candidates(folder))
    except OSError:
        return True


def _unreadable(path: Path, error: OSError) -> Problem:
    return Problem(str(path), 1, 1, f"cannot be read: {error.strerror}")


def _lint(content: bytes, path: Path) -> Contract | tuple[Problem, ...]:
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


def _write_durably(target: Path, content: bytes) -> None:
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
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
