"""One subject erased from drawn files: the others stay, nothing of the subject does."""

import gzip
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from lakehouse_pipeline.contracts.model import Contract
from lakehouse_pipeline.lake.byte_search import search
from lakehouse_pipeline.names import BATCH_ID, RECORD, Layer
from lakehouse_pipeline.pipeline.erase import Erasing
from lakehouse_pipeline.pipeline.lake import open_lake
from lakehouse_pipeline.pipeline.outcomes import BatchRefused
from lakehouse_pipeline.pipeline.subject_forms import forms_of
from lakehouse_pipeline.pipeline.verify import verify_dataset
from lakehouse_pipeline_tests.contracts.contract_text import contract_of
from lakehouse_pipeline_tests.pipelines import drop, records, take

SUBJECT = "ada.ü@example.org"
PERSONAL = "classification: personal, customProperties: "


def contract_in(encoding: str) -> Contract:
    return contract_of(
        "      - {name: id, logicalType: integer}\n"
        f"      - {{name: email, logicalType: string, {PERSONAL}"
        "[{property: subject, value: true}, {property: anonymize, value: {technique: hash}}]}\n"
        "      - {name: note, logicalType: string, logicalTypeOptions: {maxLength: 6}}\n",
        top=f"customProperties: [{{property: csv, value: {{encoding: {encoding}}}}}]\n",
    )


ENCODINGS = {name: contract_in(name) for name in ("utf-8", "latin-1", "utf-16")}
PACKED: dict[str, Callable[[bytes], bytes]] = {
    "": lambda data: data,
    ".gz": gzip.compress,
    ".zst": lambda data: pa.compress(data, "zstd", asbytes=True),
}
IDS = st.sampled_from(["", "1", "2", "x"])
EMAILS = st.sampled_from([SUBJECT, "bob@example.org", "", "ada.ue@example.org", "eve@example.org"])
NOTES = st.sampled_from(["", "short", "much too long", '"a,b"', '"two\nlines"', '"x""y"'])
LINES = st.one_of(
    st.tuples(IDS, EMAILS, NOTES).map(",".join),
    st.sampled_from(["", f"1,{SUBJECT}", f'{SUBJECT},"unclosed', "only", "1,2,3,4,5"]),
)
FILES = st.lists(st.tuples(LINES, st.sampled_from(["\n", "\r\n"])), max_size=9).map(
    lambda lines: "id,email,note\n" + "".join(line + end for line, end in lines)
)


def is_about(record: dict[str, Any]) -> bool:
    """Return whether a record of raw is about the subject."""
    defect = record["_defect"]
    if defect is None:
        return bool(record["email"] == SUBJECT)
    text = bytes(defect["bytes"])
    return any(text.decode(name, "replace").find(SUBJECT) >= 0 for name in ENCODINGS)


def layers(home: Path, contract: Contract) -> dict[Layer, list[dict[str, Any]]]:
    return {layer: records(home, contract, layer) for layer in Layer}


def erase(home: Path, contract: Contract) -> dict[str, list[int]]:
    with open_lake(home) as lake:
        lake.subjects.add(contract.dataset, "1", forms_of(lake, SUBJECT, []))
        return Erasing(lake, [contract], "1", [], lambda _: None, home / "exports").run()


def violations(home: Path, contract: Contract) -> list[str]:
    with open_lake(home) as lake:
        found = verify_dataset(lake, contract, {})
    return [str(one) for one in found if one.invariant != 6]


@settings(
    max_examples=8,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow],
)
@given(
    files=st.lists(FILES, min_size=1, max_size=2, unique=True),
    encoding=st.sampled_from(list(ENCODINGS)),
    packed=st.sampled_from(list(PACKED)),
)
@example(
    files=[f'id,email,note\r\n1,bob,"a\nb"\r\n2,{SUBJECT},"c\nd"\r\n{SUBJECT},"x\n3,eve,y'],
    encoding="latin-1",
    packed=".gz",
)
def test_an_erasure_takes_one_subject_out_and_nothing_else(
    files: list[str], encoding: str, packed: str
) -> None:
    contract = ENCODINGS[encoding]
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        content = {
            f"f{n}.csv{packed}": PACKED[packed](text.encode(encoding))
            for n, text in enumerate(files)
        }
        batches = [drop(home, contract, name, data) for name, data in content.items()]
        assert not any(isinstance(o, BatchRefused) for o in take(home, contract, batches))
        before = layers(home, contract)
        about = {(r[BATCH_ID], r[RECORD]) for r in before[Layer.RAW] if is_about(r)}
        found = erase(home, contract)
        assert {(b, n) for b, numbers in found.items() for n in numbers} == about
        left = {
            layer: [r for r in rows if (r[BATCH_ID], r[RECORD]) not in about]
            for layer, rows in before.items()
        }
        assert layers(home, contract) == left
        assert violations(home, contract) == []
        assert [one.path for one in search([home], SUBJECT).found] == []
        take(home, contract, batches)  # from the landing files, as they are now
        assert layers(home, contract) == left
        for name, data in content.items():  # as they were delivered, once more
            drop(home, contract, name, data)
        take(home, contract, batches)
        assert layers(home, contract) == left
        assert violations(home, contract) == []
        assert [one.path for one in search([home], SUBJECT).found] == []
