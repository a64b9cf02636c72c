"""Every change of a contract, both ways: what it is called, whom it breaks, how tables follow."""

from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakehouse_pipeline.contracts.compare import Change, compare, is_enough, next_version
from lakehouse_pipeline.contracts.comparison.limits import Numbers, direction_of
from lakehouse_pipeline.contracts.model import (
    Anonymize,
    Column,
    Contract,
    Csv,
    Deletes,
    Expression,
    ForeignKey,
    Freshness,
    Limit,
    Metric,
    PanderaCheck,
    Privacy,
    Publish,
    SqlRule,
)
from lakehouse_pipeline.contracts.promised import promised_columns
from lakehouse_pipeline.contracts.types import ColumnType
from lakehouse_pipeline.contracts.widening import is_widening
from lakehouse_pipeline.errors import DifferentDatasetsError
from lakehouse_pipeline.layers.published import published_columns
from lakehouse_pipeline_tests.contracts.contract_values import (
    BASE,
    DROP,
    HASH,
    TEXT,
    TIME,
    decimal,
    having,
    mask,
    publishing,
    whole,
    without,
)

CITY = Column("city", TEXT)
TIGHTENED = "breaking rules tightened producers replay"
LOOSENED = "breaking rules loosened consumers replay"
CHANGED = "breaking rules changed consumers+producers replay"
HARMLESS = "compatible rules changed - none"
WORDS = "documentation documentation changed - none"
WIDER = "compatible types changed - evolves"


def told(change: Change) -> str:
    """Return the facts of a change without its words."""
    breaks = "+".join(change.breaks) or "-"
    return f"{change.kind} {change.promise} {change.direction} {breaks} {change.effect}"


def col(name: str, /, **values: object) -> Contract:
    return having(BASE, name, **values)


def adding(*columns: Column, contract: Contract = BASE) -> Contract:
    return replace(contract, columns=(*contract.columns, *columns))


def moved(name: str, to: int, contract: Contract = BASE) -> Contract:
    columns = [c for c in contract.columns if c.name != name]
    columns.insert(to, contract.column(name))
    return replace(contract, columns=tuple(columns))


def limit(key: str, *numbers: float) -> Limit:
    return Limit(key, numbers)


def metric(**values: object) -> Contract:
    rule = Metric("enough", "rowCount", (limit("mustBeGreaterThan", 0),))
    return having(metrics=(replace(rule, **values),))  # type: ignore[arg-type]  # each is a field


def expression(**values: object) -> Contract:
    rule = Expression("sane", "count > 0", ("count",))
    return having(expressions=(replace(rule, **values),))  # type: ignore[arg-type]  # the same


def pandera(**values: object) -> Contract:
    rule = PanderaCheck("iban", "is_iban", ("name",), {"country": "DE"})
    return having(pandera_checks=(replace(rule, **values),))  # type: ignore[arg-type]  # the same


def pointing(**values: object) -> Contract:
    rule = ForeignKey("name.foreignKey", ("name",), "names", ("name",))
    return having(foreign_keys=(replace(rule, **values),))  # type: ignore[arg-type]  # the same


def query(**values: object) -> Contract:
    rule = SqlRule("total", "SELECT sum(amount) FROM orders", (limit("mustBeGreaterThan", 0),))
    return having(sql_rules=(replace(rule, **values),))  # type: ignore[arg-type]  # the same


def kept(**days: float) -> Contract:
    return having(retention=days)


def read(**values: object) -> Contract:
    return having(csv=replace(Csv(), **values))  # type: ignore[arg-type]  # each is a field


REMOVED = "breaking columns changed consumers replay"
ADDED = "compatible columns changed - evolves"
RETYPED = "breaking types changed consumers+producers replay"
REORDERED = "breaking order changed consumers evolves"
READING = "breaking reading changed producers none"
KEY_TIGHTENED = "breaking keys tightened producers replay"
KEY_LOOSENED = "breaking keys loosened consumers replay"
PUBLISH = "breaking publish changed consumers replay"
WEAKENED = "breaking privacy weakened subjects none"
STRENGTHENED = "compatible privacy strengthened - none"
LESS = ([WEAKENED], [STRENGTHENED])
FIVE = Privacy(("day", "name"), 5, t=0.3, sensitive=("count",))
LEVELS = "city,county,land\nUlm,Alb-Donau,BW"
UNSEEN = publishing(columns=("id", "name"))

