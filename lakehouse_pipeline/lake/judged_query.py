"""Whether one SQL text only reads published data: judged in the tree that DuckDB itself parses.

`json_serialize_sql` gives the tree of the very parser that will run the text, and only of a SELECT,
so nothing can be read in two ways. The judged text then runs on a connection that is `locked`; each
wall holds without the other. Why not sqlglot here: docs/decisions/0011-published-queries.md.
"""

import json
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import duckdb

from lakehouse_pipeline.errors import QueryError, nearest
from lakehouse_pipeline.names import Layer

MAX_LENGTH = 100_000
"""Characters of a query."""

TABLE_FUNCTIONS = frozenset(("range", "generate_series", "unnest"))
"""Functions that may stand where a table does; every other one can reach something else."""

REFUSED_PREFIXES = ("duckdb_", "pragma_", "pg_", "has_", "inet_", "json_serialize", "json_execute")
"""Beginnings of functions that tell of the engine, not of the data."""

REFUSED = frozenset(
    """
    getenv getvariable current_setting current_query current_schemas which_secret write_log
    json_deserialize_sql nextval currval setval setseed sleep_ms txid_current get_block_size
    col_description obj_description shobj_description in_search_path query query_table
    repeat lpad rpad bar format printf list_resize array_resize
    """.split()  # noqa: SIM905 - a list of words reads better as words
)
"""Functions refused by name: settings, state, waiting, and one call that makes a text of gigabytes.

DuckDB's memory limit does not count the last kind while the text is being made.
"""

_TOO_DEEP = "it is nested too deep; write it with fewer levels"
_QUERIES = frozenset(("SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"))

_Node = Mapping[str, Any]


def judged_datasets(sql: str, datasets: Collection[str]) -> tuple[str, ...]:
    """Return which of `datasets` the query reads, as `DATASET` or `DATASET.published`.

    Raises: QueryError: the text is not exactly one SELECT, or it names a table, a file or a
        function that a query over published data may not.
    """
    tree = _parsed(sql)
    known = {name.lower(): name for name in datasets}
    try:
        names = list(_tables(tree, frozenset()))
    except RecursionError as error:
        raise QueryError(_TOO_DEEP) from error
    return tuple(dict.fromkeys(_dataset(path, known) for path in names))


def _parsed(sql: str) -> _Node:
    if len(sql) > MAX_LENGTH:
        raise QueryError(f"it is longer than {MAX_LENGTH:,} characters; write a shorter one")
    if "\0" in sql or _is_broken(sql):
        raise QueryError("it holds a character that is no text; write it anew")
    try:
        with duckdb.connect() as parser:
            asked = "SELECT json_serialize_sql(?::VARCHAR)"
            answer: _Node = json.loads(parser.execute(asked, [sql]).fetchall()[0][0])
    except (duckdb.Error, ValueError) as error:
        raise QueryError(f"it cannot be read as SQL: {error}") from error
    except RecursionError as error:
        raise QueryError(_TOO_DEEP) from error
    if answer["error"]:
        problem = str(answer["error_message"])
        if problem.startswith("Only SELECT"):
            problem = "expected exactly one SELECT statement; nothing else may run here"
        raise QueryError(problem)
    if len(answer["statements"]) != 1:
        raise QueryError("expected exactly one SELECT statement; nothing else may run here")
    tree: _Node = answer["statements"][0]
    return tree


def _is_broken(sql: str) -> bool:
    try:
        sql.encode()
    except UnicodeEncodeError:
        return True
    return False


def _tables(node: object, within: frozenset[str]) -> Iterator[tuple[str, ...]]:
    """Yield the path of each table below `node` that is not one of the WITH names `within`."""
    if isinstance(node, list):
        for one in node:
            yield from _tables(one, within)
    if not isinstance(node, Mapping):
        return
    _check(node)
    if node.get("type") == "BASE_TABLE":
        path = _path(node)
        if len(path) > 1 or path[0].lower() not in within:
            yield path
    if node.get("type") == "RECURSIVE_CTE_NODE":
        within |= {str(node["cte_name"]).lower()}
    rest = dict(node)
    for entry in (rest.pop("cte_map", None) or {}).get("map", ()):  # in order: each sees earlier
        name = str(entry["key"]).lower()
        yield from _tables(entry["value"], within)
        within |= {name}
    for value in rest.values():
        yield from _tables(value, within)


def _check(node: _Node) -> None:
    kind = str(node.get("type", ""))
    if kind.endswith("_NODE") and kind not in _QUERIES:
        raise QueryError("a query only reads; WITH may hold nothing but SELECT")
    if kind == "SHOW_REF" and not node.get("query"):
        raise QueryError("SHOW is not allowed; DESCRIBE DATASET tells a dataset's columns")
    if kind == "VALUE_PARAMETER":
        raise QueryError("parameters (? and $name) are not allowed; write the values")
    if kind == "TABLE_FUNCTION":
        name = str(node["function"].get("function_name", "")).lower()
        if name not in TABLE_FUNCTIONS:
            allowed = ", ".join(sorted(TABLE_FUNCTIONS))
            raise QueryError(f"table function '{name}' is not allowed. Allowed: {allowed}")
    if "function_name" in node:
        name = str(node["function_name"]).lower()
        if name in REFUSED or name.startswith(REFUSED_PREFIXES):
            raise QueryError(f"function '{name}' is not allowed in a query over published data")


def _path(table: _Node) -> tuple[str, ...]:
    """Return a table's name in its parts; DuckDB 1 has them one by one, DuckDB 2 as a list."""
    if "qualified_name" in table:
        return tuple(str(part) for part in table["qualified_name"]["path"])
    parts = (table["catalog_name"], table["schema_name"], table["table_name"])
    return tuple(part for part in parts if part)


def _dataset(path: tuple[str, ...], known: Mapping[str, str]) -> str:
    name = path[0].lower()
    layers = [part.lower() for part in path[1:]]
    if name in known and layers in ([], [Layer.PUBLISHED.value]):
        return known[name]
    listed = ", ".join(sorted(known.values())) or "none"
    raise QueryError(
        f"'{'.'.join(path)}' is not published data.{nearest(path[0], known.values())} "
        f"Datasets to read here: {listed}. "
        "Whoever has the lake's files reads its other layers with: lakehouse query --all-layers"
    )
