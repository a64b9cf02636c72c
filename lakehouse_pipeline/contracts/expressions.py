"""SQL expressions of a contract: what they may use, and their text over other columns.

An expression is parsed only to judge it. `render` keeps its text and puts other SQL in place of
each column, so that nothing the parser would write differently can change its meaning. Queries
over many records are in `queries`, what both share in `sql_text`.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import lru_cache

from sqlglot import exp

from lakehouse_pipeline.contracts.sql_text import (
    BEFORE_BRACKET,
    FUNCTIONS,
    SCALARS,
    Grammar,
    check_value,
    clock_message,
    parse_one,
    shown,
    type_name,
)
from lakehouse_pipeline.errors import nearest

_GRAMMAR = Grammar("expression", FUNCTIONS, BEFORE_BRACKET)
_CONDITIONS = (
    exp.Predicate,
    exp.Connector,
    exp.Not,
    exp.Boolean,
    exp.Case,
    exp.Coalesce,
    exp.Escape,
    exp.In,
    exp.StartsWith,
    exp.EndsWith,
    exp.Contains,
    exp.RegexpLike,
    exp.RegexpFullMatch,
)
_BOOLEAN_NAMES = frozenset({"prefix", "suffix"})


def check_expression(sql: str, columns: Iterable[str]) -> tuple[str, ...]:
    """Return the names of the `columns` that the scalar expression `sql` uses, in its order.

    Names are matched without case, as DuckDB does, and returned as `columns` has them.

    Raises: ValueError: it is not one expression, or it uses what a contract may not: other
        columns, other functions, queries, windows, aggregates, lambdas, comments, the clock.
    """
    known = _by_lower_case(tuple(columns))
    return _used(_checked(sql, known), known)


def check_condition(
    sql: str, columns: Iterable[str], booleans: Collection[str] = ()
) -> tuple[str, ...]:
    """Return what `check_expression` returns, for an expression that is true or false.

    `booleans` are the columns that are conditions by themselves.

    Raises: ValueError: as `check_expression`, or the expression is no condition.
    """
    known = _by_lower_case(tuple(columns))
    tree = _checked(sql, known)
    if not _is_condition(tree, {name.lower() for name in booleans}):
        raise ValueError("the expression is not true or false; compare it with something")
    return _used(tree, known)


def render(sql: str, columns: Mapping[str, str]) -> str:
    """Return `sql` with each column replaced by the SQL that `columns` has for it.

    The SQL put in place must be an identifier, a call or stand in brackets; all other text stays
    as it is.

    Raises: ValueError: as `check_expression` does.
    """
    targets = {name.lower(): target for name, target in columns.items()}
    nodes = list(_columns(_checked(sql, _by_lower_case(tuple(columns)))))
    for node in reversed(nodes):
        start, end = _span(node)
        sql = sql[:start] + targets[node.name.lower()] + sql[end:]
    return sql


@lru_cache(maxsize=8)
def _by_lower_case(columns: tuple[str, ...]) -> Mapping[str, str]:
    return {name.lower(): name for name in columns}


def _checked(sql: str, known: Mapping[str, str]) -> exp.Expr:
    """Return the tree of `sql` after every check; `known` has the columns by their lower case."""
    tree = parse_one(sql, _GRAMMAR)
    for node in tree.walk():
        _check_node(node)
    for column in _columns(tree):
        if column.name.lower() not in known:
            raise ValueError(
                f"unknown column '{column.name}'.{nearest(column.name, known.values())} "
                "Text is written in single quotes"
            )
    return tree


def _used(tree: exp.Expr, known: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(known[node.name.lower()] for node in _columns(tree)))


def _columns(tree: exp.Expr) -> Iterator[exp.Column]:
    """Yield the column references in the order of the text."""
    yield from sorted(tree.find_all(exp.Column), key=_span)


def _span(column: exp.Column) -> tuple[int, int]:
    meta = column.this.meta
    return int(meta["start"]), int(meta["end"]) + 1


def _check_node(node: exp.Expr) -> None:
    if type(node).__name__ not in SCALARS:
        raise ValueError(_refusal(node))
    match node:
        case exp.Column() if not isinstance(node.this, exp.Identifier) or len(node.parts) > 1:
            raise ValueError(f"'{shown(node)}': write the column's name alone")
        case exp.Identifier() if not isinstance(node.parent, exp.Column):
            raise ValueError(f"'{node.name}' is not allowed here")
        case exp.In() if not node.expressions or node.args.get("query"):
            raise ValueError("IN takes a list of values in brackets, as in IN ('a', 'b')")
        case exp.In() if not all(_is_literal(item) for item in node.expressions):
            raise ValueError("IN takes fixed values only, as in IN ('a', 'b')")
        case _:
            check_value(node)


def _is_literal(node: exp.Expr) -> bool:
    if isinstance(node, exp.Neg | exp.Cast | exp.Paren):
        return _is_literal(node.this)
    return isinstance(node, exp.Literal | exp.Boolean | exp.Null)


def _refusal(node: exp.Expr) -> str:
    name = type(node).__name__
    if isinstance(node, exp.Query | exp.Subquery | exp.Exists):
        return "a query inside an expression is not allowed"
    if name.startswith(("Current", "Local")):
        return clock_message(shown(node).lower())
    if isinstance(node, exp.AggFunc | exp.Window):
        return f"'{shown(node)}' looks at other records; an expression sees one record"
    if isinstance(node, exp.Alias):
        return "an alias (AS) is not allowed in an expression"
    return f"'{shown(node)}' ({name}) is not allowed in an expression"


def _is_condition(node: exp.Expr, booleans: Collection[str]) -> bool:
    if isinstance(node, exp.Paren):
        return _is_condition(node.this, booleans)
    if isinstance(node, exp.Column):
        return node.name.lower() in booleans
    if isinstance(node, exp.Cast):
        return type_name(node.to) == "BOOLEAN"
    if isinstance(node, exp.Anonymous):
        return node.name.lower() in _BOOLEAN_NAMES
    return isinstance(node, _CONDITIONS)
