"""k-anonymity, l-diversity and t-closeness as SQL over the records that would be published.

Sweeney 2002; distinct l-diversity of Machanavajjhala et al. 2007; t-closeness of Li et al. 2007,
with the ordered distance for numbers and the equal distance for all else. `classified` gives the
records, the other functions are over a table of these. None holds more than a row per class and
value; `classified` sorts, which DuckDB spills.
"""

from collections.abc import Sequence

from lakehouse_pipeline.contracts.model import Contract, Privacy
from lakehouse_pipeline.contracts.techniques import published_type
from lakehouse_pipeline.names import BATCH_ID, RECORD, identifier

ROUNDING = 1e-9
"""By how much a distance may pass its limit: it is a sum of fractions."""


def classified(privacy: Privacy, source: str) -> str:
    """Return SQL over `source`: `_batch_id`, `_record`, `class` and `s0…`, the sensitive values.

    Records whose quasi-identifiers are equal, null like null, are one class.
    """
    names = ", ".join(identifier(name) for name in privacy.quasi_identifiers)
    values = [f"{identifier(name)} AS s{n}" for n, name in enumerate(privacy.sensitive)]
    columns = ", ".join([BATCH_ID, RECORD, *values])
    return f"SELECT {columns}, dense_rank() OVER (ORDER BY {names}) AS class FROM {source}"


def class_measures(contract: Contract, privacy: Privacy, table: str) -> str:
    """Return SQL with a row per class of `table`: `class`, `n`, `l0…`, `t0…` as far as promised.

    `n` counts records, `l` different values (null is none), `t` is the distance of the class's
    distribution from that of all records, 0 to 1.
    """
    columns, joins = ["c.class", "c.n"], ""
    counts = ["class", "count(*) AS n"]
    for n, name in enumerate(privacy.sensitive):
        if privacy.l is not None:
            counts.append(f"count(DISTINCT s{n}) AS l{n}")
            columns.append(f"c.l{n}")
        if privacy.t is not None:
            is_number = published_type(contract.column(name)).logical in ("integer", "number")
            distance = _ordered(f"s{n}", table) if is_number else _equal(f"s{n}", table)
            joins += f" JOIN ({distance}) AS d{n} ON d{n}.class = c.class"
            columns.append(f"d{n}.distance AS t{n}")
    classes = f"SELECT {', '.join(counts)} FROM {table} GROUP BY class"
    return f"SELECT {', '.join(columns)} FROM ({classes}) AS c{joins}"


def failing(privacy: Privacy, measures: str) -> str:
    """Return SQL of the classes in `measures` (of `class_measures`) that break a promise."""
    broken = [f"n < {privacy.k}"]
    for n, _ in enumerate(privacy.sensitive):
        if privacy.l is not None:
            broken.append(f"l{n} < {privacy.l}")
        if privacy.t is not None:
            broken.append(f"t{n} > {privacy.t + ROUNDING!r}")
    return f"SELECT class FROM {measures} WHERE {' OR '.join(broken)}"


def to_withhold(privacy: Privacy, measures: str) -> str:
    """Return SQL of the classes to withhold next: those below k or l, else the farthest of t.

    Withholding a class moves the distribution of all, so that others may then be close enough.
    """
    near = Privacy(privacy.quasi_identifiers, privacy.k, privacy.l, None, privacy.sensitive)
    small = failing(near, measures)
    if privacy.t is None:
        return small
    distance = f"greatest({', '.join(f't{n}' for n, _ in enumerate(privacy.sensitive))})"
    farthest = (
        f"SELECT class FROM {measures} WHERE {distance} = (SELECT max({distance}) FROM {measures}) "
        f"AND {distance} > {privacy.t + ROUNDING!r} AND NOT EXISTS ({small})"
    )
    return f"{small} UNION ALL {farthest}"


def summary(privacy: Privacy, measures: str) -> tuple[Sequence[str], str]:
    """Return the names of the measures and SQL of them over all classes, in one row.

    `k` and `l/<column>` are the smallest, `t/<column>` is the largest; null without any record.
    """
    names, columns = ["k"], ["min(n)"]
    for n, name in enumerate(privacy.sensitive):
        if privacy.l is not None:
            names.append(f"l/{name}")
            columns.append(f"min(l{n})")
        if privacy.t is not None:
            names.append(f"t/{name}")
            columns.append(f"max(t{n})")
    return names, f"SELECT {', '.join(columns)} FROM {measures}"


def _equal(value: str, table: str) -> str:
    """Return SQL of the variational distance per class: half the sum of |p - q|.

    Of the values that a class lacks only the sum of q is needed, which is what the others leave.
    """
    return (
        f"WITH total AS (SELECT {value} AS v, count(*) / sum(count(*)) OVER () AS q "
        f"FROM {table} GROUP BY {value}), "
        f"own AS (SELECT class, {value} AS v, count(*) / sum(count(*)) OVER (PARTITION BY class) "
        f"AS p FROM {table} GROUP BY class, {value}) "
        "SELECT class, (sum(abs(p - q)) + 1 - sum(q)) / 2 AS distance FROM own JOIN total "
        "ON own.v IS NOT DISTINCT FROM total.v GROUP BY class"
    )


def _ordered(value: str, table: str) -> str:
    """Return SQL of the ordered distance per class: the mean of |P(i) - Q(i)| over the values.

    P and Q are the cumulated shares of the class and of all records at the i-th value of all. P is
    constant from one value of the class to the next, Q rises; so each such stretch is summed by the
    place where Q passes P, and no class is joined with all values.
    """
    return (
        f"WITH counted AS (SELECT {value} AS v, count(*) AS c FROM {table} GROUP BY ALL), "
        "risen AS (SELECT v, row_number() OVER (ORDER BY v) AS i, "
        "sum(c) OVER (ORDER BY v) / sum(c) OVER () AS q FROM counted), "
        "total AS (SELECT v, i, q, sum(q) OVER (ORDER BY i) AS s FROM risen "
        "UNION ALL SELECT NULL, 0, 0, 0), "
        f"own AS (SELECT class, {value} AS v, count(*) AS c FROM {table} GROUP BY ALL), "
        "placed AS (SELECT class, risen.i, c FROM own JOIN risen "
        "ON own.v IS NOT DISTINCT FROM risen.v), "
        "stretches AS (SELECT class, i AS a, "
        "lead(i, 1, (SELECT max(i) + 1 FROM risen)) OVER w - 1 AS b, "
        "sum(c) OVER w / sum(c) OVER (PARTITION BY class) AS p, lag(i) OVER w IS NULL AS first "
        "FROM placed WINDOW w AS (PARTITION BY class ORDER BY i)), "
        "crossed AS (SELECT class, a, b, p, first, greatest(least(g.i, b), a - 1) AS x "
        f"FROM stretches ASOF JOIN total AS g ON stretches.p + {ROUNDING!r} >= g.q), "
        "summed AS (SELECT class, p * (x - a + 1) - (tx.s - ta.s) + (tb.s - tx.s) - p * (b - x) "
        "+ CASE WHEN first THEN ta.s ELSE 0 END AS d FROM crossed "
        "JOIN total AS tx ON tx.i = x JOIN total AS ta ON ta.i = a - 1 "
        "JOIN total AS tb ON tb.i = b) "
        "SELECT class, sum(d) / greatest((SELECT max(i) FROM risen) - 1, 1) AS distance "
        "FROM summed GROUP BY class"
    )
