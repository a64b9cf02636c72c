"""The folder of contracts: `<dataset>/<version>.yaml`, read and added to.

What a contract must be is judged in `contracts.load`, which version counts in
`contracts.life_cycle`; what people do to registered versions is in `contract_steps.py`. A file that
cannot be used is reported and never hides another dataset, nor an older sound version of its own.
"""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from lakehouse_pipeline.contracts.breaking import is_breaking
from lakehouse_pipeline.contracts.life_cycle import (
    LifeCycle,
    Line,
    Step,
    Version,
    first_steps,
    life_cycle,
    steps_by_hand,
    way_to_active,
)
from lakehouse_pipeline.contracts.load import load_bytes, read_file
from lakehouse_pipeline.contracts.model import Contract
from lakehouse_pipeline.contracts.version import version_key
from lakehouse_pipeline.errors import (
    ContractError,
    ContractVersionExistsError,
    DatasetDeprecatedError,
    NoActiveVersionError,
    NotApprovedError,
    Problem,
    UnknownDatasetError,
)
from lakehouse_pipeline.lake.contract_files import (
    SUFFIX,
    candidates,
    judged,
    may_hold_contracts,
    unreadable,
    visible,
    write_durably,
)
from lakehouse_pipeline.lake.life_cycle import Entry, Ledger

NOBODY = "unknown"
"""Who registers a contract when nobody says so."""

BY_HAND = "the file was placed by hand"


