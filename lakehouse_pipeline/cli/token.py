"""`lakehouse token`: who may use the API, for which datasets, until when."""

import time
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from lakehouse_pipeline.access.roles import Role
from lakehouse_pipeline.access.tokens import Token
from lakehouse_pipeline.cli.output import (
    JsonOption,
    actor,
    console,
    errors,
    print_json,
    print_table,
)
from lakehouse_pipeline.settings import Settings

app = typer.Typer(
    help="Who may use the HTTP API and the UI behind it: make tokens, list them, end them.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
COLUMNS = ("name", "role", "datasets", "state", "expires", "created", "by", "id")
LONGEST_DAYS = 3650


@app.command()
def create(
    name: Annotated[str, typer.Option(help="Who holds it; stands in the events as who acted.")],
    role: Annotated[Role, typer.Option(help="What its holder may do: docs/access.md.")],
    dataset: Annotated[
        list[str] | None,
        typer.Option(help="Bind it to a dataset, registered or not yet; again for more."),
    ] = None,
    expires_in: Annotated[
        float,
        typer.Option(min=1e-6, max=LONGEST_DAYS, metavar="DAYS", help="How long it can be used."),
    ] = 365,
    as_json: JsonOption = False,
) -> None:
    """Make a token and print it, once; only its SHA-256 is kept.

    A running API takes it at once. Once there is a token, the API asks everybody for one.
    """
    from lakehouse_pipeline.contracts.load import DATASET_NAME
    from lakehouse_pipeline.errors import DatasetNameError
    from lakehouse_pipeline.orchestration.instance import open_instance
    from lakehouse_pipeline.orchestration.tokens import Wanted, create_token

    settings, datasets = Settings(), dataset or []
    for one in datasets:
        if not DATASET_NAME.fullmatch(one):
            raise DatasetNameError(one)
    with open_instance(settings) as instance:
        wanted = Wanted(name, role, datasets, expires_in)
        token, secret = create_token(instance, settings, wanted, actor())
    _say_that_the_ui_moves(settings)
    if as_json:
        print_json(_shown(token) | {"token": secret})
        return
    console.print(f"token of {_said(token)}; it is shown this once:", markup=False)
    typer.echo(secret)


@app.command("list")
def list_tokens(as_json: JsonOption = False) -> None:
    """List the tokens, the oldest first, also those that have ended."""
    from lakehouse_pipeline.lake.token_file import TokenFile

    shown = [_shown(token) for token in TokenFile(Settings().keys).tokens()]
    if as_json:
        print_json(shown)
        return
    print_table(COLUMNS, [[_cell(row[column]) for column in COLUMNS] for row in shown])


@app.command()
def revoke(
    name: Annotated[str, typer.Argument(help="The name of a valid token.")],
    as_json: JsonOption = False,
) -> None:
    """End a token: at once, also where the API runs and in browsers that are logged in."""
    from lakehouse_pipeline.orchestration.instance import open_instance
    from lakehouse_pipeline.orchestration.tokens import revoke_token

    settings = Settings()
    with open_instance(settings) as instance:
        token = revoke_token(instance, settings, name, actor())
    if as_json:
        print_json(_shown(token))
        return
    console.print(f"revoked: token of {_said(token)}", markup=False)


def _say_that_the_ui_moves(settings: Settings) -> None:
    """Tell, on standard error, where the UI of a running `lakehouse up` is from now on."""
    from lakehouse_pipeline.orchestration.home_lock import PREFIX, running

    holder = running(settings)
    if holder is not None and not holder.view_port:
        where = f"{holder.api_url}{PREFIX}"
        said = f"The UI of the running 'lakehouse up' moves behind the login, in seconds: {where}"
        errors.print(said, markup=False)


def _shown(token: Token) -> dict[str, Any]:
    """Return what may be shown of a token; times in ISO 8601, UTC."""
    return {
        "name": token.name,
        "role": token.role.value,
        "datasets": list(token.datasets),
        "state": token.standing(time.time()).value,
        "expires": _time(token.expires_at),
        "created": _time(token.created_at),
        "by": token.created_by,
        "revoked": _time(token.revoked_at) if token.revoked_at else None,
        "id": token.id,
    }


def _said(token: Token) -> str:
    where = ", ".join(token.datasets) or "all datasets"
    return f"{token.name}: {token.role} of {where}, until {_time(token.expires_at)}"


def _cell(value: object) -> object:
    return ", ".join(value) or "all" if isinstance(value, list) else value


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
