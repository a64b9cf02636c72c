"""A contract file becomes a Contract, or every problem in it is reported at its place."""

import hashlib
from pathlib import Path

import pytest

from lakehouse_pipeline.contracts.load import load_bytes, load_file, load_text
from lakehouse_pipeline.contracts.model import Anonymize, Csv, Freshness, Limit, Metric, Publish
from lakehouse_pipeline.contracts.techniques import TECHNIQUES
from lakehouse_pipeline.contracts.types import ColumnType
from lakehouse_pipeline.errors import ContractError, UnreadableContractError
from lakehouse_pipeline_tests.contracts.contract_text import (
    HEAD,
    PATH,
    column_messages,
    column_of,
    contract_of,
    contract_text,
    messages_of,
    problems_of,
)

SHARED = Path(__file__).resolve().parents[3] / "shared" / "contracts"
NOT_ENFORCED = "is not enforced by this version of lakehouse_pipeline; "


def shared(name: str) -> Path:
    path = SHARED / name
    if not path.is_file():
        pytest.skip(f"{path} is not there: it stands beside the repository of the founders")
    return path


def test_the_online_retail_contract_loads() -> None:
    path = shared("online_retail.odcs.yaml")
    contract = load_file(path)
    assert (contract.dataset, contract.version, contract.status) == (
        "online_retail",
        "1.0.0",
        "active",
    )
    assert contract.column("UnitPrice").type.sql == "DECIMAL(12,3)"
    assert contract.column("UnitPrice").minimum == "0"
    assert contract.column("InvoiceDate").type.format == "yyyy-MM-dd HH:mm:ss"
    assert contract.column("CustomerID").anonymize == Anonymize("hash")
    assert contract.column("CustomerID").subject
    assert contract.expressions[0].columns == ("Quantity", "InvoiceNo")
    assert contract.metrics == (
        Metric("enough_lines", "rowCount", (Limit("mustBeGreaterThan", (0.0,)),)),
    )
    assert (contract.compliance, contract.publish) == ("gdpr", Publish("append", 90.0))
    assert (contract.retention["raw"], contract.owners) == (730.0, ("retail-data",))
    assert contract.freshness == Freshness(86_400.0)
    assert contract.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert contract.path == str(path)


def test_the_orders_contract_loads() -> None:
    contract = load_file(shared("orders.odcs.yaml"))
    assert contract.primary_key == ("order_id",)
    assert contract.column("order_date").minimum == "2020-01-01"
    assert contract.column("phone").anonymize == Anonymize("mask", {"keepFirst": 3})
    assert contract.column("country").enum is not None


def test_a_small_contract_takes_the_defaults() -> None:
    contract = contract_of()
    assert contract.column_names == ("id", "email", "amount", "paid")
    assert contract.csv == Csv()
    assert contract.publish == Publish()
    assert contract.compliance == "standard"


def test_an_unknown_key_names_its_place_and_the_nearest_known_key() -> None:
    text = contract_text("      - name: amount\n        tpye: number\n")
    assert problems_of(text) == [
        (
            "orders.yaml:10:9: column 'amount' needs a 'logicalType'; known: "
            "string, integer, number, "
            "boolean, date, timestamp, time"
        ),
        "orders.yaml:11:9: unknown key 'tpye' in column 'amount'. Did you mean 'logicalType'?",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            HEAD + "shcema: []\n",
            "orders.yaml:7:1: unknown key 'shcema' in the contract. Did you mean 'schema'?",
        ),
        (
            contract_text("      - {name: a, logicalType: string, requird: true}\n"),
            "orders.yaml:10:40: unknown key 'requird' in column 'a'. Did you mean 'required'?",
        ),
        (
            contract_text("      - {name: a, logicalType: string, nullable: true}\n"),
            "orders.yaml:10:40: unknown key 'nullable' in column 'a'. Did you mean 'required'?",
        ),
        (
            contract_text(top="team: {name: x, memebrs: []}\n"),
            "orders.yaml:7:17: unknown key 'memebrs' in team 'x'. Did you mean 'members'?",
        ),
        (
            contract_text("      - {name: a, logicalType: string, enum: [{valeu: x}]}\n"),
            "orders.yaml:10:48: unknown key 'valeu' in enum. Did you mean 'value'?",
        ),
        (
            contract_text(quality="      - {type: text, nmae: x}\n"),
            "orders.yaml:15:22: unknown key 'nmae' in quality rule. Did you mean 'name'?",
        ),
        (
            contract_text(top="<<: {a: 1}\n"),
            "orders.yaml:7:1: unknown key '<<' in the contract.",
        ),
    ],
)
def test_an_unknown_key_is_a_problem_at_any_depth(text: str, message: str) -> None:
    assert message in problems_of(text)


