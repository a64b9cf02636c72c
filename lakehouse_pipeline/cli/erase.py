"""`lakehouse erase`: take one person's records out of everything, and show that it was done."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from lakehouse_pipeline.cli.erase_output import print_certificate, print_erasures, print_searched
from lakehouse_pipeline.cli.output import JsonOption, console, errors, print_json
from lakehouse_pipeline.lake.bucket_folder import objects_of
from lakehouse_pipeline.lake.byte_search import Searched, joined, search, search_bucket
from lakehouse_pipeline.lake.erasure_requests import Erasure, Erasures
from lakehouse_pipeline.orchestration.erasure import ErasureDesk
from lakehouse_pipeline.orchestration.instance import open_instance
from lakehouse_pipeline.settings import Settings

STDIN = Path("-")


def erase(
    subject: Annotated[
        str | None,
        typer.Option("--subject", help="The person; stays in the shell's history, see below."),
    ] = None,
    subject_file: Annotated[
        Path | None,
        typer.Option("--subject-file", help="A file with the person's value; - reads stdin."),
    ] = None,
    dataset: Annotated[
        str | None, typer.Option("--dataset", "-d", help="The dataset to erase from.")
    ] = None,
    everywhere: Annotated[
        bool, typer.Option("--all", help="Erase from every dataset that names subjects.")
    ] = False,
    by: Annotated[str, typer.Option("--by", help="Who erases.")] = "",
    why: Annotated[str, typer.Option("--why", help="Why; it stands in the certificate.")] = "",
    resume: Annotated[bool, typer.Option("--resume", help="Finish what was cut off.")] = False,
    show_list: Annotated[bool, typer.Option("--list", help="List all erasures.")] = False,
    show: Annotated[str | None, typer.Option("--show", help="Show a certificate.")] = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="Search every byte of home and bucket for the value.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Erase a person from landing, all layers, older versions and exports; write a certificate.

    The person is named by the value of the column that the contract marks with `subject`, exactly
    as it stands or as the same number or date. Without --subject and --subject-file it is asked
    for, and typed unseen. Records of a person who was erased do not enter again.

    What cannot be undone: the records, and older versions of the tables for the batches concerned.
    Older versions and soft-deleted objects of a bucket are out of reach: the certificate says so.
    Exits with 1 when --verify finds the value, in a file or in a name.
    """
    settings = Settings()
    if show_list or show:
        _shown(settings, show, as_json)
    elif resume:
        with open_instance(settings) as instance, console.status("erasing"):
            done = list(ErasureDesk(instance, settings).resume())
        print_json(done) if as_json else print_erasures(done)
    elif verify:
        _verify(settings, _subject(subject, subject_file), as_json)
    else:
        if (dataset is None) is not everywhere:
            raise typer.BadParameter("give --dataset D or --all", param_hint="--dataset")
        value = _subject(subject, subject_file)
        with open_instance(settings) as instance, console.status("erasing"):
            desk = ErasureDesk(instance, settings)
            certificate = desk.carry_out(desk.request(value, dataset, by, why))
        _certificate(desk.erasures, certificate, as_json)


def _subject(value: str | None, file: Path | None) -> str:
    """Return the person's value from where it was given.

    Of a file neither a byte order mark nor a last line end is part of it.
    """
    if value is not None and file is not None:
        raise typer.BadParameter("give --subject or --subject-file", param_hint="--subject")
    if value is not None:
        errors.print(
            "--subject stands in the shell's history now; --subject-file - does not.",
            style="yellow",
        )
        return value
    if file is None:
        return str(typer.prompt("Subject", hide_input=True, err=True))
    data = sys.stdin.buffer.read() if file == STDIN else file.read_bytes()
    try:
        return data.decode("utf-8-sig").removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise typer.BadParameter("expected text in UTF-8", param_hint="--subject-file") from None


def _shown(settings: Settings, erasure: str | None, as_json: bool) -> None:
    erasures = Erasures(settings.erasures)
    if erasure is not None:
        _certificate(erasures, erasures.get(erasure), as_json)
    else:
        print_json(erasures.all()) if as_json else print_erasures(erasures.all())


def _certificate(erasures: Erasures, one: Erasure, as_json: bool) -> None:
    print_json(one) if as_json else print_certificate(one, erasures.earlier(one))


def _searched(settings: Settings, value: str) -> Iterator[Searched]:
    """Search the home, then the folder or bucket of landing and lake where it is elsewhere."""
    yield search([settings.home], value)
    if objects := objects_of(settings.place):
        yield search_bucket(objects, value, settings.home / "tmp")
    elif settings.home not in (settings.place, *settings.place.parents):
        yield search([settings.place], value)


def _verify(settings: Settings, value: str, as_json: bool) -> None:
    with console.status("searching every byte"):
        searched = joined(_searched(settings, value))
    print_json(searched) if as_json else print_searched(searched)
    if searched.found or searched.unreadable or searched.named:
        raise typer.Exit(1)