CASES: dict[str, tuple[Contract, Contract, list[str], list[str]]] = {
    # columns and their order
    "a column at the end": (BASE, adding(CITY), [ADDED], [REMOVED]),
    "a required column at the end": (
        BASE,
        adding(replace(CITY, required=True)),
        [TIGHTENED, ADDED],
        [REMOVED],
    ),
    "a column in between": (
        BASE,
        moved("city", 1, adding(CITY)),
        [REORDERED, ADDED],
        [REMOVED],
    ),
    "a column that is not published": (
        UNSEEN,
        adding(CITY, contract=UNSEEN),
        [ADDED],
        ["compatible columns changed - replay"],
    ),
    "a column under a new name": (
        BASE,
        col("name", name="title"),
        [REMOVED, REORDERED, ADDED],
        [REMOVED, REORDERED, ADDED],
    ),
    "columns in another order": (BASE, moved("day", 0), [REORDERED], [REORDERED]),
    "columns in another order, without a header": (
        read(header=False),
        moved("day", 0, read(header=False)),
        [REORDERED, READING],
        [REORDERED, READING],
    ),
    "columns in another order than published": (
        publishing(columns=("id", "name")),
        publishing(moved("day", 0), columns=("id", "name")),
        ["compatible order changed - evolves"],
        ["compatible order changed - evolves"],
    ),
    "a published column left out": (
        publishing(columns=("id", "name")),
        publishing(columns=("id",)),
        [REMOVED],
        [ADDED],
    ),
    "the published order": (
        publishing(columns=("id", "name")),
        publishing(columns=("name", "id")),
        [REORDERED],
        [REORDERED],
    ),
    # types
    "INTEGER to BIGINT": (BASE, col("count", type=whole("BIGINT")), [WIDER], [RETYPED]),
    "INTEGER to DECIMAL": (BASE, col("count", type=decimal(12, 2)), [WIDER], [RETYPED]),
    "a larger DECIMAL": (BASE, col("amount", type=decimal(12, 4)), [WIDER], [RETYPED]),
    "a DECIMAL with fewer whole digits": (
        BASE,
        col("amount", type=decimal(10, 4)),
        [RETYPED],
        [RETYPED],
    ),
    "DECIMAL to DOUBLE": (
        BASE,
        col("amount", type=ColumnType("number", "DOUBLE")),
        [RETYPED],
        [RETYPED],
    ),
    "anything to text": (
        BASE,
        col("count", type=TEXT),
        ["breaking types changed consumers replay"],
        [RETYPED],
    ),
    "TIME to text, both stored as text": (
        BASE,
        col("at", type=TEXT),
        ["breaking types changed consumers replay"],
        [RETYPED],
    ),
    "a type that is not published": (
        UNSEEN,
        having(UNSEEN, "count", type=TEXT),
        ["compatible types changed - replay"],
        ["breaking types changed producers replay"],
    ),
    "a hashed type that is written alike": (
        col("count", anonymize=HASH),
        col("count", anonymize=HASH, type=whole("BIGINT")),
        [WIDER],
        [RETYPED],
    ),
    "a hashed type that is written otherwise": (
        col("count", anonymize=HASH),
        col("count", anonymize=HASH, type=decimal(12, 2)),
        ["breaking types changed consumers replay"],
        [RETYPED],
    ),
    "the format of a date": (
        BASE,
        col("day", type=ColumnType("date", "DATE", "dd.MM.yyyy")),
        [READING],
        [READING],
    ),
    "the format of a time, which stays text": (
        BASE,
        col("at", type=ColumnType("time", "TIME", "HH'h'mm")),
        ["breaking reading changed consumers+producers none"],
        ["breaking reading changed consumers+producers none"],
    ),
    # rules of a column
    "required": (BASE, col("name", required=True), [TIGHTENED], [LOOSENED]),
    "required, not published": (
        UNSEEN,
        having(UNSEEN, "count", required=True),
        [TIGHTENED],
        ["compatible rules loosened - replay"],
    ),
    "an enum": (BASE, col("name", enum=("a",)), [TIGHTENED], [LOOSENED]),
    "a further enum value": (
        col("name", enum=("a",)),
        col("name", enum=("b", "a")),
        [LOOSENED],
        [TIGHTENED],
    ),
    "another enum value": (
        col("name", enum=("a",)),
        col("name", enum=("b",)),
        [LOOSENED, TIGHTENED],
        [LOOSENED, TIGHTENED],
    ),
    "a pattern": (BASE, col("name", pattern="^a"), [TIGHTENED], [LOOSENED]),
    "another pattern": (col("name", pattern="^a"), col("name", pattern="^b"), [CHANGED], [CHANGED]),
    "a format": (BASE, col("name", format="uuid"), [TIGHTENED], [LOOSENED]),
    "another format": (
        col("name", format="ipv4"),
        col("name", format="ipv6"),
        [CHANGED],
        [CHANGED],
    ),
    "a longer least length": (
        col("name", min_length=1),
        col("name", min_length=2),
        [TIGHTENED],
        [LOOSENED],
    ),
    "a shorter greatest length": (
        col("name", max_length=9),
        col("name", max_length=8),
        [TIGHTENED],
        [LOOSENED],
    ),
    "a higher minimum": (
        col("count", minimum="9"),
        col("count", minimum="10"),
        [TIGHTENED],
        [LOOSENED],
    ),
    "a lower maximum": (
        col("amount", maximum="9.5"),
        col("amount", maximum="9.25"),
        [TIGHTENED],
        [LOOSENED],
    ),
    "the minimum itself out": (
        col("amount", minimum="0"),
        col("amount", exclusive_minimum="0"),
        [TIGHTENED],
        [LOOSENED],
    ),
    "a later day": (
        col("day", minimum="2020-09-30"),
        col("day", minimum="2020-10-01"),
        [TIGHTENED],
        [LOOSENED],
    ),
    "the maximum itself out": (
        col("amount", maximum="5"),
        col("amount", exclusive_maximum="5"),
        [TIGHTENED],
        [LOOSENED],
    ),
    "a coarser step": (
        col("count", multiple_of="2"),
        col("count", multiple_of="4"),
        [TIGHTENED],
        [LOOSENED],
    ),
    "another step": (
        col("count", multiple_of="4"),
        col("count", multiple_of="6"),
        [CHANGED],
        [CHANGED],
    ),
    "a bound of another kind": (
        col("name", type=TIME, minimum="10:00"),
        col("name", type=ColumnType("date", "DATE"), minimum="2020-01-01"),
        [RETYPED, CHANGED],
        [RETYPED, CHANGED],
    ),
    "a rule that only warns": (
        BASE,
        col("name", pattern="^a", warns=frozenset({"pattern"})),
        [HARMLESS],
        [HARMLESS],
    ),
    "a rule that warned": (
        col("name", pattern="^a", warns=frozenset({"pattern"})),
        col("name", pattern="^a"),
        [TIGHTENED],
        [LOOSENED],
    ),
    # keys
    "unique": (BASE, col("name", unique=True), [KEY_TIGHTENED], [KEY_LOOSENED]),
    "unique in the dataset": (
        col("name", unique=True),
        col("name", unique=True, unique_scope="dataset"),
        [KEY_TIGHTENED],
        [KEY_LOOSENED],
    ),
    "no primary key": (
        BASE,
        col("id", unique=False, primary_key_position=None),
        [KEY_LOOSENED],
        [KEY_TIGHTENED],
    ),
    "another primary key": (
        BASE,
        col("name", primary_key_position=2),
        ["breaking keys changed consumers+producers replay"],
        ["breaking keys changed consumers+producers replay"],
    ),
    "the order of the primary key": (
        col("name", primary_key_position=2),
        having(col("name", primary_key_position=1), "id", primary_key_position=2),
        ["compatible keys changed - none"],
        ["compatible keys changed - none"],
    ),
    "the scope of a primary key of two": (
        having(col("name", primary_key_position=2), "id", unique=False),
        having(col("name", primary_key_position=2), "id", unique=False, unique_scope="dataset"),
        [KEY_TIGHTENED],
        [KEY_LOOSENED],
    ),
    # privacy
    "hash to mask": (
        BASE,
        col("mail", anonymize=mask()),
        ["breaking privacy weakened consumers+subjects replay"],
        ["breaking privacy strengthened consumers replay"],
    ),
    "hash to nothing": (
        BASE,
        col("mail", anonymize=None),
        ["breaking privacy weakened consumers+subjects replay"],
        ["breaking privacy strengthened consumers replay"],
    ),
    "hash of a number, published as text": (
        BASE,
        col("count", anonymize=HASH),
        ["breaking privacy strengthened consumers replay"],
        ["breaking privacy weakened consumers+subjects replay"],
    ),
    "drop to hash": (
        BASE,
        col("secret", anonymize=HASH),
        ["breaking privacy weakened subjects evolves"],
        ["breaking privacy strengthened consumers replay"],
    ),
    "a mask that keeps more": (
        col("mail", anonymize=mask(1, 1)),
        col("mail", anonymize=mask(1, 2)),
        ["breaking privacy weakened consumers+subjects replay"],
        ["breaking privacy strengthened consumers replay"],
    ),
    "a mask of another character": (
        col("mail", anonymize=mask()),
        col("mail", anonymize=mask(character="x")),
        ["breaking privacy changed consumers replay"],
        ["breaking privacy changed consumers replay"],
    ),
    "a technique that nobody sees": (
        UNSEEN,
        having(UNSEEN, "mail", anonymize=DROP),
        ["compatible privacy strengthened - replay"],
        ["breaking privacy weakened subjects evolves"],
    ),
    "a finer period": (
        col("day", anonymize=Anonymize("generalize", {"to": "year"})),
        col("day", anonymize=Anonymize("generalize", {"to": "month"})),
        ["breaking privacy weakened consumers+subjects replay"],
        ["breaking privacy strengthened consumers replay"],
    ),
    "a finer level of a hierarchy": (
        col("mail", anonymize=Anonymize("generalize", {"hierarchy": LEVELS, "level": "land"})),
        col("mail", anonymize=Anonymize("generalize", {"hierarchy": LEVELS})),
        ["breaking privacy weakened consumers+subjects replay"],
        ["breaking privacy strengthened consumers replay"],
    ),
    "less noise": (
        col("amount", anonymize=Anonymize("noise", {"epsilon": 1, "sensitivity": 1})),
        col("amount", anonymize=Anonymize("noise", {"epsilon": 2, "sensitivity": 1})),
        ["breaking privacy weakened consumers+subjects replay"],
        ["breaking privacy strengthened consumers replay"],
    ),
    "a smaller group": (
        col("amount", anonymize=Anonymize("aggregate", {"k": 5})),
        col("amount", anonymize=Anonymize("aggregate", {"k": 3})),
        ["breaking privacy weakened consumers+subjects replay"],
        ["breaking privacy strengthened consumers replay"],
    ),
    "a hash to a token": (
        col("mail", anonymize=Anonymize("hash")),
        col("mail", anonymize=Anonymize("tokenize")),
        ["breaking privacy weakened consumers+subjects replay"],
        ["breaking privacy strengthened consumers replay"],
    ),
    "a constant to a hash": (
        col("mail", anonymize=Anonymize("redact")),
        col("mail", anonymize=Anonymize("hash")),
        ["breaking privacy weakened consumers+subjects replay"],
        ["breaking privacy strengthened consumers replay"],
    ),
    "a band to a period, which cannot be compared": (
        col("day", anonymize=Anonymize("generalize", {"bands": [18], "asOf": "2026-01-01"})),
        col("day", anonymize=Anonymize("generalize", {"to": "year"})),
        ["breaking privacy changed consumers replay"],
        ["breaking privacy changed consumers replay"],
    ),
    "no value of a number, which keeps its type": (
        BASE,
        col("count", anonymize=Anonymize("suppress")),
        ["breaking privacy strengthened consumers replay"],
        ["breaking privacy weakened consumers+subjects replay"],
    ),
    "said not to be personal": (
        BASE,
        col("name", not_personal="names of shops"),
        [WEAKENED],
        [STRENGTHENED],
    ),
    "smaller groups": (having(privacy=FIVE), having(privacy=replace(FIVE, k=4)), *LESS),
    "fewer quasi-identifiers": (
        having(privacy=FIVE),
        having(privacy=replace(FIVE, quasi_identifiers=("day",))),
        *LESS,
    ),
    "a greater distance": (having(privacy=FIVE), having(privacy=replace(FIVE, t=0.4)), *LESS),
    "nothing measured": (having(privacy=FIVE), BASE, *LESS),
    "no longer personal": (BASE, col("mail", personal=False), [WEAKENED], [STRENGTHENED]),
    "no longer the subject": (BASE, col("mail", subject=False), [WEAKENED], [STRENGTHENED]),
    "a lower compliance": (BASE, having(compliance="standard"), [WEAKENED], [STRENGTHENED]),
    # rules with a name
    "an expression": (BASE, expression(), [TIGHTENED], [LOOSENED]),
    "the SQL of an expression": (
        expression(),
        expression(sql="count > 1"),
        [CHANGED],
        [CHANGED],
    ),
    "a rule over what nobody sees": (
        publishing(expression(), columns=("id",)),
        publishing(columns=("id",)),
        ["compatible rules loosened - replay"],
        [TIGHTENED],
    ),
    "an expression that only warns": (
        BASE,
        expression(severity="warning"),
        [HARMLESS],
        [HARMLESS],
    ),
    "the severity of an expression": (
        expression(),
        expression(severity="warning"),
        [LOOSENED],
        [TIGHTENED],
    ),
    "the SQL of a warning": (
        expression(severity="warning"),
        expression(severity="warning", sql="count > 1"),
        [HARMLESS],
        [HARMLESS],
    ),
    "the words of an expression": (expression(), expression(description="!"), [WORDS], [WORDS]),
    "a pandera check": (BASE, pandera(), [TIGHTENED], [LOOSENED]),
    "the arguments of a pandera check": (
        pandera(),
        pandera(arguments={"country": "FR"}),
        [CHANGED],
        [CHANGED],
    ),
    "a foreign key": (BASE, pointing(), [TIGHTENED], [LOOSENED]),
    "the target of a foreign key": (pointing(), pointing(dataset="n"), [CHANGED], [CHANGED]),
    "a metric": (BASE, metric(), [TIGHTENED], [LOOSENED]),
    "a metric's limit": (
        metric(),
        metric(limits=(limit("mustBeGreaterThan", 5),)),
        [TIGHTENED],
        [LOOSENED],
    ),
    "a metric's limit, said otherwise": (
        metric(),
        metric(limits=(limit("mustBeGreaterOrEqualTo", 1),)),
        [],
        [],
    ),
    "a metric's range that moved": (
        metric(limits=(limit("mustBeBetween", 1, 5),)),
        metric(limits=(limit("mustBeBetween", 2, 6),)),
        [CHANGED],
        [CHANGED],
    ),
    "a metric's unit": (metric(), metric(unit="percent"), [CHANGED], [CHANGED]),
    "an SQL rule": (BASE, query(), [TIGHTENED], [LOOSENED]),
    "an SQL rule's limit": (
        query(),
        query(limits=(limit("mustBeGreaterOrEqualTo", 0),)),
        [LOOSENED],
        [TIGHTENED],
    ),
    "an SQL rule's query": (query(), query(query="SELECT 1"), [CHANGED], [CHANGED]),
    "what an SQL rule is over": (query(), query(over="published"), [CHANGED], [CHANGED]),
    # the dataset as a whole
    "the mode": (BASE, publishing(mode="upsert"), [PUBLISH], [PUBLISH]),
    "deletes": (BASE, publishing(deletes=Deletes("name", ("D",))), [PUBLISH], [PUBLISH]),
    "other deletes": (
        publishing(deletes=Deletes("name", ("D",))),
        publishing(deletes=Deletes("name", ("E",))),
        [PUBLISH],
        [PUBLISH],
    ),
    "a wider gate": (
        publishing(max_quarantined_percent=1),
        publishing(max_quarantined_percent=2),
        ["breaking publish loosened consumers replay"],
        ["breaking publish tightened producers replay"],
    ),
    "the delimiter": (BASE, read(delimiter=";"), [READING], [READING]),
    "the header": (BASE, read(header=False), [READING], [READING]),
    "null values": (
        BASE,
        read(null_values=("", "NA")),
        ["breaking reading changed consumers+producers replay"],
        ["breaking reading changed consumers+producers replay"],
    ),
    "null values in another order": (
        read(null_values=("", "NA")),
        read(null_values=("NA", "")),
        [],
        [],
    ),
    "published kept shorter": (
        kept(published=30),
        kept(published=20),
        ["breaking retention changed consumers none"],
        ["compatible retention changed - none"],
    ),
    "published kept no longer for ever": (
        BASE,
        kept(published=20),
        ["breaking retention changed consumers none"],
        ["compatible retention changed - none"],
    ),
    "raw and landing kept shorter": (
        kept(raw=30, landing=30),
        kept(raw=20, landing=20),
        ["compatible retention changed - none"],
        ["compatible retention changed - none"],
    ),
    "slower": (
        having(freshness=Freshness(3600)),
        having(freshness=Freshness(7200)),
        ["breaking freshness loosened consumers none"],
        ["compatible freshness tightened - none"],
    ),
    "later": (
        having(freshness=Freshness(3600)),
        having(freshness=Freshness(3600, 60)),
        ["breaking freshness loosened consumers none"],
        ["compatible freshness tightened - none"],
    ),
    "no freshness": (
        having(freshness=Freshness(3600)),
        BASE,
        ["breaking freshness loosened consumers none"],
        ["compatible freshness tightened - none"],
    ),
    # words
    "the status": (BASE, having(status="deprecated"), [WORDS], [WORDS]),
    "the description": (BASE, having(description="Orders."), [WORDS], [WORDS]),
    "the domain": (BASE, having(domain="sales"), [WORDS], [WORDS]),
    "the owners": (BASE, having(owners=("ann",)), [WORDS], [WORDS]),
    "the tags": (BASE, having(tags=("a",)), [WORDS], [WORDS]),
    "a column's words": (BASE, col("name", description="!"), [WORDS], [WORDS]),
    "a column's tags": (BASE, col("name", tags=("a",)), [WORDS], [WORDS]),
    "the file": (BASE, having(version="9.0.0", path="x", sha256="y"), [], []),
}