def test_every_problem_is_reported_at_once_and_in_order() -> None:
    text = (
        HEAD.replace("version: 1.0.0", "version: one").replace("status: active", "status: actve")
        + "nonsense: 1\nschema:\n  - name: orders\n    properties:\n"
        + "      - {name: a, logicalType: strng}\n      - {name: _b, logicalType: string}\n"
        + "      - {name: c, logicalType: string, required: 'yes'}\n"
    )
    assert problems_of(text) == [
        "orders.yaml:5:10: version 'one': expected a version such as 1.0.0",
        (
            "orders.yaml:6:9: status 'actve' is not known. Did you mean 'active'? Known: draft, "
            "proposed, approved, active, deprecated, retired"
        ),
        "orders.yaml:7:1: unknown key 'nonsense' in the contract.",
        (
            "orders.yaml:11:32: unknown logicalType 'strng'. Did you mean 'string'? Known: string, "
            "integer, number, boolean, date, timestamp, time"
        ),
        "orders.yaml:12:16: column '_b': names that begin with '_' are kept for system columns",
        "orders.yaml:13:50: 'required': expected true or false",
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "",
            "1:1: not a contract: expected a mapping with apiVersion, kind, name, schema and more",
        ),
        (
            "- a\n",
            "1:1: not a contract: expected a mapping with apiVersion, kind, name, schema and more",
        ),
        (
            "a: [1\nb: 2\n",
            "2:2: not valid YAML: while parsing a flow sequence, did not find expected ',' or ']'",
        ),
        (
            "ä: @\n",
            (
                "1:4: not valid YAML: while scanning for the next token, found character that "
                "cannot start any token"
            ),
        ),
        ("a: 1\n---\nb: 2\n", "2:1: a second document; expected one a file"),
        ("a: 1\nb: \x00\n", "2:4: character U+0000 is not allowed in YAML; write it as an escape"),
        ("a: \ud800\n", "1:4: character U+D800 is not allowed in YAML; write it as an escape"),
        ("? [a]\n: 1\n", "1:3: a key must be plain text"),
        ("a: " + "[" * 200_000, "1:68: nested more than 64 levels deep"),
    ],
)
def test_text_that_is_no_contract_is_one_problem_with_its_place(text: str, problem: str) -> None:
    assert problems_of(text) == [f"orders.yaml:{problem}"]


def test_a_key_that_stands_twice_is_a_problem() -> None:
    assert problems_of(contract_text(top="name: orders\n")) == [
        "orders.yaml:7:1: key 'name' stands there twice; first on line 4"
    ]


def test_a_tag_is_refused_and_not_obeyed() -> None:
    text = contract_text(top="domain: !!python/object/apply:os.getcwd x\n")
    assert problems_of(text) == [
        (
            "orders.yaml:7:9: tag "
            "'tag:yaml.org,2002:python/object/apply:os.getcwd' is not supported; "
            "remove it"
        )
    ]


def test_an_anchor_may_be_used_again() -> None:
    columns = (
        "      - {name: a, logicalType: string, enum: &letters [{value: x}, {value: y}]}\n"
        "      - {name: b, logicalType: string, enum: *letters}\n"
    )
    contract = contract_of(columns)
    assert contract.column("b").enum == contract.column("a").enum == ("x", "y")


