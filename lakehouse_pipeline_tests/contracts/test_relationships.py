"""Foreign keys: which columns point to which columns of another dataset."""

import pytest

from lakehouse_pipeline.contracts.load import load_text
from lakehouse_pipeline.contracts.model import ForeignKey
from lakehouse_pipeline_tests.contracts.contract_text import (
    COLUMNS,
    PATH,
    contract_of,
    contract_text,
    messages_of,
    problems_of,
)


def of_column(*relationships: str) -> str:
    listed = ", ".join(f"{{{relationship}}}" for relationship in relationships)
    return f"      - {{name: customer, logicalType: integer, relationships: [{listed}]}}\n"


def of_schema(relationship: str) -> str:
    """Return the text of a contract with one relationship of the schema, at line 15."""
    return contract_text(COLUMNS) + f"    relationships: [{{{relationship}}}]\n"


def keys_of(text: str) -> tuple[ForeignKey, ...]:
    return load_text(text, PATH).foreign_keys


def test_a_column_points_to_a_column_of_another_dataset() -> None:
    contract = contract_of(of_column("type: foreignKey, to: customers.customer_id"))
    assert contract.foreign_keys == (
        ForeignKey("customer.foreignKey", ("customer",), "customers", ("customer_id",)),
    )


def test_columns_point_together() -> None:
    text = of_schema("from: [orders.id, email], to: [shops.number, shops.e.mail]")
    (key,) = keys_of(text)
    assert key == ForeignKey("id_email.foreignKey", ("id", "email"), "shops", ("number", "e.mail"))


def test_one_column_may_point_from_the_schema() -> None:
    (key,) = keys_of(of_schema("from: orders.id, to: customers.id"))
    assert key.columns == ("id",)
    (key,) = keys_of(of_schema("from: id, to: customers.id"))
    assert key.columns == ("id",)


def test_a_foreign_key_may_warn() -> None:
    custom = "customProperties: [{property: severity, value: warning}]"
    (key,) = contract_of(of_column(f"to: customers.id, {custom}")).foreign_keys
    assert key.severity == "warning"


def test_a_column_may_point_to_several_datasets_under_a_name_for_each() -> None:
    contract = contract_of(of_column("to: b.x", "to: c.x", "to: c.y"))
    assert [key.name for key in contract.foreign_keys] == [
        "customer.foreignKey",
        "customer.foreignKey_c",
        "customer.foreignKey_c_y",
    ]


@pytest.mark.parametrize(
    ("relationship", "message"),
    [
        (
            "type: forignKey, to: b.x",
            (
                "relationship type 'forignKey' is not known. Did you mean 'foreignKey'? "
                "Expected foreignKey"
            ),
        ),
        ("type: foreignKey", "a relationship needs the key 'to'"),
        ("from: customer, to: b.x", "'from' is column 'customer' here; remove it"),
        (
            "to: customer_id",
            (
                "'to': 'customer_id' names no column; write it as <dataset>.<column>, such as "
                "customers.customer_id"
            ),
        ),
        (
            "to: schema/customers_tbl/properties/id",
            (
                "'to': 'schema/customers_tbl/properties/id' names no column; write it as "
                "<dataset>.<column>, such as customers.customer_id"
            ),
        ),
        (
            "to: orders.id",
            (
                "a relationship to the dataset itself is not enforced by this version of "
                "lakehouse_pipeline; remove it"
            ),
        ),
        ("to: [b.x, b.y]", "columns that point: 1, columns in 'to': 2; expected as many of both"),
        (
            "to: b.x, customProperties: [{property: severity, value: warn}]",
            "severity 'warn' is not known. Did you mean 'warning'? Expected error or warning",
        ),
        (
            "to: b.x, customProperties: [{property: severty, value: error}]",
            (
                "unknown custom property 'severty' of a relationship. Did you mean 'severity'? "
                "Known: severity"
            ),
        ),
        ("too: b.x, to: b.x", "unknown key 'too' in relationship. Did you mean 'to'?"),
    ],
)
def test_a_relationship_of_a_column_that_is_wrong_is_refused(
    relationship: str, message: str
) -> None:
    assert messages_of(contract_text(of_column(relationship))) == [message]


@pytest.mark.parametrize(
    ("relationship", "problem"),
    [
        ("to: b.x", "14:21: a relationship of the schema needs the key 'from'"),
        ("from: idd, to: b.x", "14:28: 'from': unknown column 'idd'. Did you mean 'id'?"),
        (
            "from: orders.emial, to: b.x",
            "14:28: 'from': unknown column 'emial'. Did you mean 'email'?",
        ),
        (
            "from: id, to: [b.x]",
            "14:36: 'from' and 'to': expected one text in both or a list in both",
        ),
        (
            "from: [id, email], to: [b.x]",
            "14:45: columns that point: 2, columns in 'to': 1; expected as many of both",
        ),
        ("from: [id, id], to: [b.x, b.y]", "14:33: 'from': a column stands there twice"),
        ("from: [id, email], to: [b.x, b.x]", "14:51: 'to': a column stands there twice"),
        (
            "from: [id, email], to: [c.x, b.x]",
            "14:45: a relationship points to one dataset, not to b, c",
        ),
        ("from: [], to: []", "14:28: 'from' is empty; name at least one column"),
    ],
)
def test_a_relationship_of_the_schema_that_is_wrong_is_refused(
    relationship: str, problem: str
) -> None:
    assert problems_of(of_schema(relationship))[0] == f"orders.yaml:{problem}"


def test_a_relationship_may_not_stand_there_twice() -> None:
    assert problems_of(contract_text(of_column("to: b.x", "to: b.x"))) == [
        "orders.yaml:10:75: the relationship of line 10 stands there twice"
    ]
