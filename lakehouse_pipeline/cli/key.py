"""`lakehouse key`: the key of hash, pseudonymize and noise."""

from typing import Annotated

import typer

from lakehouse_pipeline.cli.life_cycle import ByOption, WhyOption
from lakehouse_pipeline.cli.output import JsonOption, console, print_json
from lakehouse_pipeline.lake.keys import known_keys
from lakehouse_pipeline.orchestration.instance import open_instance
from lakehouse_pipeline.orchestration.secrecy import Signed, rotate_key
from lakehouse_pipeline.settings import Settings

app = typer.Typer(
    help="The key that hashes, pseudonyms and noise are made with.", no_args_is_help=True
)


@app.command("list")
def list_keys(as_json: JsonOption = False) -> None:
    """Show the ids of every key this home had, the current one last; never a key."""
    ids = list(known_keys(Settings().keys))
    if as_json:
        print_json({"current": ids[-1], "retired": ids[:-1]})
        return
    for name in ids[:-1]:
        console.print(f"{name}  retired")
    console.print(f"{ids[-1]}  current")


@app.command("rotate")
def rotate(
    by: ByOption,
    why: WhyOption,
    replay: Annotated[
        bool, typer.Option("--replay", help="Make every batch safe again under the new key.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Make a new key the current one; the old one stays known under its id.

    Batches that are not replayed keep what the old key made: the same person then has another hash
    and another pseudonym in new batches, and the two cannot be joined.
    """
    settings, signed = Settings(), Signed(by, why)
    with open_instance(settings) as instance:
        rotated = rotate_key(instance, settings, signed, replay=replay)
    if as_json:
        print_json(rotated)
        return
    console.print(f"key {rotated.new} is current, {rotated.old} is retired")
    for dataset in rotated.datasets:
        said = "was made safe again" if replay else f"lakehouse replay {dataset} --from anonymized"
        console.print(f"{dataset}: {said}", markup=False)