@pytest.mark.parametrize("text", ["*nobody", "&self [*self]"])
def test_an_alias_without_an_anchor_before_it_is_a_problem(text: str) -> None:
    found = messages_of(contract_text(top=f"tags: {text}\n"))
    assert any("names no anchor that stands before it" in message for message in found)


def test_aliases_that_grow_without_end_are_refused() -> None:
    lines = ["a: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"b{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 10)]
    assert problems_of("\n".join(lines))[0].endswith("more than 200,000 values")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (HEAD.replace("apiVersion: v3.1.0\n", ""), "the contract needs the key 'apiVersion'"),
        (HEAD.replace("v3.1.0", "v2.2.2"), "apiVersion 'v2.2.2': expected v3.1.0"),
        (HEAD.replace("kind: DataContract\n", ""), "the contract needs the key 'kind'"),
        (HEAD.replace("DataContract", "Contract"), "kind 'Contract': expected DataContract"),
        (HEAD.replace("id: orders\n", ""), "the contract needs the key 'id'"),
        (HEAD.replace("status: active\n", ""), "the contract needs the key 'status'"),
        (HEAD.replace("version: 1.0.0\n", ""), "the contract needs the key 'version'"),
        (HEAD.replace("1.0.0", "1.0"), "'version': expected text; put it in quotes"),
        (HEAD.replace("1.0.0", "v1.0.0"), "version 'v1.0.0': expected a version such as 1.0.0"),
        (
            HEAD.replace("name: orders", "name: my orders"),
            (
                "dataset name 'my orders': expected a letter, then letters, digits or '_', "
                "60 characters at most"
            ),
        ),
        (HEAD, "the contract needs the key 'schema' with one table"),
        (HEAD + "schema: []\n", "the contract needs the key 'schema' with one table"),
        (HEAD + "schema: [{properties: []}]\n", "a schema needs columns under 'properties'"),
        (HEAD.replace("1.0.0", ""), "the contract needs the key 'version'"),
        (HEAD + "schema: {}\n", "'schema': expected a list"),
        (HEAD + "schema: [3]\n", "'schema': expected a mapping of keys to values"),
        (
            HEAD + "schema: [{name: other}]\n",
            "the schema is named 'other', the contract 'orders'",
        ),
        (HEAD + "schema: [{name: orders}]\n", "a schema needs columns under 'properties'"),
        (
            contract_text() + "  - {name: second}\n",
            "a contract describes one dataset; expected one table in 'schema'",
        ),
        (
            contract_text(top="team: 3\n"),
            "'team': expected a mapping of keys to values, or expected a list",
        ),
        (contract_text(top="tags: [1]\n"), "'tags': expected text; put it in quotes"),
        (
            contract_text("      - {name: a, logicalType: string, enum: [DE, FR]}\n"),
            "'enum': expected each value as a mapping, such as {value: DE}",
        ),
    ],
)
def test_a_missing_or_wrong_part_is_named(text: str, message: str) -> None:
    assert message in messages_of(text)


