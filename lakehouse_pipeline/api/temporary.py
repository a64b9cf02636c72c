"""Files that are made for one answer and taken away when it was given."""

import shutil
from pathlib import Path


def removed(folder: Path) -> None:
    """Take away a folder; what has gone already is gone."""
    shutil.rmtree(folder, ignore_errors=True)
