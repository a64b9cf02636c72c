"""What the API loads to start: nothing large that only some rules and hashes need."""

import subprocess
import sys

LOADED = """
import sys
import lakehouse_pipeline.api.app
print(*(name for name in ("pandas", "pandera", "datafusion") if name in sys.modules))
"""


def test_the_api_starts_without_pandas_and_what_brings_it() -> None:
    command = [sys.executable, "-c", LOADED]
    loaded = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert loaded.split() == []