def test_a_value_of_the_wrong_kind_is_not_also_reported_as_missing() -> None:
    assert messages_of(contract_text().replace("1.0.0", "1.0")) == [
        "'version': expected text; put it in quotes"
    ]
    assert messages_of(HEAD + "schema: [3]\n") == ["'schema': expected a mapping of keys to values"]


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ("logicalType: object", f"logicalType 'object' {NOT_ENFORCED}use string"),
        ("logicalType: array", f"logicalType 'array' {NOT_ENFORCED}use string"),
        (
            "logicalType: number, physicalType: DECIMAL",
            "physicalType 'DECIMAL' needs its digits, as in DECIMAL(12,2)",
        ),
        (
            "logicalType: integer, physicalType: BLOB",
            (
                "physicalType 'BLOB' does not fit logicalType 'integer'; known: TINYINT, SMALLINT, "
                "INTEGER, BIGINT"
            ),
        ),
        (
            "logicalType: integer, physicalType: INT, logicalTypeOptions: {format: i64}",
            "physicalType 'INT' is not BIGINT, the format's type",
        ),
        (
            "logicalType: string, logicalTypeOptions: {format: passwrd}",
            (
                "format 'passwrd' is not enforced by this version of lakehouse_pipeline. Known for "
                "'string': email, uuid, uri, hostname, ipv4, ipv6"
            ),
        ),
        (
            "logicalType: date, logicalTypeOptions: {format: yyyy-QQ}",
            "format 'yyyy-QQ': 'QQ' is not known. Known: yyyy, ",
        ),
        ("logicalType: string, properties: [{name: b}]", f"'properties' {NOT_ENFORCED}"),
        ("logicalType: string, items: {name: b}", f"'items' {NOT_ENFORCED}"),
        ("logicalType: string, partitioned: true", f"'partitioned' {NOT_ENFORCED}"),
        (
            "logicalType: string, physicalName: other",
            f"a 'physicalName' other than the name {NOT_ENFORCED}",
        ),
        (
            "logicalType: timestamp, logicalTypeOptions: {timezone: true}",
            f"'timezone' {NOT_ENFORCED}",
        ),
        (
            "logicalType: string, classification: persnal",
            (
                "classification 'persnal' is close to one that marks personal data. "
                "Did you mean 'personal'?"
            ),
        ),
        ("description: x", "column 'a' needs a 'logicalType'; known: string, "),
        (
            "logicalType: string, primaryKey: true, required: false",
            "a primary key is required; 'required: false' contradicts it",
        ),
        ("logicalType: string, primaryKeyPosition: 1", "'primaryKeyPosition' without 'primaryKey'"),
    ],
)
def test_a_column_that_cannot_be_kept_is_refused(keys: str, message: str) -> None:
    (found,) = column_messages(keys)
    assert found.startswith(message)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "a column needs the key 'name'"),
        ("_id", "column '_id': names that begin with '_' are kept for system columns"),
        ("x" * 201, "column name of 201 characters; at most 200 are taken"),
        ("a\\nb", "column 'a\\nb': a name holds no control characters or line ends"),
    ],
)
def test_a_name_that_no_column_can_have_is_refused(name: str, message: str) -> None:
    text = contract_text(f'      - {{name: "{name}", logicalType: string}}\n')
    assert message in messages_of(text)


def test_a_name_may_hold_quotes_and_blanks() -> None:
    contract = contract_of("      - {name: 'he said \"no\"', logicalType: string}\n")
    assert contract.column_names == ('he said "no"',)


@pytest.mark.parametrize(
    ("keys", "sql"),
    [
        ("logicalType: integer", "BIGINT"),
        ("logicalType: integer, logicalTypeOptions: {format: i16}", "SMALLINT"),
        ("logicalType: number", "DOUBLE"),
        ("logicalType: number, logicalTypeOptions: {format: f32}", "DOUBLE"),
        ("logicalType: number, physicalType: 'NUMERIC(9, 1)'", "DECIMAL(9,1)"),
        ("logicalType: timestamp", "TIMESTAMP WITH TIME ZONE"),
    ],
)
def test_a_column_has_the_type_of_its_keys(keys: str, sql: str) -> None:
    assert column_of(keys).type.sql == sql


def test_the_length_of_a_physical_type_is_a_rule() -> None:
    assert column_of("logicalType: string, physicalType: VARCHAR(20)").max_length == 20
    narrow = "logicalType: string, physicalType: VARCHAR(20), logicalTypeOptions: {maxLength: 5}"
    assert column_of(narrow).max_length == 5


def test_a_moment_keeps_its_format_in_the_type_and_a_text_in_the_column() -> None:
    day = column_of("logicalType: date, logicalTypeOptions: {format: dd.MM.yyyy}")
    assert (day.type, day.format) == (ColumnType("date", "DATE", "dd.MM.yyyy"), None)
    mail = column_of("logicalType: string, logicalTypeOptions: {format: email}")
    assert (mail.type.format, mail.format) == (None, "email")


