"""`lakehouse grant`: leave to consume a dataset's published data, given, listed and revoked."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import Annotated

import typer

from lakehouse_pipeline.audit.grants import Grant, GrantExpiryError, expiry
from lakehouse_pipeline.cli.output import JsonOption, console, print_json, print_table
from lakehouse_pipeline.lake.contract_store import ContractStore
from lakehouse_pipeline.orchestration.grants import (
    Wanted,
    give,
    grants_of,
    now,
)
from lakehouse_pipeline.orchestration.grants import revoke as revoke_grant
from lakehouse_pipeline.orchestration.instance import open_instance
from lakehouse_pipeline.settings import Settings

app = typer.Typer(
    help="Who may consume what, for which purpose and how long.", no_args_is_help=True
)
ByOption = Annotated[str, typer.Option("--by", help="Who says so; stays on record.")]


@app.command()
def create(
    dataset: Annotated[str, typer.Argument(help="The dataset.")],
    consumer: Annotated[str, typer.Option(help="Who may consume it.")],
    purpose: Annotated[str, typer.Option(help="For which purpose.")],
    expires: Annotated[str, typer.Option(help="A day, to its end, or a time with its zone.")],
    by: ByOption,
    why: Annotated[str, typer.Option(help="Why; the purpose without it.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Give a grant. Its id goes into downloads and queries over HTTP."""
    settings = Settings()
    ContractStore(settings.contracts).require(dataset)
    for option, text in (("--consumer", consumer), ("--purpose", purpose)):
        if not text.strip():
            raise typer.BadParameter("expected a text", param_hint=option)
    wanted = Wanted(dataset, consumer, purpose, expiry(_when(expires), now()))
    with open_instance(settings) as instance:
        _print([give(instance, wanted, by, why)], as_json)


@app.command(name="list")
def list_grants(
    dataset: Annotated[str | None, typer.Argument(help="The dataset; all without.")] = None,
    as_json: JsonOption = False,
) -> None:
    """List grants, those that have ended too."""
    settings = Settings()
    store = ContractStore(settings.contracts)
    if dataset is not None:
        store.require(dataset)
    datasets = store.datasets() if dataset is None else [dataset]
    with open_instance(settings) as instance:
        found = [grant for name in datasets for grant in grants_of(instance, name).values()]
    _print(found, as_json)


@app.command()
def revoke(
    grant: Annotated[str, typer.Argument(help="The grant's id.")],
    by: ByOption,
    why: Annotated[str, typer.Option("--why", help="For what reason; stays on record.")],
    as_json: JsonOption = False,
) -> None:
    """Revoke a grant: download URLs made under it stop to work at once."""
    with open_instance(Settings()) as instance:
        _print([revoke_grant(instance, grant, by, why)], as_json)


def _when(text: str) -> date | datetime:
    """Return the day or time that a text names. Raises: GrantExpiryError: it names none."""
    try:
        is_day = len(text) <= len("2027-12-31")
        return date.fromisoformat(text) if is_day else datetime.fromisoformat(text)
    except ValueError:
        raise GrantExpiryError("it is neither a day nor a time") from None


def _print(grants: Sequence[Grant], as_json: bool) -> None:
    at = now()
    if as_json:
        print_json([asdict(grant) | {"state": grant.state(at)} for grant in grants])
        return
    if not grants:
        console.print("no grants")
        return
    rows = [
        (g.id, g.consumer, g.purpose, g.expires.isoformat(timespec="minutes"), g.state(at))
        for g in grants
    ]
    print_table(("grant", "consumer", "purpose", "expires", "state"), rows)
