"""Techniques judged against their columns and the contract's compliance."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from math import log

from lakehouse_pipeline.contracts.expressions import check_expression
from lakehouse_pipeline.contracts.findings import Place
from lakehouse_pipeline.contracts.hierarchies import values_fault
from lakehouse_pipeline.contracts.literals import parse_literal
from lakehouse_pipeline.contracts.model import Column, Contract
from lakehouse_pipeline.contracts.techniques import TECHNIQUES, noise_bounds
from lakehouse_pipeline.contracts.types import least_step

NUMBERS = ("integer", "number")
DAYS = ("date", "timestamp")


def lint_technique(column: Column, contract: Contract, place: Place) -> None:
    """Judge the technique of `column`, whose custom property stands at `place`."""
    if column.anonymize is None:
        return
    check = _CHECKS.get(column.anonymize.technique)
    if check is not None:
        check(column, contract, place)


def missing_technique(column: Column, compliance: str) -> str:
    """Return the problem of a personal column that has no technique."""
    *known, last = TECHNIQUES
    return (
        f"column '{column.name}' is personal and the contract is under {compliance}, but it "
        f"has no technique; add the custom property 'anonymize' ({', '.join(known)} or {last})"
    )


def _given(column: Column, name: str) -> object:
    return column.anonymize.parameters.get(name) if column.anonymize else None


def _check_numbers(column: Column, _contract: Contract, place: Place) -> None:
    if column.type.logical not in NUMBERS and column.anonymize is not None:
        (place / "technique").error(
            f"technique '{column.anonymize.technique}' needs a number; column '{column.name}' is "
            f"{column.type.logical}"
        )


def _check_noise(column: Column, contract: Contract, place: Place) -> None:
    _check_numbers(column, contract, place)
    if column.type.logical not in NUMBERS:
        return
    _check_scale(column, place)
    texts = noise_bounds(column)
    if None in texts:
        place.error(
            "technique 'noise' is bounded: give it 'minimum' and 'maximum', or the column these "
            "rules"
        )
        return
    values = []
    for name, text in zip(("minimum", "maximum"), texts, strict=True):
        try:
            values.append(parse_literal(str(text), column.type))
        except ValueError as error:
            (place / name).error(f"'{name}': {error}")
    if len(values) == len(texts) and values[0] >= values[1]:  # type: ignore[operator] # numbers
        (place / "minimum").error(f"'minimum' {texts[0]} is not below 'maximum' {texts[1]}")


def _check_scale(column: Column, place: Place) -> None:
    """Noise is rounded to what the type holds: P(|noise| < unit / 2) = 1 - exp(-unit / 2 scale)."""
    unit = least_step(column.type.sql)
    epsilon, sensitivity = _given(column, "epsilon"), _given(column, "sensitivity")
    if unit is None or epsilon is None or sensitivity is None:
        return
    scale, least = float(str(sensitivity)) / float(str(epsilon)), float(unit) / (2 * log(2))
    if scale < least:
        (place / "epsilon").error(
            f"'epsilon': noise of scale {scale:.2g} (sensitivity / epsilon) leaves more than half "
            f"of the values as they are, since {column.type.sql} holds steps of {unit:f}; expected "
            f"a scale of {least:.2g} or more"
        )


def _check_generalize(column: Column, _contract: Contract, place: Place) -> None:
    logical, as_of = column.type.logical, _given(column, "asOf")
    of_dates = "bands" if as_of is not None else "to"
    fitting = {"step": NUMBERS, "bands": NUMBERS, "to": DAYS} | {of_dates: DAYS}
    for name, types in fitting.items():
        if _given(column, name) is not None and logical not in types:
            hint = "; a date needs 'asOf', the day ages are told for" if name == "bands" else ""
            (place / name).error(
                f"'{name}' needs {' or '.join(types)}; column '{column.name}' is {logical}{hint}"
            )
    if logical in NUMBERS and _given(column, "step") is not None:
        _check_step(column, Decimal(str(_given(column, "step"))), place / "step")
    if _given(column, "hierarchy") is not None:
        fault = values_fault(str(_given(column, "hierarchy")), column.type)
        if fault:
            (place / "hierarchy").error(f"'hierarchy': {fault}")


def _check_step(column: Column, step: Decimal, place: Place) -> None:
    unit = least_step(column.type.sql)
    if unit is not None and step <= unit:
        place.error(
            f"'step': a range of {step:f} holds one value of {column.type.sql} alone, which is "
            f"published as it is; expected more than {unit:f}"
        )


def _check_custom(column: Column, contract: Contract, place: Place) -> None:
    expression = _given(column, "expression")
    if contract.compliance != "standard":
        (place / "technique").error(
            f"technique 'custom' is not taken under {contract.compliance}: nothing shows that its "
            "result does not lead back to the value"
        )
    if expression is None:
        return
    others = [c.name for c in contract.columns if c.name != column.name and not c.personal]
    try:
        check_expression(str(expression), [column.name, *others])
    except ValueError as error:
        (place / "expression").error(f"expression: {error}")


_CHECKS: Mapping[str, Callable[[Column, Contract, Place], None]] = {
    "aggregate": _check_numbers,
    "noise": _check_noise,
    "generalize": _check_generalize,
    "custom": _check_custom,
}
