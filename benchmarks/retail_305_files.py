"""305 files of a real shop dropped at once into a running `lakehouse up`.

Prints the wall time from the drop until all is published, where it went, and the count per rule.
Ends with an error when a count is not the known answer or `verify` finds a violation.
"""

import argparse
import shutil
import tempfile
import time
from collections import Counter
from pathlib import Path

from dagster import DagsterInstance
from measuring import (
    SHARED,
    existing,
    finished,
    layer_seconds,
    must_be,
    published_at,
    register,
    spans,
)

from lakehouse_pipeline.orchestration.batches import BatchState
from lakehouse_pipeline.orchestration.instance import open_instance
from lakehouse_pipeline.orchestration.processes import running
from lakehouse_pipeline.orchestration.verification import verify_home
from lakehouse_pipeline.settings import Settings

DATASET = "online_retail"
ALL_FILES = 305
KNOWN = {"records": 541_909, "validated": 406_829, "quarantined": 135_080, "published": 406_829}
KNOWN_RULES = {
    "CustomerID.required": 135_080,
    "Description.required": 1_454,
    "sold_or_cancelled": 1_336,
    "InvoiceNo.pattern": 3,
    "UnitPrice.minimum": 2,
}


def main() -> None:
    """Drop the files, wait, and print what became of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, default=SHARED, help="folder of the inputs")
    parser.add_argument("--files", type=int, default=ALL_FILES, help="drop only so many")
    options = parser.parse_args()
    contract = existing(options.shared / "contracts" / "online_retail.odcs.yaml")
    files = sorted(existing(options.shared / "data" / DATASET).glob("*.csv"))[: options.files]
    with tempfile.TemporaryDirectory(prefix="lakehouse-") as home:
        settings = Settings(home=Path(home))
        register(settings, contract)
        with running(settings), open_instance(settings) as instance:
            landing = settings.landing / DATASET
            landing.mkdir(parents=True, exist_ok=True)
            begun = time.time()
            for file in files:
                shutil.copyfile(file, landing / file.name)
            dropped = time.time()
            states = finished(instance, DATASET, len(files))
            _print_times(instance, begun, dropped)
        with open_instance(settings) as instance:
            _check_counts(states)
            begun = time.perf_counter()
            report = verify_home(instance, settings)
            must_be("violations", report.violations, [])
            print(f"verify: clean, {time.perf_counter() - begun:.1f} s")


def _print_times(instance: DagsterInstance, begun: float, dropped: float) -> None:
    runs = spans(instance)
    last = max(published_at(instance, DATASET).values())
    layers = layer_seconds(instance, DATASET)
    working = sum(run.ended - run.began for run in runs)
    events = sum(run.events for run in runs)
    rest = working - sum(layers.values())
    print(f"from the first file's drop to all published: {last - begun:.1f} s, runs: {len(runs)}")
    print(f"  dropping the files           {dropped - begun:6.2f} s")
    print(f"  until the sensor's first run {runs[0].made - dropped:6.2f} s")
    print(f"  launch of the runs           {sum(run.began - run.made for run in runs):6.2f} s")
    print(f"  the runs                     {working:6.2f} s, of which")
    for layer, seconds in layers.items():
        print(f"    {layer:<26} {seconds:6.2f} s")
    print(f"    {events:,} events and the rest  {rest:6.2f} s")


def _check_counts(states: list[BatchState]) -> None:
    rules: Counter[str] = Counter()
    for state in states:
        rules.update(state.rules)
    counts = {name: sum(getattr(state, name) or 0 for state in states) for name in KNOWN}
    print(counts, dict(rules.most_common()))
    must_be("validated + quarantined", counts["validated"] + counts["quarantined"],
            counts["records"])  # fmt: skip
    must_be("states", {state.state for state in states}, {"published"})
    if len(states) == ALL_FILES:
        must_be("counts", counts, KNOWN)
        must_be("counts per rule", dict(rules), KNOWN_RULES)


if __name__ == "__main__":
    main()