@dataclass(frozen=True, slots=True)
class Refused:
    """A contract file that cannot be used, and why."""

    dataset: str
    path: Path
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Current:
    """The contract that new batches are read under.

    When it is not `cleared`, they may only go to raw; `waiting_for` then says what has to happen,
    with the command.
    """

    contract: Contract
    cleared: bool = True
    waiting_for: str = ""


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
            for folder in visible(self._root)
            if folder.is_dir() and may_hold_contracts(folder)
        )

    def versions(self, dataset: str) -> list[tuple[str, Path]]:
        """Return each version of a dataset and its file, the oldest first.

        Raises: UnknownDatasetError: there is no such dataset.
        """
        self.require(dataset)
        return sorted(
            (
                (path.stem, path)
                for path in candidates(self._root / dataset)
                if path.suffix == SUFFIX and version_key(path.stem)
            ),
            key=lambda found: version_key(found[0]) or (),
        )

    def active(self, dataset: str) -> Contract:
        """Return the contract that batches of `dataset` are processed under.

        Raises:
            UnknownDatasetError: there is no such dataset.
            NotApprovedError: the version that asks to be active waits for approval.
            ContractError: no version is active; has what is wrong with each refused file.
        """
        current = self.current(dataset)
        if not current.cleared:
            raise NotApprovedError(dataset, current.waiting_for)
        return current.contract

    def current(self, dataset: str) -> Current:
        """Return the contract that new batches are read under, and whether they may pass raw.

        It is the active version; or, if none is active, the newest version that asks to be active
        and waits for approval.
        Raises: UnknownDatasetError, ContractError: as `active`.
        """
        life = self.life_cycle(dataset)
        if life.active:
            return Current(life.active.contract)
        if life.waiting:
            return Current(life.waiting.contract, cleared=False, waiting_for=_wanted(life.waiting))
        raise self._none_active(dataset)

    def require_open(self, dataset: str) -> None:
        """Raise: DatasetDeprecatedError: the dataset takes no new files."""
        closed = self.life_cycle(dataset).closed
        if closed:
            raise DatasetDeprecatedError(dataset, closed.by, closed.why)

    def shown(self, dataset: str) -> Contract:
        """Return the contract to look at what is there with: active, or waiting, or active once.

        Raises: UnknownDatasetError, ContractError: as `active`.
        """
        shown = self.life_cycle(dataset).shown
        if shown is None:
            raise self._none_active(dataset)
        return shown.contract

    def life_cycle(self, dataset: str) -> LifeCycle:
        """Return the sound versions of a dataset with their states; none if the ledger is broken.

        Raises: UnknownDatasetError: there is no such dataset.
        """
        self.require(dataset)
        return self._read_dataset(dataset)[0]

    def ledger(self, dataset: str) -> list[Line]:
        """Return what is on record of a dataset. Raises: ContractError: the ledger is broken."""
        return Ledger(self._root / dataset).lines()

    def survey(self) -> tuple[list[Contract], list[Refused]]:
        """Return the contract each dataset is shown with, if any, and every refused file."""
        contracts, refused = [], list(self._strays())
        for dataset in self.datasets():
            life, files = self._read_dataset(dataset)
            contracts += [life.shown.contract] if life.shown else []
            refused += files
        return contracts, refused

    def add(self, file: Path, by: str = NOBODY, why: str = "") -> Contract:
        """Return the contract in `file`, registered under its dataset and version by its author.

        It is active at once when it asks to be and nothing is against it. The same content again
        changes nothing.

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
        with self.lock():
            if not target.exists():
                self._define(contract, by, why)
                write_durably(target, content)
            elif not target.is_file() or target.read_bytes() != content:
                raise ContractVersionExistsError(contract.dataset, contract.version, target)
        return load_bytes(content, str(target))

    def lock(self) -> FileLock:
        """Return the lock that whoever writes below `root` holds."""
        return FileLock(self._root / ".lock")

    def record(self, dataset: str, entries: list[Entry]) -> list[Line]:
        """Write entries into the ledger, after those of files placed by hand; return the former.

        The caller holds the lock. Raises: ContractError: the ledger is broken.
        """
        ledger = Ledger(self._root / dataset)
        by_hand = self._by_hand(dataset, ledger.lines())
        return ledger.append([*by_hand, *entries])[len(by_hand) :]

    def adopt(self, dataset: str) -> None:
        """Put files that were placed by hand on record, where the folder may be written to."""
        folder = self._root / dataset
        if self._by_hand(dataset, self.ledger(dataset)) and os.access(folder, os.W_OK):
            with self.lock():
                self.record(dataset, [])

    def fingerprint(self, dataset: str) -> tuple[object, ...]:
        """Return what changes whenever a contract or the ledger of the dataset does."""
        folder = self._root / dataset
        paths = (*candidates(folder), Ledger(folder).path)
        return tuple(
            (path.name, stat.st_size, stat.st_mtime_ns)
            for path in paths
            if path.exists() and (stat := path.stat())
        )

    def require(self, dataset: str) -> None:
        """Raise: UnknownDatasetError: there is no such dataset."""
        known = self.datasets()
        if dataset not in known:
            raise UnknownDatasetError(dataset, known)

    def _define(self, contract: Contract, by: str, why: str) -> None:
        """Put a new version on record before its file is there, with what its file asks for.

        After a crash between the two, the next try finds what it wrote and adds what is missing.
        """
        dataset, version = contract.dataset, Version(contract)
        life, _ = self._read_dataset(dataset)
        breaks = life.former is not None and bool(is_breaking(life.former.contract, contract))
        steps = first_steps(life, version, breaking=breaks)
        done = {(line.step, line.sha256) for line in self.ledger(dataset)}
        todo = [step for step in steps if (step, contract.sha256) not in done]
        self.record(dataset, [entry_of(contract, step, by, why) for step in todo])

    def _by_hand(self, dataset: str, lines: list[Line]) -> list[Entry]:
        """Return what the ledger lacks about files that were placed by hand."""
        steps = steps_by_hand(self._read_files(dataset)[0], lines)
        return [entry_of(contract, step, "", BY_HAND) for contract, step in steps]

    def _refuse_other_case(self, dataset: str, file: Path) -> None:
        for known in self.datasets():
            if known != dataset and known.lower() == dataset.lower():
                message = (
                    f"dataset '{dataset}' differs from the registered '{known}' only in case; "
                    "SQL cannot tell them apart, choose another name"
                )
                raise ContractError([Problem(str(file), 1, 1, message)])

    def _read_dataset(self, dataset: str) -> tuple[LifeCycle, list[Refused]]:
        """Return the life of the sound versions, and every refused file."""
        contracts, refused = self._read_files(dataset)
        try:
            return life_cycle(contracts, self.ledger(dataset)), refused
        except ContractError as error:
            path = Ledger(self._root / dataset).path
            return LifeCycle(), [*refused, Refused(dataset, path, error.problems)]

    def _read_files(self, dataset: str) -> tuple[list[Contract], list[Refused]]:
        contracts: list[Contract] = []
        refused: list[Refused] = []
        folder = self._root / dataset
        try:
            paths = candidates(folder)
        except OSError as error:
            return [], [Refused(dataset, folder, (unreadable(folder, error),))]
        for path in paths:
            read = self._read(path)
            if isinstance(read, Contract):
                contracts.append(read)
            else:
                refused.append(Refused(dataset, path, read))
        return contracts, refused

    def _read(self, path: Path) -> Contract | tuple[Problem, ...]:
        try:
            content = path.read_bytes()
        except OSError as error:
            return (unreadable(path, error),)
        key = (path, hashlib.sha256(content).hexdigest())
        if key not in self._linted:
            self._linted[key] = judged(content, path)
        return self._linted[key]

    def _none_active(self, dataset: str) -> ContractError:
        life, refused = self._read_dataset(dataset)
        problems = [problem for file in refused for problem in file.problems]
        if problems:
            return ContractError(problems)
        return NoActiveVersionError(dataset, way_to_active(life))

    def _strays(self) -> Iterator[Refused]:
        """Yield contract files that stand beside the folders of the datasets."""
        for path in candidates(self._root):
            message = "stands outside a dataset's folder; register it with: lakehouse contract add"
            yield Refused(path.stem, path, (Problem(str(path), 1, 1, message),))


def entry_of(contract: Contract, step: Step, by: str, why: str) -> Entry:
    """Return the entry of a step that is given for this contract file."""
    return Entry(step, contract.version, by, why, contract.sha256)


def _wanted(version: Version) -> str:
    """Return what a version waits for, with the command."""
    named = f"{version.contract.dataset} {version.name}"
    is_known = version.author not in ("", NOBODY)
    other = f" by somebody other than {version.author}" if is_known else ""
    return (
        f"{named} ({version.contract.compliance}) waits for approval{other}: "
        f"lakehouse contract approve {named} --by NAME --why TEXT"
    )
