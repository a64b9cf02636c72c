"""The schema of published data as a Python script that needs pandas, pandera and pyarrow only.

pandera's own `to_script` knows neither DECIMAL nor checks of one's own, so this writes the script.
The same schema as an object is in `contracts/pandera_schema.py`.
"""

import datetime as dt
from collections.abc import Iterator
from functools import cache
from importlib.resources import files

from lakehouse_pipeline.contracts.column_bounds import bounds
from lakehouse_pipeline.contracts.column_checks import typed
from lakehouse_pipeline.contracts.format_patterns import FORMATS
from lakehouse_pipeline.contracts.literals import python_format
from lakehouse_pipeline.contracts.model import Column, Contract, PanderaCheck
from lakehouse_pipeline.contracts.pandera_checks import check_module, pandera_check
from lakehouse_pipeline.contracts.published import (
    is_published,
    published_columns,
    published_keys,
    stored_type,
)
from lakehouse_pipeline.contracts.types import (
    PANDAS_NAMES,
    ColumnType,
    decimal_digits,
    format_pattern,
)
from lakehouse_pipeline.names import BATCH_ID, RECORD, RELEASED, SYSTEM_COLUMNS


def pandera_script(contract: Contract) -> str:
    """Return the script; it defines `schema` and `validate(frame)`.

    Raises: UnknownCheckError: a rule of engine pandera names a check that is not registered.
    """
    rules = [r for r in contract.pandera_checks if is_published(contract, r.columns)]
    lines = [
        f'"""The schema of published {contract.dataset!r}, version {contract.version}.',
        "",
        "Made by `lakehouse contract export --format pandera`; `validate(frame)` judges a frame.",
        *_left_out(contract),
        '"""',
        "",
        *_imports(rules),
        "",
        _helpers(),
        *_schema(contract, rules),
        "",
        "",
        "def validate(frame: pd.DataFrame) -> pd.DataFrame:",
        '    """Return the records that keep the contract\'s rules; one that does not is an error.',
        "",
        f"    Records that a steward released (`{RELEASED}`) may break rules and are left out.",
        '    """',
        f"    return schema.validate(frame[~frame[{RELEASED!r}]], lazy=True)",
    ]
    return "\n".join(lines) + "\n"


def _schema(contract: Contract, rules: list[PanderaCheck]) -> list[str]:
    columns = published_columns(contract)
    return [
        "",
        "schema = pandera.DataFrameSchema(",
        "    {",
        *(line for column in columns for line in _column(column, rules)),
        *(f"        {n!r}: pandera.Column({_dtype(t)})," for n, t in SYSTEM_COLUMNS.items()),
        "    },",
        "    checks=[",
        *(f"        {check}," for check in _frame_checks(contract, rules)),
        "    ],",
        f"    unique={[BATCH_ID, RECORD]!r},",
        "    strict=True,",
        "    ordered=True,",
        f"    name={contract.dataset!r},",
        f"    description={contract.description!r},",
        ")",
    ]


def _left_out(contract: Contract) -> Iterator[str]:
    names = [rule.name for rule in contract.expressions]
    names += [rule.name for rule in contract.foreign_keys]
    if names:
        yield f"Rules that pandas cannot judge are not in it: {', '.join(names)}."


def _imports(rules: list[PanderaCheck]) -> Iterator[str]:
    yield from ("import datetime", "import operator", "from decimal import Context, Decimal", "")
    yield from ("import numpy as np", "import pandas as pd", "import pandera.pandas as pandera")
    yield from ("import pyarrow as pa", "import pyarrow.compute as pc")
    for module in sorted({check_module(rule.check) for rule in rules}):
        yield f"import {module}  # registers checks"
    yield ""


@cache
def _helpers() -> str:
    folder = files("lakehouse_pipeline.contracts.export") / "templates"
    text = (folder / "pandera_helpers.py.txt").read_text("utf-8")
    return text.rstrip() + "\n"


