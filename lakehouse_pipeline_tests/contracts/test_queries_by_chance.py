"""Queries made by chance: DuckDB's own parser must find nothing that ours let through.

The two parsers read SQL independently, so a text they read differently shows here.
"""

import json
import random
import re
from collections.abc import Iterator
from typing import Any

import duckdb

from lakehouse_pipeline.contracts.queries import AGGREGATES, checked_query
from lakehouse_pipeline.contracts.sql_text import FUNCTIONS

SEEDS = (
    "SELECT count(*) FROM orders",
    "SELECT sum(o.id) FROM orders AS o JOIN orders AS p ON o.id = p.id WHERE o.name = 'x'",
    "WITH a AS (SELECT id, count(*) AS n FROM orders GROUP BY id) SELECT max(n) FROM a",
    "SELECT max(r) FROM (SELECT rank() OVER (PARTITION BY name ORDER BY id) AS r FROM orders)",
    "SELECT count(*) FROM orders WHERE EXISTS (SELECT 1 FROM orders x WHERE x.id = id)",
)
WORDS = """
    SELECT FROM WHERE AS JOIN LEFT ON USING WITH ( ( ) ) , . * = < || :: 1 'x' "x" id name n a o p x
    orders secrets duckdb_settings 'orders' 'secrets' 'f.csv' "secrets" "f.csv" count sum lag over
    partition order by group having case when then else end in exists not and or is null distinct
    filter cross natural positional asof lateral values union all limit any unnest read_csv range
    getenv pivot describe summarize show table at version sample between extract current_user
    columns exclude qualify window recursive materialized of lambda -> [ ] { } # $1 ? ; --
""".split()  # noqa: SIM905 - a list of words reads better as words
TOKEN = re.compile(r"'[^']*'|\"[^\"]*\"|\w+|\S")
DRAWN = 3_000
OPERATORS = frozenset(("count_star", "||", "+", "-", "*", "/", "row"))


def drawn() -> Iterator[str]:
    chance = random.Random(7)
    for _ in range(DRAWN):
        tokens = TOKEN.findall(chance.choice(SEEDS))
        for _ in range(chance.randint(1, 3)):
            place = chance.randrange(len(tokens))
            tokens[place : place + chance.randint(0, 1)] = [chance.choice(WORDS)]
        yield " ".join(tokens)


def accepted() -> list[str]:
    texts = []
    for query in drawn():
        try:
            texts.append(checked_query(query, "orders", ["id", "name"]))
        except ValueError:
            continue
    return texts


def nodes(value: object) -> Iterator[dict[str, Any]]:
    """Yield every node of DuckDB's tree."""
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    for item in value if isinstance(value, list) else ():
        yield from nodes(item)


def queries_before(tree: object) -> set[str]:
    """Return the names that WITH gives to queries."""
    maps = [node["cte_map"]["map"] for node in nodes(tree) if isinstance(node.get("cte_map"), dict)]
    return {entry["key"].lower() for entries in maps for entry in entries}


def test_a_query_made_by_chance_reads_the_dataset_only() -> None:
    texts = accepted()
    assert len(texts) > DRAWN / 100
    for text in texts:
        ((serialized,),) = duckdb.execute("SELECT json_serialize_sql(?)", [text]).fetchall()
        tree = json.loads(serialized)
        if tree["error"]:
            continue
        tables = {"orders"} | queries_before(tree)
        for node in nodes(tree["statements"]):
            assert node.get("type") != "TABLE_FUNCTION", text
            if node.get("type") == "BASE_TABLE":
                assert node["table_name"].lower() in tables, text
                assert not node["schema_name"], text
            if node.get("class") == "FUNCTION":
                assert node["function_name"].lower() in FUNCTIONS | AGGREGATES | OPERATORS, text
