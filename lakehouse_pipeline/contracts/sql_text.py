"""SQL of a contract before its tree is judged: its length, tokens, function names and parsing.

What all SQL of a contract may use is here: pure functions, types, fixed regular expressions. What
one record's expression may use is in `expressions`, what a query over a batch may in `queries`.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass

from sqlglot import Dialect, Token, TokenType, exp
from sqlglot.errors import SqlglotError

from lakehouse_pipeline.contracts.regular_expressions import pattern_fault
from lakehouse_pipeline.errors import nearest

DIALECT = "duckdb"
MAX_LENGTH = 10_000
MAX_DEPTH = 40
MAX_LEVELS = 500
"""Characters of an SQL text, how deep its brackets may nest, and how deep its operators.

DuckDB takes 1,000 levels; a chain of AND or of OR is one level of it.
"""

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

CLOCK = frozenset(
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

SCALARS = frozenset(
    """
    Column Identifier Literal Boolean Null Paren And Or Not EQ NEQ GT GTE LT LTE NullSafeEQ
    NullSafeNEQ Is In Between Like ILike Escape Case If Add Sub Mul Div IntDiv Mod Neg DPipe Cast
    TryCast DataType DataTypeParam Var Interval
    Anonymous Abs Ceil Floor Round Sign Trunc Greatest Least Coalesce Nullif Lower Upper Trim
    Length ByteLength Substring Left Right Concat Replace Reverse StrPosition StartsWith EndsWith
    Contains RegexpLike RegexpFullMatch Year Month Day Hour Minute Second Quarter Week WeekOfYear
    DayOfWeek DayOfWeekIso DayOfYear DateDiff DateTrunc TimestampTrunc Extract
    """.split()  # noqa: SIM905 - as above
)
"""The kinds of nodes that compute one value from the values of one record, by sqlglot's names."""

BEFORE_BRACKET = frozenset(
    """
    and or not in when then else case between like ilike is escape from decimal numeric varchar
    interval distinct over
    """.split()  # noqa: SIM905 - as above
)
"""Words that may stand before an opening bracket without being a function."""

_DUCKDB = Dialect.get_or_raise(DIALECT)
_WORD = re.compile(r"[^\W\d]\w*")


@dataclass(frozen=True, slots=True)
class Grammar:
    """What a kind of SQL text may call: `name` is what messages call such a text."""

    name: str
    functions: Collection[str]
    before_bracket: Collection[str]


def parse_one(sql: str, grammar: Grammar) -> exp.Expr:
    """Return the tree of `sql` after its text was judged: length, depth, comments, calls.

    Raises: ValueError: the message says what a contract may not write.
    """
    tokens = _tokens(sql, grammar)
    depth = 0
    for token, following in zip(tokens, [*tokens[1:], None], strict=True):
        depth += (token.token_type == TokenType.L_PAREN) - (token.token_type == TokenType.R_PAREN)
        if depth > MAX_DEPTH:
            raise ValueError(f"brackets nest more than {MAX_DEPTH} deep")
        _check_token(token, following, grammar)
    tree = _parse(tokens, sql, grammar)
    _check_levels(tree, grammar)
    return tree


def shown(node: exp.Expr, at_most: int = 80) -> str:
    """Return the SQL of `node` for a message, cut after `at_most` characters."""
    try:
        text = node.sql(DIALECT)
    except RecursionError:
        return "..."
    return text if len(text) <= at_most else f"{text[:at_most]}..."


def clock_message(name: str) -> str:
    """Return why a function that changes from call to call is refused."""
    return (
        f"'{name}' is not allowed: a replay must give the same result as the first run. "
        "Compare with a fixed date or another column"
    )


def check_value(node: exp.Expr) -> None:
    """Judge a node that any SQL of a contract may hold: its cast or its regular expression.

    Raises: ValueError: the type is not one of `TYPES`, or the pattern is not a fixed one of RE2.
    """
    match node:
        case exp.Column() if node.name.lower() in CLOCK:
            raise ValueError(clock_message(node.name.lower()))
        case exp.DataType() if type_name(node) not in TYPES:
            raise ValueError(f"cast to '{shown(node)}' is not allowed")
        case exp.RegexpLike() | exp.RegexpFullMatch():
            _check_pattern(node.args.get("expression"))
        case _:
            pass


def type_name(node: exp.DataType) -> str:
    """Return sqlglot's name of a type."""
    return str(getattr(node.this, "name", node.this))


def _tokens(sql: str, grammar: Grammar) -> list[Token]:
    if len(sql) > MAX_LENGTH:
        raise ValueError(f"the {grammar.name} is longer than {MAX_LENGTH:,} characters")
    try:
        tokens = _DUCKDB.tokenize(sql)
    except SqlglotError as error:
        raise ValueError("cannot be read as SQL: is a quote left open?") from error
    if not tokens:
        raise ValueError(f"the {grammar.name} is empty")
    return tokens


def _check_token(token: Token, following: Token | None, grammar: Grammar) -> None:
    if token.comments or token.token_type == TokenType.SEMICOLON:
        raise ValueError(f"comments and ';' are not allowed; write one {grammar.name}")
    if following is None:
        return
    if token.token_type == following.token_type == TokenType.STRING:
        raise ValueError("two texts stand side by side; join them with ||")
    if following.token_type == TokenType.L_PAREN:
        _check_call(token, grammar)


def _check_call(token: Token, grammar: Grammar) -> None:
    name = token.text.lower()
    if token.token_type == TokenType.IDENTIFIER:
        raise ValueError(f'function "{token.text}" in quotes is not allowed')
    if name in grammar.functions or name in grammar.before_bracket:
        return
    if not _WORD.fullmatch(token.text):
        return
    if name in CLOCK:
        raise ValueError(clock_message(name))
    raise ValueError(
        f"function '{name}' is not allowed.{nearest(name, grammar.functions)} "
        f"Allowed: {', '.join(sorted(grammar.functions))}"
    )


def _parse(tokens: list[Token], sql: str, grammar: Grammar) -> exp.Expr:

    try:
        trees = _DUCKDB.parser().parse(tokens, sql)
    except SqlglotError as error:
        raise ValueError(f"cannot be parsed as an SQL {grammar.name}: {_reason(error)}") from error
    except RecursionError as error:
        raise ValueError(f"the {grammar.name} is nested too deep") from error
    tree = trees[0] if len(trees) == 1 else None
    if tree is None:
        raise ValueError(f"expected exactly one SQL {grammar.name}")
    return tree


def _check_levels(tree: exp.Expr, grammar: Grammar) -> None:
    waiting = [(tree, 0)]
    while waiting:
        node, level = waiting.pop()
        if level > MAX_LEVELS:
            raise ValueError(f"the {grammar.name} is nested too deep")
        for child in node.iter_expressions():
            flat = isinstance(node, exp.Connector) and type(child) is type(node)
            waiting.append((child, level + (not flat)))


def _reason(error: SqlglotError) -> str:
    details = getattr(error, "errors", None) or [{}]
    place = f" at column {details[0]['col']}" if details[0].get("col") else ""
    return f"{details[0].get('description') or 'not understood'}{place}"


def _check_pattern(pattern: exp.Expr | None) -> None:
    if not isinstance(pattern, exp.Literal) or not pattern.is_string:
        raise ValueError("a regular expression must be a fixed text")
    if fault := pattern_fault(pattern.name):
        raise ValueError(f"'{pattern.name}' is no regular expression of RE2: {fault}")
