"""The contract as a pandera schema of its published data, for those who read them into pandas.

Rules that pandas cannot judge are not in it: expressions (SQL), foreign keys, and rules over one
batch. The schema over delivered texts is in `record_schema.py`.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np
import pandas as pd
import pandera.pandas as pandera
from numpy.typing import NDArray

from lakehouse_pipeline.contracts.column_checks import Series, column_checks, named_check
from lakehouse_pipeline.contracts.model import Column, Contract
from lakehouse_pipeline.contracts.pandas_frames import pandas_dtype
from lakehouse_pipeline.contracts.pandera_checks import pandera_check, verdicts
from lakehouse_pipeline.contracts.published import (
    is_published,
    published_columns,
    published_keys,
    stored_type,
)
from lakehouse_pipeline.names import BATCH_ID, RECORD, RELEASED, SYSTEM_COLUMNS


def published_schema(
    contract: Contract, *, exempt_released: bool = True
) -> pandera.DataFrameSchema:
    """Return the schema of `lakehouse_pipeline.read`: columns, order, types, rules that hold.

    Checks bear the names of the rules (`amount.minimum`); those of severity warning only warn.
    A record that a steward released may break its rules: unless `exempt_released` is false, rules
    are therefore judged over the frame, without the released records, and not per column.

    Raises: UnknownCheckError: a rule of engine pandera names a check that is not registered.
    """
    columns = {c.name: _column(contract, c) for c in published_columns(contract)}
    checks = [
        _of_columns(pandera_check(rule), rule.columns)
        for rule in contract.pandera_checks
        if len(rule.columns) > 1 and is_published(contract, rule.columns)
    ]
    checks += [
        _frame_check(key.name, partial(_no_repeats, key.columns))
        for key in published_keys(contract)
        if len(key.columns) > 1
    ]
    if exempt_released:
        columns, checks = _exempting(columns, checks)
    return pandera.DataFrameSchema(
        {**columns, **_system_columns()},
        checks=checks,
        unique=[BATCH_ID, RECORD],
        strict=True,
        ordered=True,
        name=contract.dataset,
        title=f"{contract.dataset} {contract.version}",
        description=contract.description or None,
    )


def _system_columns() -> dict[str, pandera.Column]:
    return {name: pandera.Column(pandas_dtype(sql)) for name, sql in SYSTEM_COLUMNS.items()}


def _column(contract: Contract, column: Column) -> pandera.Column:
    own = [
        pandera_check(rule)
        for rule in contract.pandera_checks
        if rule.columns == (column.name,) and is_published(contract, rule.columns)
    ]
    warns_null = column.required and "required" in column.warns
    checks = [*column_checks(column), *own]
    if warns_null:
        checks.append(named_check(column, "required", Series.notna, ignore_na=False))
    return pandera.Column(
        pandas_dtype(stored_type(column)),
        checks,
        nullable=not column.required or warns_null,
        unique=column.unique and "unique" not in column.warns,
        description=column.description or None,
    )


def _frame_check(
    name: str, keeps: Callable[[pd.DataFrame], Series], *, warns: bool = False
) -> pandera.Check:
    return pandera.Check(keeps, name=name, ignore_na=False, raise_warning=warns)


def _of_columns(check: pandera.Check, names: Sequence[str]) -> pandera.Check:
    """Return the check of a frame, given these columns of it only."""

    def keeps(frame: pd.DataFrame) -> Series:
        return Series(_verdicts(check, frame[list(names)]), index=frame.index)

    return _frame_check(str(check.name), keeps, warns=check.raise_warning)


def _no_repeats(names: Sequence[str], frame: pd.DataFrame) -> Series:
    """Say of each record whether no earlier one has its key; a null in it repeats nothing."""
    keys = frame[list(names)]
    return ~(keys.duplicated() & keys.notna().all(axis=1))


def _exempting(
    columns: Mapping[str, pandera.Column], checks: Sequence[pandera.Check]
) -> tuple[dict[str, pandera.Column], list[pandera.Check]]:
    """Return columns without rules, and all rules as checks that leave out released records."""
    moved = []
    for name, column in columns.items():
        if not column.nullable:
            required = pandera.Check(Series.notna, name=f"{name}.required", ignore_na=False)
            moved.append(_unless_released(required, name))
        moved += [_unless_released(check, name) for check in column.checks]
        if column.unique:
            unique = _frame_check(f"{name}.unique", partial(_no_repeats, [name]))
            moved.append(_unless_released(unique))
    moved += [_unless_released(check) for check in checks]
    bare = {
        name: pandera.Column(column.dtype, nullable=True, description=column.description)
        for name, column in columns.items()
    }
    return bare, moved


def _unless_released(check: pandera.Check, column: str | None = None) -> pandera.Check:
    def keeps(frame: pd.DataFrame) -> Series:
        judged = ~frame[RELEASED].to_numpy(dtype=bool, na_value=False)
        asked = frame[judged]
        kept = np.ones(len(frame), dtype=bool)
        kept[judged] = _verdicts(check, asked if column is None else asked[column])
        return Series(kept, index=frame.index)

    return _frame_check(str(check.name), keeps, warns=check.raise_warning)


def _verdicts(check: pandera.Check, asked: "Series | pd.DataFrame") -> NDArray[np.bool_]:
    """Return whether each record keeps the check, true where its value is null and not asked."""
    if isinstance(asked, pd.DataFrame) or not check.ignore_na:
        return verdicts(check, asked)
    kept = np.ones(len(asked), dtype=bool)
    known = asked.notna().to_numpy(dtype=bool)
    kept[known] = verdicts(check, asked[known])
    return kept
