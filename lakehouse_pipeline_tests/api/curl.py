"""Calls by the real curl, as a user makes them."""

import json
import subprocess
from typing import Any


def curl(*arguments: str) -> bytes:
    """Return what curl prints; a status of 400 or more is an error."""
    command = ["curl", "--silent", "--show-error", "--fail-with-body", *arguments]
    done = subprocess.run(command, capture_output=True, check=False)
    assert done.returncode == 0, (done.stdout, done.stderr)
    return done.stdout


def post(url: str, body: object) -> Any:  # noqa: ANN401 JSON has no narrower type
    kind = ("-H", "Content-Type: application/json")
    return json.loads(curl("-X", "POST", url, *kind, "-d", json.dumps(body)))
