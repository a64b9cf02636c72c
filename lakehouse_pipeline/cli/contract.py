"""`lakehouse contract`: add a contract, check one, and the commands of its life."""

from pathlib import Path
from typing import Annotated

import typer

from lakehouse_pipeline.cli import contract_export, contract_infer
from lakehouse_pipeline.cli.contract_activate import activate
from lakehouse_pipeline.cli.contract_approve import approve
from lakehouse_pipeline.cli.contract_compare import compare_contracts
from lakehouse_pipeline.cli.contract_decline import decline
from lakehouse_pipeline.cli.contract_deprecate import deprecate
from lakehouse_pipeline.cli.contract_list import list_versions
from lakehouse_pipeline.cli.contract_retire import retire
from lakehouse_pipeline.cli.contract_show import show
from lakehouse_pipeline.cli.life_cycle import print_next, reload_ui
from lakehouse_pipeline.cli.output import JsonOption, actor, console, print_json
from lakehouse_pipeline.contracts.compare import compare
from lakehouse_pipeline.contracts.comparison.tables import tables_follow
from lakehouse_pipeline.contracts.counted import counted
from lakehouse_pipeline.contracts.life_cycle import (
    LifeCycle,
    State,
    Step,
    Version,
    activation,
    broken_promises,
    next_command,
    refusal,
)
from lakehouse_pipeline.contracts.load import load_file
from lakehouse_pipeline.errors import ContractError, Problem
from lakehouse_pipeline.lake.bucket_folder import address
from lakehouse_pipeline.lake.contract_store import ContractStore
from lakehouse_pipeline.lake.landing import Landing
from lakehouse_pipeline.orchestration.instance import open_instance
from lakehouse_pipeline.orchestration.life_cycle import report_life_cycle
from lakehouse_pipeline.pipeline.binding import unfit
from lakehouse_pipeline.settings import Settings

app = typer.Typer(help="Add contracts, check them, and lead their lives.", no_args_is_help=True)
app.command("list")(list_versions)
app.command()(show)
app.command()(approve)
app.command()(decline)
app.command()(activate)
app.command()(deprecate)
app.command()(retire)
app.command("compare")(compare_contracts)
app.command()(contract_export.export)
app.command()(contract_infer.infer)


@app.command()
def add(
    file: Annotated[Path, typer.Argument(help="An ODCS 3.1 contract, YAML.")],
    by: Annotated[str, typer.Option(help="Its author; the user of the system without it.")] = "",
    why: Annotated[str, typer.Option(help="For what reason; stays on record.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Check a contract and register it; a running UI shows its dataset within seconds."""
    settings = Settings()
    given = load_file(file)
    problems = unfit(given, settings.check_modules)
    if problems:
        raise ContractError(problems)
    store = ContractStore(settings.contracts)
    before = _life(store, given.dataset)
    contract = store.add(file, by.strip() or actor(), why.strip() or f"contract add {file.name}")
    with open_instance(settings) as instance:
        report_life_cycle(instance, settings, [contract.dataset])
    Landing(settings.landing).folder(contract.dataset).mkdir(parents=True, exist_ok=True)
    reload_ui(settings)
    life = store.life_cycle(contract.dataset)
    version = life.versions[contract.version]
    state, next_step = version.state, next_command(life, version.name)
    if as_json:
        named = {"dataset": contract.dataset, "version": contract.version}
        print_json({**named, "state": state, "next": next_step})
        return
    already = " already" if contract.version in before.versions else ""
    where = f"{address(settings.landing)}/{contract.dataset}"
    standing = _standing(life, version, where)
    said = f"{contract.dataset} {contract.version} is registered{already}. {standing}"
    console.print(said, markup=False)
    if next_step:
        broken = () if life.needs_approval(version) else broken_promises(life, version)
        print_next(next_step, broken)
    elif not already and before.active and state is State.ACTIVE:
        for sentence in tables_follow(contract.dataset, compare(before.active.contract, contract)):
            console.print(sentence, markup=False)


@app.command()
def lint(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Files or folders; all contracts without any.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Report every problem as file:line:column: message; exit 1 when there is one."""
    problems: list[Problem] = []
    settings = Settings()
    files = [f for path in paths or [settings.contracts] for f in _contracts(path)]
    for file in files:
        try:
            problems += unfit(load_file(file), settings.check_modules)
        except ContractError as error:
            problems += error.problems
    if as_json:
        print_json(problems)
    else:
        for problem in problems:
            typer.echo(str(problem))
        console.print(f"{counted(len(files), 'contract')}, {counted(len(problems), 'problem')}")
    if problems:
        raise typer.Exit(1)


def _life(store: ContractStore, dataset: str) -> LifeCycle:
    """Return the life of a dataset, an empty one before its first version."""
    return store.life_cycle(dataset) if dataset in store.datasets() else LifeCycle()


def _standing(life: LifeCycle, version: Version, landing: str) -> str:
    """Return what the version's state means for files, as a sentence."""
    if version.state in (State.DECLINED, State.RETIRED):
        return f"It {refusal(life, version, Step.ACTIVATED)}"
    if version.state is State.DEPRECATED:
        command = activation(life, version)
        return f"It is deprecated, no file is read under it; to activate it: {command}"
    if life.closed:
        return (
            f"The dataset was deprecated by {life.closed.by} and takes no new files; to take it up "
            f"again: lakehouse contract activate {version.contract.dataset} --by NAME --why TEXT"
        )
    return f"Drop files into {landing}"


def _contracts(path: Path) -> list[Path]:
    if path.is_dir():
        return sorted(p for p in path.rglob("*") if p.suffix in (".yaml", ".yml"))
    return [path]