@pytest.mark.parametrize("name", CASES)
def test_a_change_is_told_both_ways(name: str) -> None:
    old, new, forward, back = CASES[name]
    assert sorted(map(told, compare(old, new))) == sorted(forward)
    assert sorted(map(told, compare(new, old))) == sorted(back)


def _differing(one: object, other: object, of: type) -> set[str]:
    """Return the names of the fields in which two values of a dataclass differ."""
    return {f.name for f in fields(of) if getattr(one, f.name) != getattr(other, f.name)}


def test_no_part_of_a_contract_is_forgotten() -> None:
    pairs = [(old, new) for old, new, *_ in CASES.values()]
    columns = [
        (column, new.column(column.name))
        for old, new in pairs
        for column in old.columns
        if column.name in new.column_names
    ]
    covered = {
        Contract: [_differing(old, new, Contract) for old, new in pairs],
        Column: [_differing(old, new, Column) for old, new in columns],
        Publish: [_differing(old.publish, new.publish, Publish) for old, new in pairs],
    }
    for of, found in covered.items():
        never = {f.name for f in fields(of)} - set().union(*found)
        assert never <= {"dataset", "name"}, of


@pytest.mark.parametrize(
    "change",
    [
        {"valid_values": ("a",)},
        {"missing_values": ("", None)},
        {"pattern": "^a"},
        {"columns": ("name",)},
        {"metric": "invalidValues"},
    ],
)
def test_what_a_metric_counts_is_part_of_it(change: dict[str, object]) -> None:
    assert [told(one) for one in compare(metric(), metric(**change))] == [CHANGED]


