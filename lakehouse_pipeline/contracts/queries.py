"""SQL queries of a contract (`sql` rules): one SELECT of one number over the dataset's own table.

A query is judged and then runs as it is written, so its text must leave no room for two readings:
only plain names, texts, numbers and operators pass. Which columns its names mean is judged in
`query_names`, what one record's expression may use in `expressions`.
"""

import re
from collections.abc import Iterable, Iterator
from typing import cast

from sqlglot import exp

from lakehouse_pipeline.contracts.query_names import check_names, folded
from lakehouse_pipeline.contracts.sql_text import (
    BEFORE_BRACKET,
    FUNCTIONS,
    SCALARS,
    Grammar,
    check_value,
    clock_message,
    parse_one,
    shown,
)
from lakehouse_pipeline.errors import nearest
from lakehouse_pipeline.names import identifier

AGGREGATES = frozenset(
    """
    count sum avg min max median stddev stddev_samp stddev_pop variance var_samp var_pop
    quantile_cont any_value bool_and bool_or row_number rank dense_rank lag lead
    """.split()  # noqa: SIM905 - a list of words reads better as words
)
"""Functions over many records that a query may call beside the scalar `FUNCTIONS`."""

_GRAMMAR = Grammar(
    "query",
    FUNCTIONS | AGGREGATES,
    BEFORE_BRACKET
    | frozenset(
        "select from where as on join by having exists using filter".split()  # noqa: SIM905 - as above
    ),
)
_NODES = SCALARS | frozenset(
    """
    Select From Table TableAlias Subquery With CTE Alias Join Where Group Having Order Ordered
    Distinct Exists Star Tuple Filter Window WindowSpec IgnoreNulls
    Count Sum Avg Min Max Median Stddev StddevSamp StddevPop Variance VariancePop PercentileCont
    AnyValue LogicalAnd LogicalOr RowNumber Rank DenseRank Lag Lead
    """.split()  # noqa: SIM905 - as above
)
_PARTS: dict[type[exp.Expr], set[str]] = {
    exp.Select: {"with_", "expressions", "from_", "joins", "where", "group", "having", "distinct"},
    exp.With: {"expressions"},
    exp.CTE: {"this", "alias"},
    exp.Subquery: {"this", "alias"},
    exp.Table: {"this", "alias"},
    exp.TableAlias: {"this"},
    exp.Join: {"this", "side", "kind", "on", "using"},
    exp.Group: {"expressions"},
    exp.Distinct: {"expressions"},
    exp.Order: {"this", "expressions"},
    exp.Star: set(),
    exp.In: {"this", "expressions", "query"},
    exp.Window: {"this", "partition_by", "order", "spec", "over"},
}
"""The parts a node may have; everything else that DuckDB can put there is refused."""

_LEXEME = re.compile(
    r"""
    \s+ | '(?:[^'\0]|'')*' | "(?:[^"\0]|"")*"
    | (?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?(?![\w.])
    | [^\W\d]\w*(?!['"]) | :: | <> | <= | >= | != | \|\| | // | -(?!-) | /(?![*/]) | [-+*%(),.<>=]
    """,
    re.VERBOSE | re.ASCII,
)
_PLACEHOLDER = re.compile(r"""'(?:[^']|'')*'|"\$?\{\w*\}"|\$?\{(\w*)\}""")
_FIRST = re.compile(r"(?:select|with|from)\b", re.IGNORECASE)
_TABLE = ("object", "table")
_COLUMN = ("property", "column")
_QUOTED_VALUES = frozenset(("user", "session_user", "current_user", "current_role"))
"""Names that DuckDB reads as a function when they are not in quotes."""


def checked_query(
    query: str, dataset: str, columns: Iterable[str], column: str | None = None
) -> str:
    """Return `query` ready to run where `dataset` is the name of a view with the `columns`.

    `${object}`, `{object}`, `${table}` and `{table}` stand for the dataset, `${property}`,
    `{property}`, `${column}` and `{column}` for `column`, the one the rule belongs to. Names are
    matched as DuckDB does, without the case of ASCII letters.

    Raises: ValueError: it is not one SELECT of one number over the dataset's own table, or it
        uses what a contract may not: other tables, table functions, other functions, the clock,
        chance, sampling, comments, parameters.
    """
    text = _filled(query.strip(), dataset, column)
    _check_text(text)
    if not _FIRST.match(text):
        raise ValueError("expected one SELECT of one number")
    tree = parse_one(text, _GRAMMAR)
    if not isinstance(tree, exp.Select):
        raise ValueError("expected one SELECT of one number")  # noqa: TRY004 - the text's fault
    for node in tree.walk():
        _check_node(node, tree, text)
    check_names(tree, dataset, tuple(columns))
    _check_one_number(tree)
    return text


def counts_only(query: str, columns: Iterable[str]) -> bool:
    """Return whether a checked query tells no value of `columns`: it reads none, or counts."""
    tree = parse_one(query, _GRAMMAR)
    asked = {folded(name) for name in columns}
    if not any(folded(node.name) in asked for node in tree.find_all(exp.Column)):
        return True
    alone = _outside_aggregates(cast("exp.Select", tree).expressions[0])
    return all(
        isinstance(node.this if isinstance(node, exp.Filter) else node, exp.Count)
        for node in alone
        if isinstance(node, exp.AggFunc | exp.Filter | exp.Query)
    )


