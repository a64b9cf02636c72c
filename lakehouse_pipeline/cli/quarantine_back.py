"""`lakehouse quarantine correct`, `release` and `hold`: a person decides over what is set aside."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from lakehouse_pipeline.cli.output import JsonOption, actor, console, print_json
from lakehouse_pipeline.cli.tables import print_batches
from lakehouse_pipeline.contracts.counted import counted
from lakehouse_pipeline.lake.contract_store import ContractStore
from lakehouse_pipeline.orchestration.batches import BatchState, batch_states
from lakehouse_pipeline.orchestration.instance import open_instance
from lakehouse_pipeline.orchestration.quarantine import Desk
from lakehouse_pipeline.settings import Settings

DatasetArgument = Annotated[str, typer.Argument(help="The dataset.")]
BatchArgument = Annotated[str, typer.Argument(help="The batch; list them: lakehouse batches.")]
ByOption = Annotated[str, typer.Option("--by", help="Who decides.")]
WhyOption = Annotated[str, typer.Option("--why", help="Why; it stands in the event.")]


def correct(
    dataset: DatasetArgument,
    batch: BatchArgument,
    file: Annotated[Path, typer.Argument(help="The exported CSV with corrected values.")],
    by: Annotated[str | None, typer.Option("--by", help="Who sends it; you without it.")] = None,
    why: WhyOption = "corrected by the supplier",
    as_json: JsonOption = False,
) -> None:
    """Take corrected records back: those that now keep every rule join the batch's layers.

    They keep their record numbers; the others stay in quarantine with what is still wrong.
    """
    with _desk(dataset, batch, by or actor(), why) as desk, console.status("judging again"):
        before = _state(desk)
        given = desk.correct(file)
        state = _state(desk)
    facts = {
        "corrected": given.records.num_rows,
        "unchanged": given.unchanged,
        "passed": (state.validated or 0) - (before.validated or 0),
    }
    said = ", ".join(f"{count:,} {what}" for what, count in facts.items())
    if given.elsewhere:
        said += f"; {given.elsewhere:,} of other batches left out: correct those batches too"
    _print(state, {**facts, "elsewhere": given.elsewhere}, said, as_json)


def release(
    dataset: DatasetArgument,
    batch: BatchArgument,
    by: ByOption,
    why: WhyOption,
    record: Annotated[
        list[int] | None, typer.Option("--record", help="A record that may pass; repeatable.")
    ] = None,
    rule: Annotated[
        str | None, typer.Option("--rule", help="The rule that its records may break.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Let records pass although a rule fails, or publish a batch that its gate holds back.

    Never a rule of a type, of a key or of personal data. What was released is marked `_released`
    in every later layer.
    """
    if record and rule is not None:
        raise typer.BadParameter("give --record or --rule, not both", param_hint="--rule")
    with _desk(dataset, batch, by, why) as desk, console.status("releasing"):
        if record:
            said = f"{counted(desk.release_records(record), 'record')} released"
        elif rule is not None:
            said = f"{counted(desk.release_rule(rule), 'record')} released from {rule}"
        else:
            said = f"the batch is released from: {', '.join(desk.release_batch())}"
        state = _state(desk)
    _print(state, {"released": said}, said, as_json)


def hold(
    dataset: DatasetArgument,
    batch: BatchArgument,
    by: ByOption,
    why: WhyOption,
    as_json: JsonOption = False,
) -> None:
    """Put a whole batch into quarantine; what is published of it is withdrawn at once.

    It comes back with: lakehouse quarantine release DATASET BATCH
    """
    with _desk(dataset, batch, by, why) as desk, console.status("withdrawing"):
        desk.hold()
        state = _state(desk)
    _print(state, {"held": True}, f"{batch} is held back", as_json)


@contextmanager
def _desk(dataset: str, batch: str, by: str, why: str) -> Iterator[Desk]:
    settings = Settings()
    contract = ContractStore(settings.contracts).active(dataset)
    with open_instance(settings) as instance:
        yield Desk(instance, settings, contract, batch, by, why)


def _state(desk: Desk) -> BatchState:
    states = batch_states(desk.instance, desk.contract.dataset, [desk.batch])
    return states[0] if states else BatchState(desk.contract.dataset, desk.batch, "unknown")


def _print(state: BatchState, facts: dict[str, object], said: str, as_json: bool) -> None:
    if as_json:
        print_json({"batch": state, **facts})
    else:
        console.print(said, markup=False)
        print_batches([state])
