"""`lakehouse status`: every dataset at a glance, and what waits or is refused."""

import time
from collections import Counter

from lakehouse_pipeline.cli.output import JsonOption, console, print_json, print_table
from lakehouse_pipeline.contracts.life_cycle import State, next_command, way_to_active
from lakehouse_pipeline.lake.contract_store import ContractStore
from lakehouse_pipeline.lake.landing import Landing
from lakehouse_pipeline.orchestration.batches import batch_states
from lakehouse_pipeline.orchestration.freshness import freshness
from lakehouse_pipeline.orchestration.home_lock import running
from lakehouse_pipeline.orchestration.instance import open_instance
from lakehouse_pipeline.settings import Settings

COLUMNS = (
    "dataset",
    "contract",
    "batches",
    "records",
    "validated",
    "quarantined",
    "published",
    "fresh",
    "states",
)


def status(as_json: JsonOption = False) -> None:
    """Show datasets, refused contracts, files that are ignored, and whether the UI runs."""
    settings = Settings()
    store = ContractStore(settings.contracts)
    contracts, refused = store.survey()
    datasets = []
    with open_instance(settings) as instance:
        for contract in contracts:
            states = batch_states(instance, contract.dataset)
            named = Counter(state.state for state in states)
            datasets.append(
                {
                    "dataset": contract.dataset,
                    "contract": contract.version,
                    "contract_state": _contract_state(store, contract.dataset),
                    "batches": len(states),
                    **{
                        count: sum(getattr(state, count) or 0 for state in states)
                        for count in ("records", "validated", "quarantined", "published")
                    },
                    "fresh": freshness(instance, contract, time.time()),
                    "states": ", ".join(f"{n} {name}" for name, n in sorted(named.items())),
                }
            )
    known = {*store.datasets(), *(one.dataset for one in refused)}
    shown = {one.dataset for one in contracts} | {one.dataset for one in refused}
    inactive = [_without_version(store, dataset) for dataset in sorted(known - shown)]
    ignored = _ignored(Landing(settings.landing), sorted(known))
    holder = running(settings)
    url = holder.shown_url if holder else None
    if as_json:
        problems = [str(problem) for one in refused for problem in one.problems]
        lines = {"refused": problems, "ignored": ignored, "without_version": inactive}
        print_json({"ui": url, "datasets": datasets, **lines})
        return
    print_table(COLUMNS, ([row[column] for column in COLUMNS] for row in datasets))
    for row in datasets:
        if row["contract_state"] != State.ACTIVE:
            said = f"{row['dataset']} {row['contract']}: {row['contract_state']}"
            console.print(said, style="yellow", markup=False)
    for said in inactive:
        console.print(said, style="yellow", markup=False)
    for one in refused:
        for problem in one.problems:
            console.print(f"refused contract: {problem}", style="red", markup=False)
    for path in ignored:
        console.print(f"ignored: {path}", style="yellow", markup=False)
    console.print(f"home: {settings.home}")
    console.print(f"UI: {url}" if url else "UI: not running; start it with: lakehouse up")


def _contract_state(store: ContractStore, dataset: str) -> str:
    """Return where the contract stands that a dataset is shown with, as a person reads it."""
    life = store.life_cycle(dataset)
    if life.closed:
        return f"deprecated by {life.closed.by}: {life.closed.why}; no new files are taken"
    if life.active:
        return State.ACTIVE.value
    if life.waiting:
        return f"waits for approval; {next_command(life, life.waiting.name)}"
    return f"no new files are taken; {_without_version(store, dataset)}"


def _without_version(store: ContractStore, dataset: str) -> str:
    way = way_to_active(store.life_cycle(dataset))
    return f"no version of '{dataset}' is active. {way}"


def _ignored(landing: Landing, datasets: list[str]) -> list[str]:
    """Return what lies in the landing folder and will not be read, with the reason."""
    found = [
        f"{path}: not a .csv, .tsv or .txt file, plain, .gz or .zst"
        for dataset in datasets
        for path in landing.ignored(dataset)
    ]
    found += [f"{path}: no dataset of this name" for path in landing.strangers(datasets)]
    return found
