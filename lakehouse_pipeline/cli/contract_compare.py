"""`lakehouse contract compare`: what a new version of a contract changes, and for whom."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from lakehouse_pipeline.cli.output import JsonOption, console, errors, print_json, print_table
from lakehouse_pipeline.contracts.compare import Change, compare, is_enough, next_version
from lakehouse_pipeline.contracts.comparison.change import KINDS
from lakehouse_pipeline.contracts.comparison.tables import tables_follow
from lakehouse_pipeline.contracts.load import load_file
from lakehouse_pipeline.contracts.model import Contract
from lakehouse_pipeline.errors import (
    NoContractError,
    UnknownDatasetError,
    UnregisteredVersionError,
)
from lakehouse_pipeline.lake.contract_store import ContractStore
from lakehouse_pipeline.settings import Settings

SUFFIXES = (".yaml", ".yml")
HELP = "A contract file, or DATASET or DATASET@VERSION of a registered one."


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two versions of a contract held against each other.

    `next_version` is the smallest that may carry the changes; `is_enough` whether `new` is it, or
    above. Breaking changes come first.
    """

    dataset: str
    old: str
    new: str
    next_version: str
    is_enough: bool
    changes: Sequence[Change]


def compare_contracts(
    old: Annotated[str, typer.Argument(help=HELP)],
    new: Annotated[str, typer.Argument(help=HELP)],
    as_json: JsonOption = False,
) -> None:
    """Tell breaking from compatible changes; exit 1 when the version of NEW is too small.

    DATASET alone is the version that batches are processed under.
    """
    store = ContractStore(Settings().contracts)
    before, after = _contract(store, old), _contract(store, new)
    found = compare(before, after)
    result = Comparison(
        before.dataset,
        before.version,
        after.version,
        next_version(before.version, found),
        is_enough(before.version, after.version, found),
        found,
    )
    if as_json:
        print_json(result)
    else:
        _print(result)
    if not result.is_enough:
        if not as_json:
            errors.print(_too_small(result), markup=False, style="red")
        raise typer.Exit(1)


def _contract(store: ContractStore, named: str) -> Contract:
    """Return the contract in a file, or a registered one.

    Raises:
        NoContractError: `named` is neither a file nor the name of a registered dataset.
        UnregisteredVersionError: the dataset is registered, this version of it is not.
        UnreadableContractError: it is the path of a file that cannot be read.
        ContractError: the file is no contract.
    """
    if Path(named).is_file() or named.endswith(SUFFIXES) or "/" in named:
        return load_file(named)
    dataset, _, version = named.partition("@")
    try:
        versions = dict(store.versions(dataset))
    except UnknownDatasetError as error:
        raise NoContractError(named, dataset, store.datasets()) from error
    if not version and "@" not in named:
        return store.shown(dataset)
    if version not in versions:
        raise UnregisteredVersionError(dataset, version, versions)
    return load_file(versions[version])


def _print(result: Comparison) -> None:
    title = f"{result.dataset} {result.old} → {result.new}"
    if not result.changes:
        console.print(f"{title}: no change.")
        return
    console.print(f"{title}: {_counted(result.changes)}.")
    for kind in KINDS:
        of_kind = [change for change in result.changes if change.kind == kind]
        if of_kind:
            _print_kind(kind, of_kind)
    console.print(f"The next version is {result.next_version} or above.")
    _print_tables(result)


def _counted(changes: Sequence[Change]) -> str:
    counts = {kind: sum(change.kind == kind for change in changes) for kind in KINDS}
    return ", ".join(f"{count} {kind}" for kind, count in counts.items() if count)


def _print_kind(kind: str, changes: Sequence[Change]) -> None:
    if kind == "documentation":
        print_table(("where", "what"), [(c.where, c.what) for c in changes], kind)
        return
    columns: tuple[str, ...] = ("where", "what", "promise", "direction", "tables")
    rows: list[tuple[str, ...]] = [
        (c.where, c.what, c.promise, c.direction, c.effect) for c in changes
    ]
    if kind == "breaking":
        columns = (*columns, "breaks")
        rows = [(*row, ", ".join(c.breaks)) for row, c in zip(rows, changes, strict=True)]
    print_table(columns, rows, kind)


def _print_tables(result: Comparison) -> None:
    """Say how the tables follow: each sentence once, with the places it is about."""
    said = tables_follow(result.dataset, result.changes)
    for sentence in said or ["The tables stay as they are."]:
        console.print(sentence, markup=False)


def _too_small(result: Comparison) -> str:
    if not result.changes:
        return f"version {result.new} comes before {result.old}, although nothing is changed."
    return (
        f"version {result.new} is too small for {result.changes[0].kind} changes to {result.old}: "
        f"set 'version: {result.next_version}'."
    )
