"""What became of a batch, in one sentence for who delivered it."""

import re

from lakehouse_pipeline.api.portal.words import Speech
from lakehouse_pipeline.layers.gate import TOO_MANY
from lakehouse_pipeline.orchestration.batches import BatchState

FINAL = frozenset({"published", "refused", "failed", "stopped", "expired"})
DURATIONS = (("d", 86_400), ("h", 3_600), ("min", 60))

_TOO_MANY = re.compile(
    rf"{TOO_MANY}: (\d+) of (\d+) records \((.+?) %\) are quarantined, the contract allows (.+?) %"
)


def is_final(state: BatchState) -> bool:
    """Return whether nothing more happens to a batch until a person does something."""
    return state.state in FINAL or state.waits


def sentence(state: BatchState, say: Speech) -> str:
    """Return what became of a batch."""
    if state.state == "published":
        return say(
            "said.published",
            published=state.published or 0,
            records=state.records or 0,
            quarantined=state.quarantined or 0,
        )
    if state.state == "running" or (state.state == "waiting" and not state.why):
        return say("said.running")
    return f"{say(f'state.{state.state}')}: {reason(state, say)}".rstrip(": ")


def reason(state: BatchState, say: Speech) -> str:
    """Return why a batch is where it is; what its check says, its commonest reason in words."""

    def in_words(said: re.Match[str]) -> str:
        quarantined, records, percent, allowed = said.groups()
        share = say.decimal(percent)
        facts = {"quarantined": int(quarantined), "records": int(records), "percent": share}
        return say("said.too_many", **facts, allowed=say.decimal(allowed))

    return _TOO_MANY.sub(in_words, state.why or state.warning)


def duration(seconds: float) -> str:
    """Return a time span in its largest unit, rounded down; at least a minute."""
    for unit, length in DURATIONS:
        if seconds >= length:
            return f"{int(seconds // length)} {unit}"
    return "1 min"
