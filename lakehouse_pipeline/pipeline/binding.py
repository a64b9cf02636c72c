"""What can be known of a contract only where it is to run: the engine and the Python checks.

Its SQL has a dry run over no records.

An expression such as `lower(quantity)` is sound SQL over known columns, and still wrong for the
columns' types; the engine says so here, when the contract is registered, and not in a run.
"""

from collections.abc import Iterator, Sequence

import duckdb

from lakehouse_pipeline.contracts.model import Contract
from lakehouse_pipeline.errors import Problem
from lakehouse_pipeline.layers.judged import judged_records, typed_records
from lakehouse_pipeline.layers.rules import Rule, record_rules
from lakehouse_pipeline.names import RANK, RECORD, WAIVED, Layer
from lakehouse_pipeline.pipeline.flags import empty_flags
from lakehouse_pipeline.pipeline.relations import empty


def unbound(contract: Contract, check_modules: Sequence[str] = ()) -> list[Problem]:
    """Return a problem for every rule that cannot run here as the contract says.

    Its SQL does not fit the contract's columns; or none of `check_modules` registers the check that
    it names, or not with these arguments. Without modules checks are judged when batches come.
    Raises: CheckModuleError: a module cannot be loaded.
    """
    return [*_unbound_sql(contract), *_unbound_checks(contract, check_modules)]


def _unbound_checks(contract: Contract, modules: Sequence[str]) -> Iterator[Problem]:
    if not contract.pandera_checks or not modules:
        return
    from lakehouse_pipeline.contracts.pandera_checks import (  # noqa: PLC0415 - pandera takes a second
        check_problem,
        load_check_modules,
    )

    load_check_modules(modules)
    for rule in contract.pandera_checks:
        problem = check_problem(rule)
        if problem is not None:
            yield Problem(contract.path, 1, 1, f"rule '{rule.name}': {problem}")


def _unbound_sql(contract: Contract) -> list[Problem]:
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone='UTC'")
        for statement in empty_flags(contract):
            connection.execute(statement)
        records = (
            f"(SELECT *, {RECORD} AS {RANK}, NULL AS {WAIVED} FROM {empty(contract, Layer.RAW)})"
        )
        judged = judged_records(contract, typed_records(contract, records))
        connection.execute(f"CREATE VIEW judged AS {judged}")
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
