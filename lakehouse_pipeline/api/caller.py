"""Who makes the call that is being answered: the token it came with, and what follows from it.

`doorkeeper.py` sets it before anything else runs; threads that answer a call inherit it. Without
tokens there is no caller: then everybody is let in, and `by` says who acts.
"""

from collections.abc import Iterable
from contextvars import ContextVar
from typing import Annotated

from pydantic import AfterValidator

from lakehouse_pipeline.access.tokens import Token
from lakehouse_pipeline.errors import LakehouseError

ANONYMOUS = "api"
"""Who acts when a call does not say so and no token does."""

CALLER: ContextVar[Token | None] = ContextVar("caller", default=None)


class ForeignNameError(LakehouseError):
    """A call says that somebody else makes it than who holds its token."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"'by' names somebody else than this token, which is {name}'s. Leave 'by' out: the "
            "token's name stands in the events."
        )


class OutOfReachError(LakehouseError):
    """A token is bound to other datasets; whether this one exists is not said."""

    def __init__(self, token: Token, dataset: str) -> None:
        super().__init__(
            f"the token of {token.name} is for {', '.join(token.datasets)} and not for "
            f"'{dataset}'. Whoever runs this installation makes one that is: "
            "lakehouse token create --dataset …"
        )


def actor(said: str = ANONYMOUS) -> str:
    """Return who acts: who holds the token, else who the call says.

    Raises: ForeignNameError: they differ.
    """
    token = CALLER.get()
    if token is None:
        return said
    if said not in (ANONYMOUS, token.name):
        raise ForeignNameError(token.name)
    return token.name


def within_reach(dataset: str) -> str:
    """Return `dataset`. Raises: OutOfReachError: the caller's token is bound to others."""
    token = CALLER.get()
    if token is not None and not token.reaches(dataset):
        raise OutOfReachError(token, dataset)
    return dataset


def reachable(datasets: Iterable[str]) -> list[str]:
    """Return those of `datasets` that the caller may know of, in their order."""
    token = CALLER.get()
    return [name for name in datasets if token is None or token.reaches(name)]


def bound_to() -> tuple[str, ...] | None:
    """Return the datasets that the caller's token is bound to, None when it is to none."""
    token = CALLER.get()
    return (token.datasets or None) if token is not None else None


Reached = Annotated[str, AfterValidator(within_reach)]
"""A dataset that a body names; one out of reach is refused before the call does anything."""
