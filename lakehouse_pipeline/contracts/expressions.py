"""SQL expressions of a contract: what they may use, and their text over other columns.

An expression is parsed only to judge it. `render` keeps its text and puts other SQL in place of
each column, so that nothing the parser would write differently can change its meaning.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping

import sqlglot
from sqlglot import Token, TokenType, exp
from sqlglot.errors import SqlglotError

from lakehouse_pipeline.contracts.regular_expressions import pattern_fault
from lakehouse_pipeline.errors import nearest

DIALECT = "duckdb"
MAX_LENGTH = 10_000
MAX_DEPTH = 40
"""Characters of an expression, and how deep its brackets may nest."""

FUNCTIONS = frozenset(
    """
    abs ceil ceiling floor round sign trunc mod greatest least coalesce ifnull nullif
    lower upper lcase ucase trim ltrim rtrim length len strlen substr substring left right
    concat replace reverse position strpos instr
    starts_with ends_with prefix suffix contains regexp_matches regexp_full_match
    year month day hour minute second quarter week dayofweek dayofyear isodow
    date_part date_trunc date_diff datediff extract cast try_cast
    """.split()  # noqa: SIM905 - a list of words reads better as words
)
"""Scalar functions that are pure: the same record gives the same result on every replay."""

_CLOCK = frozenset(
    """
    now today current_date current_time current_timestamp get_current_timestamp
    transaction_timestamp get_current_time localtime localtimestamp random uuid gen_random_uuid
    """.split()  # noqa: SIM905 - as above
)
TYPES = frozenset(
    """
    BOOLEAN TINYINT SMALLINT INT BIGINT FLOAT DOUBLE DECIMAL VARCHAR TEXT DATE TIME TIMESTAMP
    TIMESTAMPNTZ TIMESTAMPTZ
    """.split()  # noqa: SIM905 - as above
)
"""Types a value may be cast to, by sqlglot's names."""

_SYNTAX = """
    Column Identifier Literal Boolean Null Paren And Or Not EQ NEQ GT GTE LT LTE NullSafeEQ
    NullSafeNEQ Is In Between Like ILike Escape Case If Add Sub Mul Div IntDiv Mod Neg DPipe Cast
    TryCast DataType DataTypeParam Var Interval
    Anonymous Abs Ceil Floor Round Sign Trunc Greatest Least Coalesce Nullif Lower Upper Trim
    Length ByteLength Substring Left Right Concat Replace Reverse StrPosition StartsWith EndsWith
    Contains RegexpLike RegexpFullMatch Year Month Day Hour Minute Second Quarter Week WeekOfYear
    DayOfWeek DayOfWeekIso DayOfYear DateDiff DateTrunc TimestampTrunc Extract
"""
_ALLOWED = tuple(getattr(exp, name) for name in _SYNTAX.split() if hasattr(exp, name))
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
_WORD = re.compile(r"[^\W\d]\w*")
_BEFORE_BRACKET = frozenset(
    """
    and or not in when then else case between like ilike is escape from decimal numeric varchar
    interval distinct over
    """.split()  # noqa: SIM905 - as above
)
"""Words that may stand before an opening bracket without being a function."""


def check_expression(sql: str, columns: Iterable[str]) -> tuple[str, ...]:
    """Return the names of the `columns` that the scalar expression `sql` uses, in its order.

    Names are matched without case, as DuckDB does, and returned as `columns` has them.

    Raises: ValueError: it is not one expression, or it uses what a contract may not: other
        columns, other functions, queries, windows, aggregates, lambdas, comments, the clock.
    """
    known = {name.lower(): name for name in columns}
    used = (known[node.name.lower()] for node in _columns(_checked(sql, known)))
    return tuple(dict.fromkeys(used))


def check_condition(
    sql: str, columns: Iterable[str], booleans: Collection[str] = ()
) -> tuple[str, ...]:
    """Return what `check_expression` returns, for an expression that is true or false.

    `booleans` are the columns that are conditions by themselves.

    Raises: ValueError: as `check_expression`, or the expression is no condition.
    """
    used = check_expression(sql, columns)
    if not _is_condition(_parse(sql), {name.lower() for name in booleans}):
        raise ValueError("the expression is not true or false; compare it with something")
    return used


def render(sql: str, columns: Mapping[str, str]) -> str:
    """Return `sql` with each column replaced by the SQL that `columns` has for it.

    The SQL put in place must be an identifier, a call or stand in brackets; all other text stays
    as it is.

    Raises: ValueError: as `check_expression` does.
    """
    targets = {name.lower(): target for name, target in columns.items()}
    nodes = list(_columns(_checked(sql, {name.lower(): name for name in columns})))
    for node in reversed(nodes):
        start, end = _span(node)
        sql = sql[:start] + targets[node.name.lower()] + sql[end:]
    return sql


def _checked(sql: str, known: Mapping[str, str]) -> exp.Expr:
    """Return the tree of `sql` after every check; `known` has the columns by their lower case."""
    _check_tokens(sql)
    tree = _parse(sql)
    for node in tree.walk():
        _check_node(node)
    for column in _columns(tree):
        if column.name.lower() not in known:
            raise ValueError(
                f"unknown column '{column.name}'.{nearest(column.name, known.values())} "
                "Text is written in single quotes"
            )
    return tree


def _parse(sql: str) -> exp.Expr:
    try:
        trees = sqlglot.parse(sql, read=DIALECT)
    except SqlglotError as error:
        raise ValueError(f"cannot be parsed as an SQL expression: {_reason(error)}") from error
    except RecursionError as error:
        raise ValueError("the expression is nested too deep") from error
    tree = trees[0] if len(trees) == 1 else None
    if tree is None:
        raise ValueError("expected exactly one SQL expression")
    return tree


