"""`lakehouse contract`: add a contract, or check one."""

from pathlib import Path
from typing import Annotated

import typer

from lakehouse_pipeline.audit.events import Event, EventType
from lakehouse_pipeline.cli import contract_infer
from lakehouse_pipeline.cli.output import JsonOption, actor, console, print_json
from lakehouse_pipeline.contracts.load import load_file
from lakehouse_pipeline.errors import ContractError, Problem
from lakehouse_pipeline.lake.contract_store import ContractStore
from lakehouse_pipeline.lake.landing import Landing
from lakehouse_pipeline.orchestration.events import report
from lakehouse_pipeline.orchestration.home_lock import running_url
from lakehouse_pipeline.orchestration.instance import open_instance
from lakehouse_pipeline.orchestration.reload import reload_location
from lakehouse_pipeline.pipeline.binding import unbound
from lakehouse_pipeline.settings import Settings

app = typer.Typer(help="Add a contract, or check one.", no_args_is_help=True)
app.command()(contract_infer.infer)


@app.command()
def add(
    file: Annotated[Path, typer.Argument(help="An ODCS 3.1 contract, YAML.")],
    as_json: JsonOption = False,
) -> None:
    """Check a contract and register it; a running UI shows its dataset within seconds."""
    settings = Settings()
    problems = unbound(load_file(file))
    if problems:
        raise ContractError(problems)
    contract = ContractStore(settings.contracts).add(file)
    with open_instance(settings) as instance:
        why = f"contract add {file.name}"
        facts: dict[str, str | int | float] = {
            "version": contract.version,
            "sha256": contract.sha256,
        }
        event = Event(EventType.CONTRACT_DEFINED, contract.dataset, None, actor(), why, facts)
        report(instance, event, None)
    Landing(settings.landing).folder(contract.dataset).mkdir(parents=True, exist_ok=True)
    url = running_url(settings)
    if url is not None:
        reload_location(url)
    if as_json:
        print_json({"dataset": contract.dataset, "version": contract.version})
    else:
        console.print(
            f"{contract.dataset} {contract.version} is registered. "
            f"Drop files into {settings.landing / contract.dataset}"
        )


@app.command()
def lint(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Files or folders; all contracts without any.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Report every problem as file:line:column: message; exit 1 when there is one."""
    problems: list[Problem] = []
    files = [f for path in paths or [Settings().contracts] for f in _contracts(path)]
    for file in files:
        try:
            problems += unbound(load_file(file))
        except ContractError as error:
            problems += error.problems
    if as_json:
        print_json(problems)
    else:
        for problem in problems:
            typer.echo(str(problem))
        console.print(f"{len(files)} contracts, {len(problems)} problems")
    if problems:
        raise typer.Exit(1)


def _contracts(path: Path) -> list[Path]:
    if path.is_dir():
        return sorted(p for p in path.rglob("*") if p.suffix in (".yaml", ".yml"))
    return [path]