@pytest.mark.parametrize("part", ["quote", "escape", "encoding", "line_end"])
def test_each_part_of_the_dialect_is_compared(part: str) -> None:
    (change,) = compare(BASE, read(**{part: "cr"}))
    assert told(change) == READING
    assert part.replace("_", " ") in change.what


def test_breaking_changes_come_first() -> None:
    new = having(adding(CITY), description="!", compliance="standard")
    assert [change.kind for change in compare(BASE, new)] == [
        "breaking",
        "compatible",
        "documentation",
    ]


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        (
            BASE,
            col("name", name="title"),
            "column 'name': The column is removed; is it 'title' under a new name?",
        ),
        (
            BASE,
            col("mail", name="Mail"),
            "column 'mail': The column is removed; is it 'Mail' under a new name?",
        ),
        (
            adding(Column("customer_name", TEXT), CITY),
            adding(CITY, Column("customers_name", TEXT)),
            (
                "column 'customer_name': The column is removed; is it 'customers_name'"
                " under a new name?"
            ),
        ),
        (BASE, without("name"), "column 'name': The column is removed; files must not name it."),
        (
            BASE,
            col("count", type=whole("BIGINT")),
            (
                "column 'count': The type is BIGINT instead of INTEGER, which holds every value of "
                "the old one."
            ),
        ),
        (
            col("amount", minimum="0"),
            col("amount", exclusive_minimum="0"),
            "column 'amount': Values must be more than 0; they had to be at least 0.",
        ),
        (
            col("name", enum=("a", "b")),
            col("name", enum=("b", "c")),
            "column 'name': 'c' may stand there now.",
        ),
        (
            BASE,
            col("mail", anonymize=mask(3)),
            (
                "column 'mail': The column is masked (keepFirst 3, keepLast 0, '*') instead of "
                "hashed; published values change."
            ),
        ),
        (
            BASE,
            col("count", anonymize=HASH),
            (
                "column 'count': The column is hashed instead of left as it is; it is published as "
                "VARCHAR, not INTEGER."
            ),
        ),
        (
            metric(),
            metric(limits=(limit("mustBeBetween", 1, 5),)),
            "metric 'enough': The result must be 1 to 5, no longer more than 0.",
        ),
        (
            BASE,
            kept(landing=7, published=30),
            "retention of published: Records are kept 30 days; it was for ever.",
        ),
    ],
)
def test_a_change_says_where_and_what(old: Contract, new: Contract, sentence: str) -> None:
    assert sentence in [str(change) for change in compare(old, new)]


