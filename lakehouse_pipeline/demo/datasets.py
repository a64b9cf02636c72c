"""The demo as a whole: which datasets there are, and their contracts and files on disk.

Where the records come from is in `new_york.py` (flights, airports) and `customers.py`.
"""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path

from lakehouse_pipeline.demo.customers import write_customers
from lakehouse_pipeline.demo.new_york import write_airports, write_flights


@dataclass(frozen=True, slots=True)
class DemoDataset:
    """A dataset of the demo: its contract to register, and its files to drop, in order."""

    name: str
    contract: Path
    files: list[Path]


_WRITERS: dict[str, Callable[[Path], list[Path]]] = {
    "airports": write_airports,
    "customers": write_customers,
    "flights": write_flights,
}


def write_demo(folder: Path) -> list[DemoDataset]:
    """Write the demo's contracts and files and return the datasets, by name.

    `<folder>/<dataset>/<dataset>.yaml` is the contract, beside it the CSV files, one per batch.
    What is there already is replaced; the same versions of the sources give the same bytes.

    Raises: DemoMissingError: the packages with the data are not installed.
    """
    return [_write(name, folder / name) for name in sorted(_WRITERS)]


def _write(name: str, folder: Path) -> DemoDataset:
    folder.mkdir(parents=True, exist_ok=True)
    contract = folder / f"{name}.yaml"
    with as_file(files(__package__) / f"{name}.yaml") as source:
        shutil.copyfile(source, contract)
    return DemoDataset(name, contract, _WRITERS[name](folder))
