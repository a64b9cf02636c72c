"""What became of a batch, in one sentence for who delivered it."""

from lakehouse_pipeline.api.portal.words import Speech
from lakehouse_pipeline.orchestration.batches import BatchState

FINAL = frozenset({"published", "refused", "failed", "stopped", "expired"})
DURATIONS = (("d", 86_400), ("h", 3_600), ("min", 60))


def is_final(state: BatchState) -> bool:
    """Return whether nothing more happens to a batch until a person does something."""
    return state.state in FINAL or state.waits


def sentence(state: BatchState, say: Speech) -> str:
    """Return what became of a batch; reasons of the gate are told as they stand in its check."""
    if state.state == "published":
        return say(
            "said.published",
            published=state.published or 0,
            records=state.records or 0,
            quarantined=state.quarantined or 0,
        )
    if state.state == "running" or (state.state == "waiting" and not state.why):
        return say("said.running")
    return f"{say(f'state.{state.state}')}: {state.why}".rstrip(": ")


def duration(seconds: float) -> str:
    """Return a time span in its largest unit, rounded down; at least a minute."""
    for unit, length in DURATIONS:
        if seconds >= length:
            return f"{int(seconds // length)} {unit}"
    return "1 min"