def test_more_than_4_whole_things_are_at_least_5() -> None:
    one, other = col("count", exclusive_minimum="4"), col("count", minimum="5")
    assert compare(one, other) == compare(other, one) == []


def test_two_datasets_are_not_compared() -> None:
    with pytest.raises(DifferentDatasetsError, match=r"two datasets, 'orders' and 'other'"):
        compare(BASE, having(dataset="other"))


@pytest.mark.parametrize(
    "contract", [BASE, UNSEEN, publishing(columns=("name", "id")), without("secret", "mail")]
)
def test_the_promised_columns_are_those_of_the_published_layer(contract: Contract) -> None:
    assert promised_columns(contract) == published_columns(contract)


WHOLE_TYPES = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT")


@pytest.mark.parametrize(
    ("old", "new", "wider"),
    [
        *((a, b, i < j) for i, a in enumerate(WHOLE_TYPES) for j, b in enumerate(WHOLE_TYPES)),
        ("TINYINT", "DECIMAL(3,0)", True),
        ("TINYINT", "DECIMAL(3,1)", False),
        ("INTEGER", "DECIMAL(12,2)", True),
        ("INTEGER", "DECIMAL(11,2)", False),
        ("BIGINT", "DECIMAL(19,0)", True),
        ("BIGINT", "DECIMAL(18,0)", False),
        ("DECIMAL(10,2)", "DECIMAL(12,4)", True),
        ("DECIMAL(10,2)", "DECIMAL(12,5)", False),
        ("DECIMAL(10,2)", "DECIMAL(11,2)", True),
        ("DECIMAL(10,2)", "DECIMAL(10,2)", False),
        ("DECIMAL(10,0)", "BIGINT", False),
        ("INTEGER", "DOUBLE", True),
        ("BIGINT", "DOUBLE", False),
        ("DECIMAL(5,2)", "DOUBLE", False),
        ("DATE", "TIMESTAMP WITH TIME ZONE", False),
        ("INTEGER", "VARCHAR", False),
        ("VARCHAR", "VARCHAR", False),
    ],
)
def test_a_type_is_wider_when_it_holds_every_value(old: str, new: str, wider: bool) -> None:
    assert is_widening(old, new) is wider