def test_bounds_keep_the_text_of_the_contract() -> None:
    column = column_of(
        "logicalType: number, physicalType: 'DECIMAL(9,2)', logicalTypeOptions: "
        "{minimum: 0.10, exclusiveMaximum: 100, multipleOf: 0.05}"
    )
    assert (column.minimum, column.exclusive_maximum, column.multiple_of) == ("0.10", "100", "0.05")


@pytest.mark.parametrize("written", ["2020-12-01", "'2020-12-01'", "01.12.2020"])
def test_a_date_bound_is_iso_or_in_the_columns_format(written: str) -> None:
    options = f"{{format: dd.MM.yyyy, minimum: {written}}}"
    column = column_of(f"logicalType: date, logicalTypeOptions: {options}")
    assert column.minimum == written.strip("'")


@pytest.mark.parametrize(
    ("logical", "option", "message"),
    [
        ("integer", "minimum: 1.5", "'minimum': '1.5' is not BIGINT: expected a whole number"),
        (
            "integer",
            "maximum: 9223372036854775808",
            (
                "'maximum': '9223372036854775808' is not BIGINT: it takes -9223372036854775808 to "
                "9223372036854775807"
            ),
        ),
        (
            "number",
            "minimum: low",
            "'minimum': 'low' is not DOUBLE: expected a number such as 12.5",
        ),
        (
            "number",
            "minimum: 1e999",
            "'minimum': '1e999' is not DOUBLE: its exponent is out of range",
        ),
        (
            "number",
            "minimum: 0.123456789012345678",
            "'minimum': '0.123456789012345678' is not DOUBLE: it has more than 17 digits",
        ),
        ("number", "multipleOf: 0", "'multipleOf': expected a number above 0"),
        (
            "number",
            "multipleOf: x",
            "'multipleOf': 'x' is not DOUBLE: expected a number such as 12.5",
        ),
        ("date", "minimum: 2020-02-30", "'minimum': '2020-02-30' is not a date in ISO 8601"),
        (
            "timestamp",
            "minimum: 2020-01-01",
            "'minimum': '2020-01-01' is not a timestamp in ISO 8601",
        ),
        *(
            ("timestamp", f"minimum: '{t}'", f"'minimum': '{t}' is not a timestamp in ISO 8601")
            for t in ("9999-12-31T23:59:59-01:00", "2020-01-01T00:00:00+05:60")
        ),
        ("time", "minimum: '25:00'", "'minimum': '25:00' is not a time in ISO 8601"),
        (
            "integer",
            "exclusiveMinimum: true",
            "'exclusiveMinimum': since ODCS 3.1 it takes the bound itself, not true or false",
        ),
        ("integer", "minimum: [1]", "'minimum': expected one value, not a list or mapping"),
        (
            "integer",
            "minLength: 1",
            (
                "'minLength' does not apply to logicalType 'integer'; it takes: "
                "minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf, format"
            ),
        ),
        ("boolean", "minimum: 1", "'minimum' does not apply to logicalType 'boolean'"),
        (
            "string",
            "minimum: 1",
            (
                "'minimum' does not apply to logicalType 'string'; it takes: "
                "pattern, minLength, maxLength, format"
            ),
        ),
        (
            "string",
            "minLength: -1",
            "'minLength': expected a whole number of characters, 0 or more",
        ),
        (
            "string",
            "minLenght: 1",
            (
                "unknown option 'minLenght'. Did you mean 'minLength'? Known for "
                "'string': pattern, minLength, maxLength, format"
            ),
        ),
        ("string", "pattern: '('", "'pattern' is no regular expression of RE2: missing ): ("),
        (
            "string",
            "pattern: '(?=a)'",
            "'pattern' is no regular expression of RE2: invalid perl operator: (?=",
        ),
    ],
)
def test_an_option_that_cannot_be_kept_is_refused(logical: str, option: str, message: str) -> None:
    keys = f"logicalType: {logical}, logicalTypeOptions: {{{option}}}"
    assert column_messages(keys) == [message]


