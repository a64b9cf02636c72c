"""A home with published orders of every type, in two batches, filled by the pipeline itself."""

from pathlib import Path

from lakehouse_pipeline.contracts.model import Contract
from lakehouse_pipeline.lake.contract_store import ContractStore
from lakehouse_pipeline_tests.contracts.contract_text import contract_text
from lakehouse_pipeline_tests.pipelines import drop, take

COLUMNS = """\
      - {name: id, logicalType: integer, required: true, logicalTypeOptions: {minimum: 1}}
      - name: email
        logicalType: string
        classification: personal
        customProperties: [{property: anonymize, value: {technique: hash}}]
      - {name: amount, logicalType: number, physicalType: "DECIMAL(38,10)"}
      - {name: rate, logicalType: number}
      - {name: paid, logicalType: boolean}
      - {name: day, logicalType: date}
      - {name: at, logicalType: timestamp}
      - {name: note, logicalType: string}
"""
HEADER = "id,email,amount,rate,paid,day,at,note\n"
FULL = (
    "{},ann@example.org,1234567890123456789012345678.0123456789,0.1,true,2024-02-29,"
    '2024-01-05T23:30:00.123456-02:00,"=1+1, ""so""\n it says"\n'
)
EMPTY = "{},,,,,,,\n"
BROKEN = "0,,,,,,,\n"


def fill(home: Path) -> Contract:
    """Fill the home: four records in the batches `a-…` and `b-…`, two more are quarantined."""
    home.mkdir(parents=True)
    file = home / "new.yaml"
    file.write_text(contract_text(COLUMNS), "utf-8")
    contract = ContractStore(home / "contracts").add(file)
    for name, first in (("b.csv", 10), ("a.csv", 20)):
        text = HEADER + FULL.format(first) + BROKEN + EMPTY.format(first + 1)
        take(home, contract, [drop(home, contract, name, text)])
    return contract