def _filled(query: str, dataset: str, column: str | None) -> str:
    """Return `query` with names for its placeholders; texts in single quotes stay as they are."""

    def name(match: re.Match[str]) -> str:
        if match[0].startswith("'"):
            return match[0]
        word = match[0].strip('"${}')
        if word in _TABLE:
            return identifier(dataset)
        if word not in _COLUMN:
            raise ValueError(
                f"unknown placeholder '{match[0]}'.{nearest(word, _TABLE + _COLUMN)} "
                "Known: ${object}, ${property}"
            )
        if column is None:
            raise ValueError(f"'{match[0]}' stands for a column; write the rule at that column")
        return identifier(column)

    return _PLACEHOLDER.sub(name, query)


def _check_text(text: str) -> None:
    """Refuse every character that is no plain name, text, number, bracket or operator."""
    end = 0
    while end < len(text):
        match = _LEXEME.match(text, end)
        if match is None:
            raise ValueError(_unread(text, end))
        end = match.end()


def _unread(text: str, start: int) -> str:
    rest = text[start:]
    if rest.startswith((";", "--", "/*")):
        return "comments and ';' are not allowed; write one query"
    if rest[0] in "'\"":
        return "cannot be read as SQL: is a quote left open?"
    found = rest.split(maxsplit=1)[0][:20]
    return f"'{found}' is not allowed in a query; other names are written in double quotes"


def _check_node(node: exp.Expr, root: exp.Select, text: str) -> None:
    if type(node).__name__ not in _NODES:
        raise ValueError(_refusal(node))
    parts = _PARTS.get(type(node))
    if parts is not None:
        extra = [key for key, value in node.args.items() if value and key not in parts]
        if extra:
            raise ValueError(f"'{shown(node)}' is not allowed in a query ({extra[0].strip('_')})")
    match node:
        case exp.Star() if not isinstance(node.parent, exp.Count):
            raise ValueError("'*' stands in count(*) only; name the columns")
        case exp.Column() if len(node.parts) > 2:  # noqa: PLR2004 - a table and a column
            raise ValueError(f"'{shown(node)}': write the column's name alone or after its table's")
        case exp.With() if node.parent is not root:
            raise ValueError("WITH stands at the beginning of the query only")
        case exp.Identifier():
            _check_identifier(node, text)
        case exp.RowNumber() | exp.Rank() | exp.DenseRank() | exp.Lag() | exp.Lead() if (
            not isinstance(node.parent, exp.Window)
        ):
            raise ValueError(f"'{shown(node)}' needs OVER (ORDER BY ...)")
        case exp.Order() if not _orders_values(node):
            raise ValueError("ORDER BY stands in OVER (...) only; the result is one number")
        case _:
            check_value(node)


def _check_identifier(node: exp.Identifier, text: str) -> None:
    start = node.meta.get("start")
    if start is None or text[start] == "'":
        raise ValueError(f"'{node.name}': a name is not written in single quotes")
    if not node.quoted and folded(node.name) in _QUOTED_VALUES:
        raise ValueError(f'the name {node.name} is a function in SQL; write it as "{node.name}"')


def _orders_values(node: exp.Order) -> bool:
    return isinstance(node.parent, exp.Window | exp.AggFunc)


def _refusal(node: exp.Expr) -> str:
    name = type(node).__name__
    if name.startswith(("Current", "Local")):
        return clock_message(shown(node).lower())
    if isinstance(node, exp.SetOperation):
        return "UNION, INTERSECT and EXCEPT are not allowed; write one SELECT"
    return f"'{shown(node)}' ({name}) is not allowed in a query"


def _check_one_number(tree: exp.Select) -> None:
    """One column and one row: no groups, and no value of a record outside an aggregate."""
    if len(tree.expressions) != 1:
        raise ValueError(f"the query selects {len(tree.expressions)} values; expected one number")
    if tree.args.get("group"):
        raise ValueError("GROUP BY gives a row per group; select one number from it in brackets")
    if tree.args.get("from_") is None:
        return
    alone = list(_outside_aggregates(tree.expressions[0]))
    if any(isinstance(node, exp.Window) for node in alone):
        raise ValueError("OVER gives a row per record; select one number from it in brackets")
    if column := next((node for node in alone if isinstance(node, exp.Column)), None):
        raise ValueError(f"'{shown(column)}' has a value per record; put it in count, sum or max")
    if not any(isinstance(node, exp.AggFunc | exp.Filter) for node in alone):
        raise ValueError("the query gives a row per record; select a count, sum or another number")


def _outside_aggregates(value: exp.Expr) -> Iterator[exp.Expr]:
    """Yield the nodes of `value` down to its aggregates and queries in brackets, these included."""
    yield from value.walk(
        prune=lambda node: isinstance(node, exp.AggFunc | exp.Filter | exp.Window | exp.Query)
    )
