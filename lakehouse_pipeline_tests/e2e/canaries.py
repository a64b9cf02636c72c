"""A hostile contract and its files: every personal value is a canary, which nothing else is like.

A canary is planted where records are good, where they break each kind of rule, in lines that cannot
be split, and in files that cannot be read at all.
"""

import gzip
from itertools import count

_NUMBERS = count(100)

MARKS = ("kanarie", "vogel", "739184620")
"""What is in each canary that is a text, and in each that is a number."""

PLANTED: dict[str, str] = {}
"""Where each canary stands, by its value."""


def text(where: str) -> str:
    """Return a new canary, planted at `where`."""
    value = f"kanarie{next(_NUMBERS)}vogel"
    PLANTED[value] = where
    return value


def number(where: str) -> str:
    """Return a new canary of twelve digits."""
    value = f"{next(_NUMBERS)}739184620"
    PLANTED[value] = where
    return value


def day(where: str) -> str:
    """Return a new canary of a date."""
    at = next(_NUMBERS)
    value = f"1{at}-03-0{at % 9 + 1}"
    PLANTED[value] = where
    return value


CHECKS = '''\
"""A check that tells everything it sees."""



from pandera.extensions import register_check_method


@register_check_method
def tells_all(values):
    raise ValueError("cannot judge " + ", ".join(str(value) for value in values))
'''

COLUMNS = """\
      - {name: id, logicalType: integer, required: true, primaryKey: true}
      - name: name
        logicalType: string
        required: true
        classification: personal
        logicalTypeOptions: {pattern: '^[^x]', maxLength: 20}
        customProperties:
          - {property: anonymize, value: {technique: hash}}
          - {property: subject, value: true}
      - name: nick
        logicalType: string
        classification: personal
        enum: [{value: bo}]
        customProperties: [{property: anonymize, value: {technique: redact}}]
      - name: mail
        logicalType: string
        classification: personal
        logicalTypeOptions: {format: email}
        customProperties: [{property: anonymize, value: {technique: mask}}]
      - name: phone
        logicalType: string
        unique: true
        classification: personal
        customProperties: [{property: anonymize, value: {technique: drop}}]
      - name: salary
        logicalType: integer
        classification: personal
        logicalTypeOptions: {maximum: 999999999999, multipleOf: 2}
        customProperties: [{property: anonymize, value: {technique: generalize, step: 1000000}}]
      - name: bonus
        logicalType: number
        physicalType: "DECIMAL(14,2)"
        classification: personal
        customProperties: [{property: anonymize, value: {technique: aggregate, k: 2}}]
      - name: rate
        logicalType: number
        classification: personal
        customProperties:
          - property: anonymize
            value: {technique: noise, epsilon: 1, sensitivity: 1000, minimum: 0, maximum: 9.0e+11}
      - name: born
        logicalType: date
        classification: personal
        customProperties: [{property: anonymize, value: {technique: generalize, to: decade}}]
      - name: street
        logicalType: string
        classification: personal
        customProperties: [{property: anonymize, value: {technique: pseudonymize, kind: address}}]
      - name: card
        logicalType: string
        classification: personal
        customProperties: [{property: anonymize, value: {technique: tokenize}}]
      - name: note
        logicalType: string
        classification: personal
        customProperties: [{property: anonymize, value: {technique: suppress}}]
"""

CONTRACT = """\
apiVersion: v3.1.0
kind: DataContract
id: {dataset}
name: {dataset}
version: 1.0.0
status: active
customProperties:
  - {{property: compliance, value: gdpr}}
  - {{property: publish, value: {{mode: append, maxQuarantinedPercent: 99}}}}
schema:
  - name: {dataset}
    properties:
{columns}{quality}"""

TELLING = """\
    quality:
      - {name: positive, type: custom, engine: lakehouse, implementation: "length(note) < 100"}
      - {name: cast, type: sql, query: "SELECT sum(CAST(note AS INTEGER)) FROM telling", mustBe: 0}
      - {name: most, type: sql, query: "SELECT max(salary) FROM telling", mustBe: 0}
      - name: least
        type: sql
        query: SELECT min(salary) FROM telling
        mustBe: 0
        severity: warning
"""
RAISING = """\
    quality:
      - name: tells
        type: custom
        engine: pandera
        implementation: {check: tells_all, columns: [note]}
"""
HEADER = "id,name,nick,mail,phone,salary,bonus,rate,born,street,card,note"


def contract(dataset: str, quality: str = "") -> str:
    return CONTRACT.format(dataset=dataset, columns=COLUMNS, quality=quality)


def record(key: int, why: str, **other: str) -> list[str]:
    """Return a record full of canaries; `other` are the cells that break a rule."""
    cells = {
        "id": str(key),
        "name": text(f"name, {why}"),
        "nick": "bo",
        "mail": f"{text(f'mail, {why}')}@{text(f'mail domain, {why}')}.example",
        "phone": text(f"phone, {why}"),
        "salary": number(f"salary, {why}"),
        "bonus": f"{number(f'bonus, {why}')}.25",
        "rate": f"{number(f'rate, {why}')}.5",
        "born": day(f"born, {why}"),
        "street": text(f"street, {why}"),
        "card": text(f"card, {why}"),
        "note": text(f"note, {why}"),
    }
    return list((cells | other).values())


def csv(*records: list[str]) -> bytes:
    return "".join(f"{line}\n" for line in [HEADER, *(",".join(r) for r in records)]).encode()


def files() -> dict[str, bytes]:
    """Return files by name: a good one, and broken ones of every kind."""
    good = [record(n, "a good record") for n in range(1, 5)]
    broken = {
        "pattern": {"name": f"x{text('name that breaks its pattern')}"},
        "length": {"name": text("a name too long") * 2},
        "enum": {"nick": text("nick that is not in the enum")},
        "format": {"mail": text("mail that is none")},
        "unique": {"phone": good[0][4]},
        "no integer": {"salary": text("salary that is no integer")},
        "maximum": {"salary": f"9{number('salary beyond the maximum')}"},
        "no decimal": {"bonus": f"{number('bonus with too many digits')}.123"},
        "no double": {"rate": text("rate that is none")},
        "no date": {"born": f"{day('day that is none')}T"},
        "no id": {"id": text("id that is no integer")},
    }
    bad = [record(n, why, **cells) for n, (why, cells) in enumerate(broken.items(), 5)]
    torn = record(50, "a line that cannot be split")
    return {
        "good.csv": csv(*good),
        "broken.csv": csv(*good, *bad),
        "wide.csv": csv(*good, [*torn, text("a field too many")]),
        "torn.csv": csv(*good) + f'60,"{text("a quote never closed")}\n'.encode(),
        "headless.csv": csv(record(70, "no header"), record(71, "no header")).partition(b"\n")[2],
        "bytes.csv": csv(*good) + f"80,{text('bytes that are no text')}".encode() + b"\xff\n",
        "cut.csv.gz": gzip.compress(csv(record(90, "a cut archive")), mtime=0)[:-6],
        "other.csv": f"a,{text('a header of another file')}\n1,2\n".encode(),
    }