def _reason(error: SqlglotError) -> str:
    details = getattr(error, "errors", None) or [{}]
    place = f" at column {details[0]['col']}" if details[0].get("col") else ""
    return f"{details[0].get('description') or 'not understood'}{place}"


def _columns(tree: exp.Expr) -> Iterator[exp.Column]:
    """Yield the column references in the order of the text."""
    yield from sorted(tree.find_all(exp.Column), key=_span)


def _span(column: exp.Column) -> tuple[int, int]:
    meta = column.this.meta
    return int(meta["start"]), int(meta["end"]) + 1


def _check_tokens(sql: str) -> None:
    """Judge the text before it is parsed: length, depth, comments, names of functions."""
    if len(sql) > MAX_LENGTH:
        raise ValueError(f"the expression is longer than {MAX_LENGTH:,} characters")
    try:
        tokens = sqlglot.tokenize(sql, read=DIALECT)
    except SqlglotError as error:
        raise ValueError("cannot be read as SQL: is a quote left open?") from error
    if not tokens:
        raise ValueError("the expression is empty")
    depth = 0
    for token, following in zip(tokens, [*tokens[1:], None], strict=True):
        depth += (token.token_type == TokenType.L_PAREN) - (token.token_type == TokenType.R_PAREN)
        if depth > MAX_DEPTH:
            raise ValueError(f"brackets nest more than {MAX_DEPTH} deep")
        _check_token(token, following)


def _check_token(token: Token, following: Token | None) -> None:
    if token.comments or token.token_type == TokenType.SEMICOLON:
        raise ValueError("comments and ';' are not allowed; write one expression")
    if following is None:
        return
    if token.token_type == following.token_type == TokenType.STRING:
        raise ValueError("two texts stand side by side; join them with ||")
    if following.token_type == TokenType.L_PAREN:
        _check_call(token)


def _check_call(token: Token) -> None:
    name = token.text.lower()
    if token.token_type == TokenType.IDENTIFIER:
        raise ValueError(f'function "{token.text}" in quotes is not allowed')
    if name in FUNCTIONS or name in _BEFORE_BRACKET or not _WORD.fullmatch(token.text):
        return
    if name in _CLOCK:
        raise ValueError(_clock_message(name))
    raise ValueError(
        f"function '{name}' is not allowed.{nearest(name, FUNCTIONS)} "
        f"Allowed: {', '.join(sorted(FUNCTIONS))}"
    )


def _clock_message(name: str) -> str:
    return (
        f"'{name}' is not allowed: a replay must give the same result as the first run. "
        "Compare with a fixed date or another column"
    )


def _check_node(node: exp.Expr) -> None:
    if not isinstance(node, _ALLOWED) or type(node).__name__ not in _SYNTAX.split():
        raise ValueError(_refusal(node))
    match node:
        case exp.Column() if not isinstance(node.this, exp.Identifier) or len(node.parts) > 1:
            raise ValueError(f"'{node.sql(DIALECT)}': write the column's name alone")
        case exp.Column() if node.name.lower() in _CLOCK:
            raise ValueError(_clock_message(node.name.lower()))
        case exp.Identifier() if not isinstance(node.parent, exp.Column):
            raise ValueError(f"'{node.name}' is not allowed here")
        case exp.DataType() if _type_name(node) not in TYPES:
            raise ValueError(f"cast to '{node.sql(DIALECT)}' is not allowed")
        case exp.In() if not node.expressions or node.args.get("query"):
            raise ValueError("IN takes a list of values in brackets, as in IN ('a', 'b')")
        case exp.In() if not all(_is_literal(item) for item in node.expressions):
            raise ValueError("IN takes fixed values only, as in IN ('a', 'b')")
        case exp.RegexpLike() | exp.RegexpFullMatch():
            _check_pattern(node.args.get("expression"))
        case _:
            pass


def _type_name(node: exp.DataType) -> str:
    return str(getattr(node.this, "name", node.this))


def _is_literal(node: exp.Expr) -> bool:
    if isinstance(node, exp.Neg | exp.Cast | exp.Paren):
        return _is_literal(node.this)
    return isinstance(node, exp.Literal | exp.Boolean | exp.Null)


def _check_pattern(pattern: exp.Expr | None) -> None:
    if not isinstance(pattern, exp.Literal) or not pattern.is_string:
        raise ValueError("a regular expression must be a fixed text")
    if fault := pattern_fault(pattern.name):
        raise ValueError(f"'{pattern.name}' is no regular expression of RE2: {fault}")


def _refusal(node: exp.Expr) -> str:
    name = type(node).__name__
    if isinstance(node, exp.Query | exp.Subquery | exp.Exists):
        return "a query inside an expression is not allowed"
    if name.startswith(("Current", "Local")):
        return _clock_message(node.sql(DIALECT).lower())
    if isinstance(node, exp.AggFunc | exp.Window):
        return f"'{node.sql(DIALECT)}' looks at other records; an expression sees one record"
    if isinstance(node, exp.Alias):
        return "an alias (AS) is not allowed in an expression"
    return f"'{node.sql(DIALECT)}' ({name}) is not allowed in an expression"


def _is_condition(node: exp.Expr, booleans: Collection[str]) -> bool:
    if isinstance(node, exp.Paren):
        return _is_condition(node.this, booleans)
    if isinstance(node, exp.Column):
        return node.name.lower() in booleans
    if isinstance(node, exp.Cast):
        return _type_name(node.to) == "BOOLEAN"
    if isinstance(node, exp.Anonymous):
        return node.name.lower() in _BOOLEAN_NAMES
    return isinstance(node, _CONDITIONS)