def test_a_bound_that_reads_as_two_dates_is_refused() -> None:
    keys = "logicalType: date, logicalTypeOptions: {format: yyyy-dd-MM, minimum: 2020-01-02}"
    assert column_messages(keys) == [
        (
            "'minimum': '2020-01-02' means 2020-02-01 in the format 'yyyy-dd-MM' and 2020-01-02 in "
            "ISO 8601; choose a value that is the same in both"
        )
    ]


@pytest.mark.parametrize(
    ("bound", "message"),
    [
        ("0.001", "'minimum': '0.001' is not DECIMAL(5,2): it has more digits than the type"),
        ("1000", "'minimum': '1000' is not DECIMAL(5,2): it has more digits than the type"),
        ("1e1", "'minimum': '1e1' is not DECIMAL(5,2): write it without an exponent"),
    ],
)
def test_a_bound_that_a_decimal_cannot_hold_is_refused(bound: str, message: str) -> None:
    physical = "logicalType: number, physicalType: 'DECIMAL(5,2)'"
    assert column_messages(f"{physical}, logicalTypeOptions: {{minimum: {bound}}}") == [message]


def test_an_enum_means_what_it_shows() -> None:
    values = "[{value: NO}, {value: 1}, {value: 0.10}, {value: true}, {value: 2020-01-01}]"
    column = column_of(f"logicalType: string, enum: {values}")
    assert column.enum == ("NO", "1", "0.10", "true", "2020-01-01")


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        (
            "logicalType: string, enum: []",
            "'enum' is empty: no value could ever fit; name at least one",
        ),
        (
            "logicalType: string, enum: [{value: a}, {value: a}]",
            "enum value 'a' stands there twice",
        ),
        (
            "logicalType: integer, enum: [{value: 1}, {value: 01}]",
            "enum value '01' stands there twice",
        ),
        (
            "logicalType: integer, enum: [{value: a}]",
            "enum: 'a' is not BIGINT: expected a whole number",
        ),
        (
            "logicalType: string, enum: [{value: null}]",
            "an enum value must be text, a number or true/false",
        ),
        (
            "logicalType: string, enum: [{value: [a]}]",
            "an enum value must be text, a number or true/false",
        ),
        (
            "logicalType: string, enum: [{label: a}]",
            "an enum value must be text, a number or true/false",
        ),
        (
            "logicalType: boolean, enum: [{value: yes}]",
            "enum: 'yes' is not BOOLEAN: expected true or false",
        ),
    ],
)
def test_an_enum_that_cannot_be_kept_is_refused(keys: str, message: str) -> None:
    assert column_messages(keys) == [message]


@pytest.mark.parametrize(
    ("classification", "personal"),
    [
        ("personal", True),
        ("PII", True),
        ("Personal Data", True),
        ("sensitive", True),
        ("special", True),
        ("public", False),
        ("confidential", False),
        ("internal", False),
        ("non-personal", False),
    ],
)
def test_the_classification_says_whether_a_column_is_personal(
    classification: str, personal: bool
) -> None:
    keys = f"logicalType: string, classification: {classification}"
    assert column_of(keys).personal is personal


def custom(name: str, value: str) -> str:
    return contract_text(top=f"customProperties: [{{property: {name}, value: {value}}}]\n")


