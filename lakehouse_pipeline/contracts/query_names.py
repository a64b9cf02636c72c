"""What the names of a query mean: the dataset's table, queries before it, their columns.

A name that means none of these is refused, so that no query reads what the contract does not
describe. What else a query may hold is judged in `queries`.
"""

import string
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from sqlglot import exp

from lakehouse_pipeline.errors import nearest

_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)

Tables = Mapping[str, frozenset[str]]
"""The columns of each table that a query may read, all names as `folded` has them."""


@dataclass(frozen=True, slots=True)
class _Visible:
    """What a part of a query may name: columns by their table, and columns alone."""

    tables: Tables = field(default_factory=dict)
    alone: frozenset[str] = frozenset()


def folded(name: str) -> str:
    """Return `name` as DuckDB compares it: only ASCII letters lose their case."""
    return name.lower() if name.isascii() else name.translate(_LOWER)


@lru_cache(maxsize=8)
def _folded_all(names: tuple[str, ...]) -> frozenset[str]:
    return frozenset(map(folded, names))


def check_names(tree: exp.Select, dataset: str, columns: tuple[str, ...]) -> None:
    """Judge every table and column that `tree` names; it reads the dataset at least once.

    Raises: ValueError: a table that is not the dataset's, an unknown or ambiguous column, a
        name given twice.
    """
    own = folded(dataset)
    tables = {own: _folded_all(columns)}
    with_ = tree.args.get("with_")
    for query in with_.expressions if with_ else ():
        name = folded(query.alias)
        if name in tables:
            raise ValueError(f"WITH: the name '{query.alias}' is taken; choose another")
        tables[name] = _Names(tables, dataset, columns).outputs(query.this, _Visible())
    _Names(tables, dataset, columns).outputs(tree, _Visible())
    if not any(folded(table.name) == own for table in tree.find_all(exp.Table)):
        raise ValueError(f"the query does not read {dataset}; write FROM {dataset}")


@dataclass(frozen=True, slots=True)
class _Names:
    """Judges the names of a SELECT and of those within it, all of which read `tables`."""

    tables: Tables
    dataset: str
    columns: tuple[str, ...]

    def outputs(self, select: exp.Expr, outer: _Visible) -> frozenset[str]:
        """Return the names of the columns that `select` gives, after judging all it names."""
        if not isinstance(select, exp.Select):
            raise ValueError("expected a SELECT in brackets")  # noqa: TRY004 - the contract's fault
        sources = list(_sources(select))
        own = self._own_tables(sources, outer)
        merged = {
            folded(name.name) for join in _joins(select) for name in join.args.get("using") or ()
        }
        aliases = {folded(item.alias) for item in select.expressions if item.alias}
        visible = _Visible({**outer.tables, **own}, outer.alone.union(aliases, *own.values()))
        twice = _in_several(own) - merged - aliases
        for node in _parts(select, sources):
            if isinstance(node, exp.Select):
                self.outputs(node, visible)
            elif isinstance(node, exp.Column):
                self._check_column(node, visible, twice)
        return frozenset(folded(item.alias_or_name) for item in select.expressions) - {""}

    def _own_tables(self, sources: list[exp.Expr], outer: _Visible) -> dict[str, frozenset[str]]:
        found: dict[str, frozenset[str]] = {}
        for position, source in enumerate(sources):
            names = self._source(source, outer)
            name = folded(source.alias_or_name) or f"({position})"
            if name in found:
                raise ValueError(
                    f"'{source.alias_or_name}' stands there twice; give each its own name with AS"
                )
            found[name] = names
        return found

    def _source(self, source: exp.Expr, outer: _Visible) -> frozenset[str]:
        if isinstance(source, exp.Subquery):
            return self.outputs(source.this, outer)
        if isinstance(source, exp.Table) and isinstance(source.this, exp.Identifier):
            if (name := folded(source.name)) in self.tables:
                return self.tables[name]
            raise ValueError(
                f"table '{source.name}' is not allowed: a query reads {self.dataset} only"
            )
        raise ValueError(f"expected FROM {self.dataset} or a SELECT in brackets")

    def _check_column(self, node: exp.Column, visible: _Visible, twice: set[str]) -> None:
        name, table = folded(node.name), folded(node.table)
        if table and table not in visible.tables:
            raise ValueError(
                f"unknown table '{node.table}' before '{node.name}'."
                f"{nearest(table, [known for known in visible.tables if known.isidentifier()])}"
            )
        if name not in (visible.tables[table] if table else visible.alone):
            raise ValueError(
                f"unknown column '{node.name}'.{nearest(node.name, self.columns)} "
                "Text is written in single quotes"
            )
        if not table and name in twice:
            raise ValueError(
                f"column '{node.name}' is in several tables; write its table before it"
            )


def _in_several(tables: Tables) -> set[str]:
    """Return the names of columns that several of the tables have."""
    if len(tables) == 1:
        return set()
    counts = Counter(name for names in tables.values() for name in names)
    return {name for name, count in counts.items() if count > 1}


def _joins(select: exp.Select) -> list[exp.Join]:
    return list(select.args.get("joins") or ())


def _sources(select: exp.Select) -> Iterator[exp.Expr]:
    from_ = select.args.get("from_")
    if from_ is not None:
        yield from_.this
    yield from (join.this for join in _joins(select))


def _parts(select: exp.Select, sources: list[exp.Expr]) -> Iterator[exp.Expr]:
    """Yield what belongs to `select` alone, down to the queries within it, these included."""
    apart = {id(source) for source in sources} | {id(select.args.get("with_"))}

    def ends(node: exp.Expr) -> bool:
        return id(node) in apart or (isinstance(node, exp.Select) and node is not select)

    for node in select.walk(prune=ends):
        if node is not select and id(node) not in apart:
            yield node
