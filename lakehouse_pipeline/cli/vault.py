"""`lakehouse vault`: what a token stands for."""

from typing import Annotated

import typer

from lakehouse_pipeline.cli.life_cycle import ByOption, DatasetArgument, WhyOption
from lakehouse_pipeline.cli.output import JsonOption, print_json
from lakehouse_pipeline.orchestration.instance import open_instance
from lakehouse_pipeline.orchestration.secrecy import Signed, read_token
from lakehouse_pipeline.settings import Settings

app = typer.Typer(help="The values that tokens stand for.", no_args_is_help=True)


@app.callback()
def vault() -> None:
    """Keep `read` a command of its own; a single command would take its group's name."""


@app.command("read")
def read(
    dataset: DatasetArgument,
    token: Annotated[str, typer.Argument(help="The token, as it is published.")],
    by: ByOption,
    why: WhyOption,
    as_json: JsonOption = False,
) -> None:
    """Show the value that a token stands for; who read it and why is on record before."""
    settings, signed = Settings(), Signed(by, why)
    with open_instance(settings) as instance:
        value = read_token(instance, settings, dataset, token, signed)
    if as_json:
        print_json({"dataset": dataset, "token": token, "value": value})
    else:
        typer.echo(value)