def test_a_csv_dialect_is_read() -> None:
    value = "{delimiter: ';', quote: \"'\", encoding: cp1252, header: false, lineEnd: cr, "
    contract = load_text(custom("csv", value + "nullValues: ['', NA, -999]}"), PATH)
    assert contract.csv == Csv(
        delimiter=";",
        quote="'",
        escape="'",
        encoding="cp1252",
        header=False,
        null_values=("", "NA", "-999"),
        line_end="cr",
    )


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (
            "{delimiter: ab}",
            "'delimiter': expected one ASCII character that is no letter, digit or line end",
        ),
        (
            '{delimiter: "\\n"}',
            "'delimiter': expected one ASCII character that is no letter, digit or line end",
        ),
        (
            "{delimiter: ''}",
            "'delimiter': expected one ASCII character that is no letter, digit or line end",
        ),
        (
            "{quote: §}",
            (
                "'quote': expected one ASCII character that is no letter, digit or line end"
                ', or "" for none'
            ),
        ),
        (
            "{delimiter: '|', quote: '|', escape: '\"'}",
            "'quote' is the same character as 'delimiter'",
        ),
        ("{encoding: utf8000}", "'encoding': 'utf8000' is no text encoding that Python knows."),
        ("{encoding: utf_7_8}", "'encoding': 'utf_7_8' is no text encoding that Python knows."),
        ("{encoding: base64}", "'encoding': 'base64' is no text encoding that Python knows."),
        ("{encoding: 8}", "'encoding': '8' is no text encoding that Python knows."),
        ("{header: 1}", "'header': expected true or false"),
        ("{lineEnd: crlf}", "'lineEnd': 'crlf' is not known; expected lf (reads CRLF too) or cr"),
        ("{nullValues: NA}", "'nullValues': expected a list of texts, such as [\"\", NA]"),
        ("{nullValues: [null]}", "'nullValues': expected text; put it in quotes"),
        (
            "{delimeter: ','}",
            (
                "unknown key 'delimeter' in csv. Did you mean 'delimiter'? Known: "
                "delimiter, quote, escape, encoding, header, nullValues, lineEnd"
            ),
        ),
        (
            "3",
            (
                "'csv': expected a mapping with the keys delimiter, quote, "
                "escape, encoding, header, "
                "nullValues, lineEnd"
            ),
        ),
    ],
)
def test_a_csv_dialect_that_no_file_can_have_is_refused(value: str, message: str) -> None:
    assert any(found.startswith(message) for found in messages_of(custom("csv", value)))
    assert len(messages_of(custom("csv", value))) == 1


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        (
            "cvs",
            "{}",
            (
                "unknown custom property 'cvs' of a contract. Did you mean 'csv'? Known: csv, "
                "compliance, privacy, publish, retention"
            ),
        ),
        (
            "anonymize",
            "{}",
            (
                "unknown custom property 'anonymize' of a contract. Known: csv, compliance, "
                "privacy, publish, retention"
            ),
        ),
        (
            "compliance",
            "gpdr",
            (
                "compliance 'gpdr' is not known. Did you mean 'gdpr'? "
                "Expected standard, gdpr or strict"
            ),
        ),
        (
            "compliance",
            "strict",
            (
                "compliance strict measures published data; add the custom property 'privacy' with "
                "quasiIdentifiers and k, and sensitive with l and t"
            ),
        ),
    ],
)
def test_a_custom_property_that_is_not_understood_is_refused(
    name: str, value: str, message: str
) -> None:
    assert messages_of(custom(name, value)) == [message]


@pytest.mark.parametrize(
    ("properties", "message"),
    [
        (
            "[{property: csv, value: {}}, {property: csv, value: {}}]",
            "custom property 'csv' stands there twice",
        ),
        ("[{property: csv}]", "custom property 'csv' needs the key 'value'"),
        ("[{value: 1}]", "a custom property needs the key 'property'"),
    ],
)
def test_a_custom_property_that_is_not_whole_is_refused(properties: str, message: str) -> None:
    assert messages_of(contract_text(top=f"customProperties: {properties}\n")) == [message]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (
            "{technique: hsah}",
            f"technique 'hsah' is not known. Did you mean 'hash'? Known: {', '.join(TECHNIQUES)}",
        ),
        (
            "{technique: [hash]}",
            (
                "technique '['hash']' is not known. Did you mean 'hash'? "
                f"Known: {', '.join(TECHNIQUES)}"
            ),
        ),
        ("hash", "'anonymize': expected a technique, such as {technique: hash}"),
        (
            "{technique: hash, salt: x}",
            "unknown key 'salt' in technique 'hash'. Known: technique, preserveNull",
        ),
        (
            "{technique: drop, keepFirst: 1}",
            "'keepFirst' goes with mask; technique 'drop' takes no parameters",
        ),
        (
            "{technique: mask, keepfirst: 1}",
            (
                "unknown key 'keepfirst' in technique 'mask'. Did you "
                "mean 'keepFirst'? Known: technique, keepFirst, keepLast, character, "
                "format, preserveFormat"
            ),
        ),
        ("{technique: mask, keepLast: -1}", "'keepLast': expected a whole number, 0 to 32"),
        ("{technique: mask, character: '**'}", "'character': expected one printable character"),
    ],
)
def test_a_technique_that_is_not_understood_is_refused(value: str, message: str) -> None:
    keys = f"logicalType: string, customProperties: [{{property: anonymize, value: {value}}}]"
    assert message in column_messages(keys)


