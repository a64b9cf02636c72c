"""The dataset that the browser tests look at: its contract, and four files, the last one refused.

`PERSONAL` are the values that no page may show.
"""

from pathlib import Path

DATASET = "payments"
RECORDS = 40
QUARANTINED = (0, 3, 5, 22)
"""How many records of each file break a rule; of the last one more than the gate lets through."""

CONTRACT = """\
apiVersion: v3.1.0
kind: DataContract
id: payments
name: payments
version: 1.0.0
status: active
domain: sales
description:
  purpose: What customers paid, one file per month.
team:
  name: billing
customProperties:
  - {property: compliance, value: gdpr}
  - {property: publish, value: {mode: append, maxQuarantinedPercent: 20}}
  - property: privacy
    value: {quasiIdentifiers: [method], k: 2, l: 2, t: 0.5, sensitive: [paid_on], below: suppress}
slaProperties:
  - {property: retention, value: 365, unit: d}
schema:
  - name: payments
    physicalType: table
    properties:
      - {name: payment_id, logicalType: integer, required: true, unique: true}
      - name: email
        logicalType: string
        required: true
        classification: personal
        logicalTypeOptions: {format: email}
        customProperties:
          - {property: anonymize, value: {technique: hash}}
      - name: amount
        logicalType: number
        physicalType: DECIMAL(10,2)
        required: true
        logicalTypeOptions: {minimum: 0}
      - {name: method, logicalType: string, enum: [{value: card}, {value: transfer}]}
      - {name: paid_on, logicalType: date, required: true}
"""

_SOUND = "ID,EMAIL,12.50,transfer,DAY"
_BROKEN = (
    "ID,EMAIL,-3.00,card,DAY",
    "ID,NOBODY,7.50,card,DAY",
    "ID,EMAIL,9.90,barter,DAY",
    "ID,EMAIL,free,card,DAY",
)
_STRIDE = 7
"""Broken records lie this far apart, wrapping round at the end of the file."""


def _email(month: int, number: int) -> str:
    return f"walburga.{month}.{number}@example.org"


def _no_email(month: int, number: int) -> str:
    return f"walburga {month} {number} has none"


def _line(month: int, number: int) -> str:
    """Return a record; as many of a file as it should have are broken, in turn in four ways."""
    broken = [_STRIDE * turn % RECORDS for turn in range(QUARANTINED[month - 1])]
    text = _BROKEN[broken.index(number) % len(_BROKEN)] if number in broken else _SOUND
    return (
        text.replace("ID", str(1000 * month + number))
        .replace("EMAIL", _email(month, number))
        .replace("NOBODY", _no_email(month, number))
        .replace("DAY", f"2025-{month:02}-{number % 28 + 1:02}")
    )


def _file(month: int) -> str:
    lines = [_line(month, number) for number in range(RECORDS)]
    return "\n".join(["payment_id,email,amount,method,paid_on", *lines, ""])


FILES = {f"payments-2025-{month:02}.csv": _file(month) for month in range(1, 5)}
"""Name and content of each file, in the order of the months."""

PERSONAL = frozenset(
    write(month, number)
    for write in (_email, _no_email)
    for month in range(1, 5)
    for number in range(RECORDS)
)


def write_contract(folder: Path) -> Path:
    """Write the contract and return its path."""
    path = folder / "payments.odcs.yaml"
    path.write_text(CONTRACT, "utf-8")
    return path


def write_files(folder: Path) -> list[Path]:
    """Write the four files and return their paths."""
    paths = []
    for name, content in FILES.items():
        path = folder / name
        path.write_text(content, "utf-8")
        paths.append(path)
    return paths
