"""Rules of engine `pandera`: checks that users register with pandera, found, judged and run.

A user writes a function, decorates it with `pandera.extensions.register_check_method` and lists its
module in the settings; a contract names it. The modules are loaded by
`check_modules.py`; where the records come from is the pipeline's part.
"""

import inspect
from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
import pandera.pandas as pandera
from numpy.typing import NDArray
from pandas.api.extensions import ExtensionArray
from pandas.api.types import is_bool_dtype
from pandera.backends.pandas.checks import PandasCheckBackend

from lakehouse_pipeline.contracts.model import PanderaCheck
from lakehouse_pipeline.contracts.quoting import told
from lakehouse_pipeline.errors import (
    CheckRaisedError,
    CheckResultError,
    UnknownCheckError,
    nearest,
)


def known_checks() -> tuple[str, ...]:
    """Return the names of the checks that were registered, by name."""
    return tuple(sorted(pandera.Check.REGISTERED_CUSTOM_CHECKS))


def check_problem(rule: PanderaCheck) -> str | None:
    """Return what is wrong with the check that a rule names or with its arguments, if anything."""
    known = known_checks()
    if rule.check not in known:
        listed = f" Registered: {', '.join(known)}." if known else " None is registered."
        return f"unknown check '{rule.check}'.{nearest(rule.check, known)}{listed}"
    takes = _arguments(rule.check)
    for name in rule.arguments:
        if name not in takes:
            listed = ", ".join(takes) or "none"
            return (
                f"check '{rule.check}' has no argument '{name}'.{nearest(name, takes)} "
                f"Known: {listed}."
            )
    missing = [n for n, needed in takes.items() if needed and n not in rule.arguments]
    if missing:
        return f"check '{rule.check}' needs the argument '{missing[0]}'."
    return None


def pandera_check(rule: PanderaCheck) -> pandera.Check:
    """Return the rule as a check that bears the rule's name. Raises: UnknownCheckError."""
    problem = check_problem(rule)
    if problem is not None:
        raise UnknownCheckError(rule.name, problem)
    check: pandera.Check = getattr(pandera.Check, rule.check)(**rule.arguments)
    check.name = check.error = rule.name
    check.raise_warning = rule.severity == "warning"
    return check


def verdicts(check: pandera.Check, asked: "pd.Series | pd.DataFrame") -> NDArray[np.bool_]:
    """Return whether each value, or each record of a frame, keeps the check; null keeps it.

    Raises: CheckResultError: the check did not say true or false of each.
    """
    said: object = PandasCheckBackend(check).apply(asked)  # type: ignore[no-untyped-call]  # pandera
    return _as_bools(str(check.name), said, asked)


def failures(
    rule: PanderaCheck, frame: pd.DataFrame, *, personal: bool = False
) -> NDArray[np.bool_]:
    """Return for each record of `frame` whether it breaks the rule; order kept.

    A check of one column sees the series of its values that are not null, one of several columns
    their frame, nulls included. A verdict that is null keeps the rule.

    Args:
        rule: names the columns, which `frame` has.
        frame: typed values, as `pandas_frames.to_frame` makes it.
        personal: whether a column of the rule is personal; then the message of an error in the
            check is withheld, since it may quote a value.

    Raises:
        UnknownCheckError: the check is not registered, or its arguments do not fit.
        CheckRaisedError: the check raised.
        CheckResultError: the check did not say true or false of each record.
    """
    check = pandera_check(rule)
    if len(rule.columns) > 1:
        return ~_run(rule, check, frame[list(rule.columns)], personal=personal)
    values = frame[rule.columns[0]]
    asked = values.notna().to_numpy(dtype=bool)
    broken = np.zeros(len(frame), dtype=bool)
    if asked.any():
        broken[asked] = ~_run(rule, check, values[asked], personal=personal)
    return broken


def check_module(name: str) -> str:
    """Return the module that a registered check is written in."""
    function = inspect.unwrap(_function(name))
    return str(function.__module__)


def _function(name: str) -> Callable[..., object]:
    """Return the function behind a registered check, as pandera calls it."""
    function: Callable[..., object] = getattr(pandera.Check, name)()._check_fn.func  # noqa: SLF001 - pandera has no other way to it
    return function


def _arguments(name: str) -> Mapping[str, bool]:
    """Return the arguments of a registered check, and whether each must be given."""
    parameters = list(inspect.signature(_function(name)).parameters.values())[1:]
    return {p.name: p.default is p.empty for p in parameters if p.kind is not p.VAR_KEYWORD}


def _run(
    rule: PanderaCheck, check: pandera.Check, asked: "pd.Series | pd.DataFrame", *, personal: bool
) -> NDArray[np.bool_]:
    """Return the verdicts of a user's check, whose errors are told as its own."""
    try:
        return verdicts(check, asked)
    except CheckResultError:
        raise
    except Exception as error:
        problem = told(type(error).__name__, str(error), personal=personal)
        if not personal:
            raise CheckRaisedError(rule.name, rule.check, problem) from error
    raise CheckRaisedError(rule.name, rule.check, problem)


def _as_bools(rule: str, said: object, asked: "pd.Series | pd.DataFrame") -> NDArray[np.bool_]:
    if isinstance(said, pd.DataFrame):  # a verdict on each value of a record: all must hold
        kept = np.ones(len(asked), dtype=bool)
        for name in said.columns:
            kept &= _as_bools(rule, said[name], asked)
        return kept
    if isinstance(said, np.ndarray | ExtensionArray) and len(said) == len(asked):
        said = pd.Series(said, index=asked.index)
    if not isinstance(said, pd.Series):
        what = "one verdict for all" if isinstance(said, bool | np.bool_) else "no series"
        raise CheckResultError(rule, f"{what} ({type(said).__name__})")
    if len(said) != len(asked):
        raise CheckResultError(rule, f"{len(said)} verdicts on {len(asked)} values")
    if not said.index.equals(asked.index):
        raise CheckResultError(rule, "verdicts with another index")
    if not is_bool_dtype(said.dtype) and not said.dropna().map(_is_bool).all():
        raise CheckResultError(rule, f"verdicts of type {said.dtype}")
    return said.to_numpy(dtype=bool, na_value=True) if said.hasnans else said.to_numpy(dtype=bool)


def _is_bool(value: object) -> bool:
    return isinstance(value, bool | np.bool_)
