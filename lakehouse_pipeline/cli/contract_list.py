"""`lakehouse contract list`: the versions of contracts and where each stands."""

from collections.abc import Iterator
from typing import Annotated

import typer

from lakehouse_pipeline.cli.output import JsonOption, console, print_json, print_table
from lakehouse_pipeline.contracts.life_cycle import LifeCycle, State, Version
from lakehouse_pipeline.lake.contract_store import ContractStore
from lakehouse_pipeline.settings import Settings

COLUMNS = ("dataset", "version", "state", "waits for", "compliance", "by", "at", "why")

Row = dict[str, str]


def list_versions(
    dataset: Annotated[str | None, typer.Argument(help="A dataset; all without it.")] = None,
    as_json: JsonOption = False,
) -> None:
    """List versions with their state, who brought them there, when and why; the newest first."""
    store = ContractStore(Settings().contracts)
    if dataset is not None:
        store.require(dataset)
    names = [dataset] if dataset is not None else store.datasets()
    lives = {name: store.life_cycle(name) for name in names}
    rows = [row for name, life in lives.items() for row in _rows(name, life)]
    refused = [one for one in store.survey()[1] if dataset in (None, one.dataset)]
    problems = [str(problem) for one in refused for problem in one.problems]
    closed = {name: life.closed for name, life in lives.items() if life.closed}
    if as_json:
        print_json({"versions": rows, "deprecated": closed, "refused": problems})
        return
    print_table(COLUMNS, ([row[column] for column in COLUMNS] for row in rows))
    for name, line in closed.items():
        said = f"{name} takes no new files; deprecated by {line.by}: {line.why}"
        console.print(said, markup=False)
    for problem in problems:
        console.print(f"refused contract: {problem}", style="red", markup=False)


def _rows(dataset: str, life: LifeCycle) -> Iterator[Row]:
    for version in reversed(tuple(life.versions.values())):
        line = version.last
        why = line.why if line else ""
        if line and line.version != version.name:
            why = f"superseded by {line.version}: {why}"
        said = {"by": line.by if line else "", "at": line.at if line else "", "why": why}
        yield {
            "dataset": dataset,
            "version": version.name,
            "state": version.state.value,
            "waits for": _waits_for(life, version),
            "compliance": version.contract.compliance,
            **said,
        }


def _waits_for(life: LifeCycle, version: Version) -> str:
    """Return what comes next for a version on its way in; empty for the others."""
    if version.state not in (State.DRAFT, State.APPROVED):
        return ""
    return "approval" if life.needs_approval(version) else "activation"