def test_a_mask_keeps_the_parameters_the_contract_gives() -> None:
    value = "{technique: mask, keepLast: 4, character: '#'}"
    column = column_of(
        f"logicalType: string, customProperties: [{{property: anonymize, value: {value}}}]"
    )
    assert column.anonymize == Anonymize("mask", {"keepLast": 4, "character": "#"})


def test_documentation_is_accepted() -> None:
    top = """\
domain: sales
tenant: us
dataProduct: shop
tags: [a, b]
description: {purpose: All orders., usage: Reports, limitations: None known}
team: {members: [{username: ada}, {username: bob, role: owner}]}
roles: [{role: reader, access: read}]
support: [{channel: "#orders", url: "https://example.org"}]
price: {priceAmount: 1, priceCurrency: EUR}
servers: [{server: local, type: local, path: x, format: csv}]
authoritativeDefinitions: [{url: "https://example.org", type: policy}]
slaProperties: [{property: frequency, value: 1, unit: d}, {property: latency, value: 4, unit: h}]
contractCreatedTs: 2026-01-01T00:00:00Z
"""
    columns = (
        "      - {name: a, logicalType: string, businessName: A, deprecated: false, examples: [x], "
        "description: ' The a. ', tags: [t], criticalDataElement: true, partitioned: false}\n"
    )
    contract = contract_of(columns, top=top)
    assert (contract.domain, contract.tags) == ("sales", ("a", "b"))
    assert (contract.description, contract.owners) == ("All orders.", ("ada", "bob"))
    assert contract.columns[0].description == "The a."
    assert contract.columns[0].tags == ("t",)


def test_the_name_may_stand_at_the_schema_only() -> None:
    text = contract_text().replace("id: orders\nname: orders\n", "id: orders\n")
    assert load_text(text, PATH).dataset == "orders"


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_positions_are_right_with_any_line_end_and_byte_order_mark(
    mark: str, line_end: str
) -> None:
    text = mark + contract_text(top="nonsense: 1\n").replace("\n", line_end)
    assert problems_of(text) == ["orders.yaml:7:1: unknown key 'nonsense' in the contract."]
    sound = (mark + contract_text().replace("\n", line_end)).encode()
    assert load_bytes(sound, PATH).sha256 == hashlib.sha256(sound).hexdigest()


def test_a_file_that_is_not_utf_8_is_refused_at_the_byte(tmp_path: Path) -> None:
    path = tmp_path / "orders.yaml"
    path.write_bytes(b"# \xc3\xa4\n# \xc3\xa4 \xe4\n")
    with pytest.raises(ContractError, match=r"orders\.yaml:2:5: not UTF-8; save the file in that"):
        load_file(path)


def test_a_path_that_cannot_be_read_is_the_callers_fault(tmp_path: Path) -> None:
    with pytest.raises(UnreadableContractError, match=r"Is a directory\. Give the path of a contr"):
        load_file(tmp_path)
    with pytest.raises(UnreadableContractError, match="No such file or directory") as error:
        load_file(tmp_path / "gone.yaml")
    assert error.value.exit_code == 2
