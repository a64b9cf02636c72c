"""One difference between two versions of a contract, and the words it is told in.

What counts as breaking, and for whom, is decided in docs/decisions/0006-what-is-breaking.md.
"""

from dataclasses import dataclass
from typing import Literal, NamedTuple

Kind = Literal["breaking", "compatible", "documentation"]
KINDS: tuple[Kind, ...] = ("breaking", "compatible", "documentation")

Promise = Literal[
    "columns",
    "types",
    "order",
    "rules",
    "privacy",
    "keys",
    "publish",
    "retention",
    "freshness",
    "reading",
    "documentation",
]
"""Which promise a change touches; `reading` is how the files of the producers are read."""

Effect = Literal["none", "evolves", "replay"]
"""How tables follow: not at all, by themselves with the next batch, or when they are replayed."""

Audience = Literal["consumers", "producers", "subjects"]
Direction = Literal["tightened", "loosened", "weakened", "strengthened", "changed"]
"""Rules are tightened or loosened, privacy is weakened or strengthened; `changed` is neither, or
cannot be proven to be one of them."""


class Tables(NamedTuple):
    """How tables that hold older batches follow a change: the effect, and a sentence about it."""

    effect: Effect
    sentence: str


UNTOUCHED = Tables("none", "")
NULL_BEFORE = Tables("evolves", "Older batches hold null in it; no replay is needed.")
WIDENED = Tables(
    "evolves", "The next batch rewrites older ones in the wider type; no replay is needed."
)
REORDERED = Tables("evolves", "The Delta table has the new order from the next batch on.")
LEFT_BEHIND = Tables(
    "replay", "Older batches keep it until they are replayed, newer ones hold null."
)
AS_BEFORE = Tables("replay", "Older batches keep their values as they are until they are replayed.")
JUDGED_BEFORE = Tables("replay", "Older batches stay as they were judged until they are replayed.")
REBUILT = Tables("replay", "No batch is taken until every batch is replayed, all in one run.")


@dataclass(frozen=True, slots=True)
class Change:
    """What differs at one place.

    `where` is the column, rule or part; `what` one sentence about it. `breaks` are those whose
    promise is broken, empty unless `kind` is breaking. `effect` and `tables` say how tables follow.
    """

    where: str
    what: str
    kind: Kind
    promise: Promise
    direction: Direction = "changed"
    breaks: tuple[Audience, ...] = ()
    effect: Effect = "none"
    tables: str = ""

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


def changed(  # noqa: PLR0913 - the facts of a change, each by name
    where: str,
    what: str,
    promise: Promise,
    *,
    direction: Direction = "changed",
    breaks: tuple[Audience, ...] = (),
    tables: Tables = UNTOUCHED,
) -> Change:
    """Return a change that is breaking when it breaks a promise to anyone, else compatible."""
    kind: Kind = "breaking" if breaks else "compatible"
    return Change(where, what, kind, promise, direction, breaks, tables.effect, tables.sentence)


def ruled(
    where: str,
    what: str,
    direction: Direction,
    *,
    seen: bool,
    promise: Promise = "rules",
) -> Change:
    """Return the change of a rule that refuses data; `seen` when consumers see what it is about.

    Tightened it breaks the promise to producers, loosened the one to consumers, changed both.
    """
    breaks: tuple[Audience, ...] = ()
    if seen and direction != "tightened":
        breaks += ("consumers",)
    if direction != "loosened":
        breaks += ("producers",)
    return changed(where, what, promise, direction=direction, breaks=breaks, tables=JUDGED_BEFORE)


def documented(where: str, what: str) -> Change:
    """Return a change of words only."""
    return Change(where, what, "documentation", "documentation")


def reworded(where: str, name: str, old: str, new: str) -> Change:
    """Return the change of a text that nothing is computed from."""
    verb = "added" if not old else "changed" if new else "removed"
    return documented(where, f"The {name} is {verb}.")


def listed(names: tuple[str, ...], at_most: int = 5) -> str:
    """Return names in quotes, the first few of many."""
    more = f" and {len(names) - at_most} more" if len(names) > at_most else ""
    return ", ".join(f"'{name}'" for name in names[:at_most]) + more
