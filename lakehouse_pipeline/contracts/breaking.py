"""Whether a version breaks what the one before it promised: then nothing activates it unasked.

The one place where the life cycle asks that question.
"""

from lakehouse_pipeline.contracts.model import Contract
from lakehouse_pipeline.contracts.version import version_key


def is_breaking(old: Contract, new: Contract) -> list[str]:
    """Return what `new` breaks of the promises of `old`, one sentence each; empty if nothing.

    A version breaks them when its first number is another one: that is what the number says.
    """
    before, after = version_key(old.version) or (0,), version_key(new.version) or (0,)
    if before[0] == after[0]:
        return []
    return [f"{new.version} is another major version than {old.version}"]
