"""Calls drawn from the OpenAPI document: whatever is sent, no answer is a bug of ours."""

import subprocess
import sys
from pathlib import Path

import pytest

from lakehouse_pipeline_tests.api.client import serving

EXAMPLES = 8
CONFIG = """
[parameters]
"path.dataset" = "drawn"
"path.batch" = "{batch}"
"path.grant" = "{grant}"
"query.dataset" = "drawn"
"""
GRANT = {"dataset": "drawn", "consumer": "a", "purpose": "b", "expires": "2027-01-01"}


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_no_call_that_the_document_allows_is_answered_with_a_bug(tmp_path: Path) -> None:
    config = tmp_path / "schemathesis.toml"
    with serving(tmp_path / "home") as api:
        batch = api.published(api.dataset("drawn"))
        grant = api.post("/grants", GRANT).json["id"]
        config.write_text(CONFIG.format(batch=batch, grant=grant))
        command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(config)]
        command += ["run", f"{api.url}/openapi.json", "--checks", "not_a_server_error"]
        command += ["--phases", "examples,coverage,fuzzing", "--max-examples", str(EXAMPLES)]
        command += ["--seed", "1", "--request-timeout", "90", "--suppress-health-check", "all"]
        command += ["--exclude-path", "/metrics", "--generation-database", "none"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
        assert done.returncode == 0, done.stdout[-8000:] + done.stderr + api.log.read_text()[-4000:]