KEYS = ("mustBe", "mustNotBe", "mustBeGreaterThan", "mustBeGreaterOrEqualTo", "mustBeLessThan")
NUMBERS = st.integers(0, 6)
LIMITS = st.lists(
    st.one_of(
        st.builds(Limit, st.sampled_from([*KEYS, "mustBeLessOrEqualTo"]), st.tuples(NUMBERS)),
        st.builds(
            lambda key, a, b: Limit(key, (min(a, b), max(a, b))),
            st.sampled_from(["mustBeBetween", "mustNotBeBetween"]),
            NUMBERS,
            NUMBERS,
        ),
    ),
    max_size=3,
)


@given(LIMITS, LIMITS, st.booleans())
def test_the_direction_of_limits_is_what_counting_every_number_finds(
    old: list[Limit], new: list[Limit], whole: bool
) -> None:
    high = 100 if not whole else 20
    every = range(high + 1) if whole else [n / 4 for n in range(4 * high + 1)]
    kept = [all(one.holds(n) for one in old) for n in every]
    keeps = [all(one.holds(n) for one in new) for n in every]
    fewer = any(a and not b for a, b in zip(kept, keeps, strict=True))
    more = any(b and not a for a, b in zip(kept, keeps, strict=True))
    expected = {
        (True, True): "changed",
        (True, False): "tightened",
        (False, True): "loosened",
        (False, False): None,
    }[fewer, more]
    numbers = Numbers(0, 20, whole=True) if whole else Numbers(0, 100)
    assert direction_of(old, new, numbers) == expected


