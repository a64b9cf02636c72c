"""Whether a version breaks what the one before it promised: then nothing activates it unasked.

The one place where the life cycle asks that question; `compare.py` answers it.
"""

from lakehouse_pipeline.contracts.compare import compare
from lakehouse_pipeline.contracts.model import Contract


def is_breaking(old: Contract, new: Contract) -> list[str]:
    """Return what `new` breaks of the promises of `old`, one sentence each; empty if nothing."""
    return [str(change) for change in compare(old, new) if change.kind == "breaking"]
