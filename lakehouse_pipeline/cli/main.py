"""The `lakehouse` command: its list of commands, and how errors end it.

Exit status: 0 done, 1 the data is at fault, 2 the call is at fault.
"""

import sys

import typer

from lakehouse_pipeline.cli import (
    anonymize,
    batches,
    contract,
    demo,
    erase,
    export,
    grant,
    ingest,
    key,
    quarantine,
    query,
    record,
    replay,
    retain,
    status,
    token,
    up,
    vault,
    verify,
    where,
)
from lakehouse_pipeline.cli.full_disk import full_disk_is_one_message
from lakehouse_pipeline.cli.output import errors
from lakehouse_pipeline.errors import LakehouseError

app = typer.Typer(
    name="lakehouse",
    help="A dropped CSV becomes a governed, anonymized, published table.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command()(demo.demo)
app.command()(up.up)
app.command()(ingest.ingest)
app.command()(status.status)
app.command()(batches.batches)
app.add_typer(quarantine.app, name="quarantine")
app.command()(record.record)
app.command()(replay.replay)
app.command()(retain.retain)
app.command()(anonymize.anonymize)
app.command()(erase.erase)
app.command()(query.query)
app.command()(export.export)
app.command()(where.where)
app.add_typer(grant.app, name="grant")
app.command()(verify.verify)
app.add_typer(contract.app, name="contract")
app.add_typer(token.app, name="token")
app.add_typer(key.app, name="key")
app.add_typer(vault.app, name="vault")


def main() -> None:
    """Run the command; print an error of the data or the call as its message alone."""
    try:
        with full_disk_is_one_message():
            app()
    except LakehouseError as error:
        errors.print(str(error), markup=False, style="red")
        sys.exit(error.exit_code)