TYPES = st.sampled_from([TEXT, TIME, whole("INTEGER"), whole("BIGINT"), decimal(10, 2)])
COLUMNS = st.lists(
    st.builds(
        Column,
        name=st.sampled_from(["a", "b", "c", "d"]),
        type=TYPES,
        required=st.booleans(),
        unique=st.booleans(),
        unique_scope=st.sampled_from(["batch", "dataset"]),
        max_length=st.none() | st.integers(1, 3),
        personal=st.booleans(),
        anonymize=st.sampled_from([None, HASH, mask(1), DROP]),
        warns=st.frozensets(st.sampled_from(["required", "unique"])),
    ),
    unique_by=lambda column: column.name,
    min_size=1,
    max_size=4,
)
CONTRACTS = st.builds(
    lambda columns, values: replace(BASE, columns=tuple(columns), **values),
    COLUMNS,
    st.fixed_dictionaries(
        {
            "compliance": st.sampled_from(["standard", "gdpr", "strict"]),
            "csv": st.builds(Csv, delimiter=st.sampled_from(",;"), header=st.booleans()),
            "publish": st.builds(Publish, max_quarantined_percent=st.sampled_from([1.0, 2.0])),
            "retention": st.dictionaries(
                st.sampled_from(["raw", "published"]), st.sampled_from([1.0, 2.0])
            ),
            "freshness": st.none() | st.builds(Freshness, st.sampled_from([60.0, 3600.0])),
            "tags": st.sampled_from([(), ("a",)]),
        }
    ),
)