def _column(column: Column, rules: list[PanderaCheck]) -> Iterator[str]:
    warns_null = column.required and "required" in column.warns
    own = [_registered(rule) for rule in rules if rule.columns == (column.name,)]
    yield f"        {column.name!r}: pandera.Column("
    yield f"            {_dtype(stored_type(column))},"
    checks = [*_checks(column), *own]
    yield "            [" if checks else "            [],"
    yield from (f"                {check}," for check in checks)
    yield from ["            ],"] if checks else ()
    yield f"            nullable={not column.required or warns_null},"
    if column.unique:
        yield "            unique=True,"
    if column.description:
        yield f"            description={column.description!r},"
    yield "        ),"


def _dtype(sql: str) -> str:
    if sql.startswith("DECIMAL"):
        return "pd.ArrowDtype(pa.decimal128({}, {}))".format(*decimal_digits(sql))
    return repr(PANDAS_NAMES[sql])


def _checks(column: Column) -> Iterator[str]:
    calls = _time_checks(column) if column.type.sql == "TIME" else _value_checks(column)
    for kind, call in calls:
        name = repr(f"{column.name}.{kind}")
        warning = ", raise_warning=True" if kind in column.warns else ""
        yield f"{call}, name={name}, error={name}{warning})"
    if column.required and "required" in column.warns:
        name = repr(f"{column.name}.required")
        options = f"name={name}, ignore_na=False, raise_warning=True"
        yield f"pandera.Check(pd.Series.notna, {options})"


def _value_checks(column: Column) -> Iterator[tuple[str, str]]:
    """Yield the kind of each rule and the call that makes its check, its bracket left open."""
    if column.enum is not None:
        known = ", ".join(_value(typed(column, text)) for text in column.enum)
        yield "enum", f"pandera.Check.isin([{known}]"
    if column.pattern is not None:
        yield "pattern", f"pandera.Check(matches({column.pattern!r})"
    if column.format is not None:
        yield "format", f"pandera.Check(matches({FORMATS[column.format]!r})"
    if column.min_length is not None:
        yield "minLength", f"pandera.Check.str_length(min_value={column.min_length}"
    if column.max_length is not None:
        yield "maxLength", f"pandera.Check.str_length(max_value={column.max_length}"
    for kind, (operator, text) in bounds(column).items():
        yield kind, f"pandera.Check.{operator}({_value(typed(column, text))}"
    if column.multiple_of is not None:
        step = _value(typed(column, column.multiple_of))
        yield "multipleOf", f"pandera.Check(multiple_of({step})"


def _time_checks(column: Column) -> Iterator[tuple[str, str]]:
    """A time is stored as text; its rules are about the time that the text means."""
    read = f"clock({_time_format(column.type)})"
    if column.enum is not None:
        known = ", ".join(_value(typed(column, text)) for text in column.enum)
        yield "enum", f"pandera.Check(times({read}, lambda value: value in [{known}])"
    for kind, (operator, text) in bounds(column).items():
        limit = _value(typed(column, text))
        compare = f"lambda value: operator.{operator}(value, {limit})"
        yield kind, f"pandera.Check(times({read}, {compare})"


def _time_format(kind: ColumnType) -> str:
    return repr(python_format(format_pattern(kind.format)[1])) if kind.format else ""


def _value(value: object) -> str:
    """Return a value as Python source; `repr` of all that a column holds is that already."""
    return repr(value).replace("datetime.UTC", repr(dt.UTC))


def _frame_checks(contract: Contract, rules: list[PanderaCheck]) -> Iterator[str]:
    for rule in rules:
        if len(rule.columns) > 1:
            columns = list(rule.columns)
            yield f"of_columns({columns!r}, {_registered(rule)})"
    for key in published_keys(contract):
        if len(key.columns) > 1:
            yield (
                f"pandera.Check(no_repeats({list(key.columns)!r}), name={key.name!r}, "
                "ignore_na=False)"
            )


def _registered(rule: PanderaCheck) -> str:
    """Return the call of a registered check; the import of its module registers it."""
    pandera_check(rule)
    given = [f"{name}={value!r}" for name, value in rule.arguments.items()]
    given += ["raise_warning=True"] if rule.severity == "warning" else []
    return f"named({rule.name!r}, pandera.Check.{rule.check}({', '.join(given)}))"
