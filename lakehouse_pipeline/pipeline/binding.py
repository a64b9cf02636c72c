"""What can be known of a contract only where it is to run: the engine and the Python checks.

An expression such as `lower(quantity)` is sound SQL over known columns, and still wrong for the
columns' types; the engine says so here, in a dry run over no records, when the contract is
registered. The same for rules of engine pandera: whether their checks are there.
"""

from collections.abc import Iterator, Sequence

import duckdb

from lakehouse_pipeline.contracts.check_modules import load_check_modules
from lakehouse_pipeline.contracts.model import Contract
from lakehouse_pipeline.errors import Problem, UnknownCheckError
from lakehouse_pipeline.layers.judged import judged_records, typed_records
from lakehouse_pipeline.layers.rules import Rule, record_rules
from lakehouse_pipeline.names import RANK, RECORD, WAIVED, Layer
from lakehouse_pipeline.pipeline.flags import empty_flags
from lakehouse_pipeline.pipeline.relations import empty


def unfit(contract: Contract, modules: Sequence[str]) -> list[Problem]:
    """Return a problem for every rule that cannot judge: its SQL does not fit, its check is none.

    `modules` are those that register checks. Raises: CheckModuleError: one cannot be loaded.
    """
    return [*unbound(contract), *_unregistered(contract, modules)]


def _unregistered(contract: Contract, modules: Sequence[str]) -> Iterator[Problem]:
    if not contract.pandera_checks:
        return
    from lakehouse_pipeline.contracts.pandera_checks import (  # noqa: PLC0415 - pandas is slow to load
        check_problem,
    )

    load_check_modules(modules)
    for rule in contract.pandera_checks:
        if problem := check_problem(rule):
            yield Problem(contract.path, 1, 1, str(UnknownCheckError(rule.name, problem)))


def unbound(contract: Contract) -> list[Problem]:
    """Return a problem for every rule whose SQL does not fit the contract's columns."""
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone='UTC'")
        for statement in empty_flags(contract):
            connection.execute(statement)
        records = (
            f"(SELECT *, {RECORD} AS {RANK}, NULL AS {WAIVED} FROM {empty(contract, Layer.RAW)})"
        )
        judged = judged_records(contract, typed_records(contract, records))
        connection.execute(f"CREATE TABLE judged AS {judged}")  # a view is bound anew by every rule
        return list(_unbound_rules(connection, contract))


def _unbound_rules(connection: duckdb.DuckDBPyConnection, contract: Contract) -> Iterator[Problem]:
    for rule in record_rules(contract):
        try:
            connection.execute(f"SELECT {RECORD} FROM judged WHERE {rule.broken}")
        except duckdb.Error as error:
            yield Problem(contract.path, 1, 1, _message(rule, error))


def _message(rule: Rule, error: duckdb.Error) -> str:
    said = str(error).splitlines()[0]
    return f"rule '{rule.name}' does not fit the types of its columns: {said}"
