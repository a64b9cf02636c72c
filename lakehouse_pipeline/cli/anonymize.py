"""`lakehouse anonymize`: try a way of making a dataset safe, approve it, apply it, take it back."""

from typing import Annotated

import typer

from lakehouse_pipeline.cli.anonymize_output import (
    print_anonymizations,
    print_rehearsal,
    print_step,
)
from lakehouse_pipeline.cli.output import JsonOption, actor, console, print_json
from lakehouse_pipeline.cli.tables import print_batches
from lakehouse_pipeline.lake.anonymizations import Anonymization, shown
from lakehouse_pipeline.orchestration.anonymization import AnonymizationDesk
from lakehouse_pipeline.orchestration.anonymization_rollback import RollbackDesk
from lakehouse_pipeline.orchestration.batches import BatchState
from lakehouse_pipeline.orchestration.instance import open_instance
from lakehouse_pipeline.settings import Settings


def anonymize(
    dataset: Annotated[str, typer.Argument(help="The dataset.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be published; change nothing.")
    ] = False,
    contract: Annotated[
        str | None, typer.Option(help="The contract version to try; the active one without it.")
    ] = None,
    batch: Annotated[
        list[str] | None, typer.Option(help="A batch; all that validated holds without it.")
    ] = None,
    approve: Annotated[
        str | None, typer.Option(metavar="ID", help="Approve a dry run of somebody else.")
    ] = None,
    apply: Annotated[
        str | None, typer.Option(metavar="ID", help="Apply a dry run that was approved.")
    ] = None,
    rollback: Annotated[
        str | None, typer.Option(metavar="ID", help="Take back what was applied.")
    ] = None,
    show_list: Annotated[bool, typer.Option("--list", help="List the dry runs.")] = False,
    by: Annotated[
        str | None, typer.Option("--by", help="Who does it; a dry run takes your login without it.")
    ] = None,
    why: Annotated[str, typer.Option("--why", help="For what reason; stays on record.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Try a way of making personal columns safe; then approve it, apply it, take it back.

    \b
    lakehouse anonymize --dry-run orders --contract 2.0.0 --by ada
    lakehouse anonymize orders --approve 20261125-1f0c4a9e --by ben --why "looked at it"
    lakehouse anonymize orders --apply 20261125-1f0c4a9e --by ada
    lakehouse anonymize orders --rollback 20261125-1f0c4a9e --by ben --why "a mistake"
    lakehouse anonymize orders --list

    A dry run shows five records as they are and as they would be: do not print it where others
    read. It is shown here and kept nowhere. Somebody else has to approve it. Exits with 1 when
    batches that are published would not be any more, or are not after applying.
    """  # noqa: D301 - Click's mark of lines that are not to be joined
    chosen = [dry_run, approve is not None, apply is not None, rollback is not None, show_list]
    if sum(chosen) != 1:
        one_of = "give one of --dry-run, --approve ID, --apply ID, --rollback ID, --list"
        raise typer.BadParameter(one_of, param_hint="lakehouse anonymize")
    if (contract or batch) and not dry_run:
        raise typer.BadParameter("go with --dry-run", param_hint="--contract, --batch")
    settings = Settings()
    if show_list:
        _list(settings, dataset, as_json)
    elif dry_run:
        _rehearse(settings, dataset, contract, batch or [], by, why, as_json)
    elif approve is not None:
        with open_instance(settings) as instance:
            one = AnonymizationDesk(instance, settings).approve(dataset, approve, by or "", why)
        print_json(shown(one)) if as_json else print_step(one)
    elif apply is not None:
        with open_instance(settings) as instance, console.status(f"anonymizing {dataset}"):
            desk = AnonymizationDesk(instance, settings)
            one, states = desk.apply(dataset, apply, by or "")
        _after(one, states, as_json)
        if any(state.state != "published" for state in states):
            raise typer.Exit(1)
    elif rollback is not None:
        with open_instance(settings) as instance, console.status(f"rolling back {dataset}"):
            desk = AnonymizationDesk(instance, settings)
            one, states = RollbackDesk(desk).roll_back(dataset, rollback, by or "", why)
        _after(one, states, as_json)


def _list(settings: Settings, dataset: str, as_json: bool) -> None:
    with open_instance(settings) as instance:
        found = AnonymizationDesk(instance, settings).listed(dataset)
    print_json([shown(one) for one in found]) if as_json else print_anonymizations(found)


def _rehearse(
    settings: Settings,
    dataset: str,
    version: str | None,
    batches: list[str],
    by: str | None,
    why: str,
    as_json: bool,
) -> None:
    who = actor() if by is None else by
    with open_instance(settings) as instance, console.status(f"dry run over {dataset}"):
        desk = AnonymizationDesk(instance, settings)
        done = desk.rehearse(dataset, version, batches, who, why)
    print_json(done) if as_json else print_rehearsal(done)
    if done.taken_out:
        raise typer.Exit(1)


def _after(one: Anonymization, states: list[BatchState], as_json: bool) -> None:
    if as_json:
        print_json({"anonymization": shown(one), "batches": states})
    else:
        print_step(one)
        print_batches(states)