@given(CONTRACTS)
def test_a_contract_does_not_differ_from_itself(contract: Contract) -> None:
    assert compare(contract, contract) == []


@given(CONTRACTS)
def test_an_optional_column_at_the_end_is_never_breaking(contract: Contract) -> None:
    grown = adding(Column("last", TEXT), contract=contract)
    assert [change.kind for change in compare(contract, grown)] == ["compatible"]


@given(CONTRACTS, CONTRACTS)
def test_what_breaks_one_way_is_told_the_other_way_too(old: Contract, new: Contract) -> None:
    forward, back = compare(old, new), compare(new, old)
    assert bool(forward) == bool(back)
    places = {change.where for change in back}
    promises = {change.promise for change in back}
    for change in forward:
        assert (change.kind == "breaking") == bool(change.breaks)
        if change.kind == "breaking":
            assert change.where in places or {"retention"} & {change.promise} & promises


BREAKING, COMPATIBLE, WORDED = (
    compare(BASE, new) for new in (without("name"), adding(CITY), having(description="!"))
)


@pytest.mark.parametrize(
    ("old", "changes", "expected"),
    [
        ("1.2.3", BREAKING, "2.0.0"),
        ("1.2.3", COMPATIBLE, "1.3.0"),
        ("1.2.3", WORDED, "1.2.4"),
        ("1.2.3", [], "1.2.3"),
        ("1.2.3", [*WORDED, *BREAKING], "2.0.0"),
        ("0.2.3", BREAKING, "0.3.0"),
        ("0.2.3", COMPATIBLE, "0.3.0"),
        ("0.2.3", WORDED, "0.2.4"),
        ("2.0.0-rc.1", BREAKING, "2.0.0"),
        ("2.1.0-rc.1", BREAKING, "3.0.0"),
        ("2.1.0-rc.1", COMPATIBLE, "2.1.0"),
        ("2.1.1-rc.1", WORDED, "2.1.1"),
    ],
)
def test_the_next_version_is_semantic(old: str, changes: list[Change], expected: str) -> None:
    assert next_version(old, changes) == expected


@pytest.mark.parametrize(
    ("old", "given_version", "changes", "enough"),
    [
        ("1.2.3", "2.0.0", BREAKING, True),
        ("1.2.3", "2.4.0", BREAKING, True),
        ("1.2.3", "2.0.0-rc.1", BREAKING, True),
        ("1.2.3", "1.9.9", BREAKING, False),
        ("1.2.3", "1.3.0", COMPATIBLE, True),
        ("1.2.3", "1.2.4", COMPATIBLE, False),
        ("1.2.3", "1.2.4", WORDED, True),
        ("1.2.3", "1.2.3", WORDED, False),
        ("1.2.3", "1.2.3", [], True),
        ("1.2.3", "1.2.2", [], False),
        ("0.2.3", "0.3.0", BREAKING, True),
        ("2.0.0-rc.1", "2.0.0-rc.2", BREAKING, True),
        ("2.0.0-rc.2", "2.0.0-rc.1", BREAKING, False),
    ],
)
def test_a_version_is_enough_when_it_reaches_the_next(
    old: str, given_version: str, changes: list[Change], enough: bool
) -> None:
    assert is_enough(old, given_version, changes) is enough
