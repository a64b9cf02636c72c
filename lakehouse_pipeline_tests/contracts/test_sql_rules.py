"""Rules of type `sql`: their query ready to run, the data it runs over, and their limits."""

import pytest

from lakehouse_pipeline.contracts.model import Limit, SqlRule
from lakehouse_pipeline_tests.contracts.contract_text import (
    COLUMNS,
    contract_of,
    contract_text,
    custom,
    problems_of,
    rule_messages,
)

COUNT = "SELECT count(*) FROM orders"
OVER = "customProperties: [{property: over, value: published}]"
DROPPED = (
    "      - {name: id, logicalType: integer}\n"
    "      - {name: email, logicalType: string, customProperties: "
    "[{property: anonymize, value: {technique: drop}}]}\n"
    "      - {name: phone, logicalType: string, customProperties: "
    "[{property: anonymize, value: {technique: mask}}]}\n"
)


def rule(query: str, more: str = "mustBe: 0") -> str:
    return f'      - {{type: sql, name: q, query: "{query}", {more}}}\n'


def test_a_query_of_the_schema_runs_over_the_batch() -> None:
    quality = rule(COUNT, "mustBeGreaterThan: 1, severity: warning, description: ' Some. '")
    assert contract_of(quality=quality).sql_rules == (
        SqlRule(
            "q",
            COUNT,
            (Limit("mustBeGreaterThan", (1.0,)),),
            description="Some.",
            severity="warning",
        ),
    )


def test_the_placeholders_of_a_column_are_filled_in() -> None:
    query = "SELECT count(*) FROM ${object} WHERE {property} IS NULL"
    columns = (
        "      - {name: odd name, logicalType: string, quality: "
        f"[{{type: sql, name: q, query: '{query}', mustBe: 0}}]}}\n"
    )
    (found,) = contract_of(columns).sql_rules
    assert found.query == 'SELECT count(*) FROM "orders" WHERE "odd name" IS NULL'


def test_a_query_may_run_over_published_data() -> None:
    query = "SELECT count(DISTINCT phone) FROM orders"
    (found,) = contract_of(DROPPED, rule(query, f"mustBe: 0, {OVER}")).sql_rules
    assert found.over == "published"


@pytest.mark.parametrize(
    ("columns", "top", "query", "hidden"),
    [
        (DROPPED, "", "SELECT count(email) FROM orders", "email"),
        (COLUMNS, custom("publish", "{columns: [id]}"), "SELECT max(paid) FROM orders", "paid"),
    ],
)
def test_what_is_not_published_cannot_be_queried_there(
    columns: str, top: str, query: str, hidden: str
) -> None:
    assert contract_of(columns, rule(query), top=top).sql_rules[0].over == "batch"
    (problem,) = problems_of(contract_text(columns, rule(query, f"mustBe: 0, {OVER}"), top=top))
    assert f"quality rule 'q': over published data, where {'' if top else 'email'}" in problem
    assert f"unknown column '{hidden}'." in problem


def test_a_query_that_reads_something_else_is_refused_at_its_place() -> None:
    assert problems_of(contract_text(quality=rule("SELECT count(*) FROM customers"))) == [
        (
            "orders.yaml:15:37: quality rule 'q': table 'customers' is not allowed: a query reads "
            "orders only"
        )
    ]


@pytest.mark.parametrize(
    ("written", "message"),
    [
        (f"query: {COUNT}, mustBe: 0", "a quality rule needs a 'name'; reports show it"),
        ("name: q, mustBe: 0", "an sql rule needs a 'query', one SELECT of one number"),
        (
            f"name: q, query: {COUNT}",
            (
                "an sql rule needs a limit; known: mustBe, mustNotBe, mustBeGreaterThan, "
                "mustBeGreaterOrEqualTo, mustBeLessThan, mustBeLessOrEqualTo, mustBeBetween, "
                "mustNotBeBetween"
            ),
        ),
        (
            f"name: q, query: {COUNT}, mustBe: 0, unit: percent",
            (
                "'unit' in a quality rule of this type is not enforced by this version of "
                "lakehouse_pipeline; remove it"
            ),
        ),
        (
            (
                f"name: q, query: {COUNT}, mustBe: 0, "
                "customProperties: [{property: over, value: publishd}]"
            ),
            ("over 'publishd' is not known. Did you mean 'published'? Expected batch or published"),
        ),
        (
            f"name: q, query: {COUNT}, mustBe: 0, customProperties: [{{property: ovr, value: 1}}]",
            "unknown custom property 'ovr' of an sql rule. Did you mean 'over'? Known: over",
        ),
        (
            "name: q, query: 'SELECT count({column}) FROM orders', mustBe: 0",
            ("quality rule 'q': '{column}' stands for a column; write the rule at that column"),
        ),
    ],
)
def test_an_sql_rule_that_cannot_be_kept_is_refused(written: str, message: str) -> None:
    assert rule_messages(f"type: sql, {written}") == [message]


def test_a_query_may_give_a_number_below_zero() -> None:
    (found,) = contract_of(quality=rule("SELECT min(amount) FROM orders", "mustBe: -1")).sql_rules
    assert found.limits == (Limit("mustBe", (-1.0,)),)
