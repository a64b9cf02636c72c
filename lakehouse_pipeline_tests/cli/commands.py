"""The `lakehouse` command, called as a person does."""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lakehouse_pipeline.cli.main import main


@dataclass(frozen=True, slots=True)
class Answer:
    """How a command ended and what it printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:  # noqa: ANN401 JSON has no narrower type
        """What it printed with `--json`."""
        return json.loads(self.out)


Command = Callable[..., Answer]


def in_process(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    """Return a function that calls the command's entry point in this process."""
    monkeypatch.setenv("LAKEHOUSE_HOME", str(home))
    monkeypatch.setenv("LAKEHOUSE_THREADS", "1")

    def call(*arguments: object) -> Answer:
        monkeypatch.setattr(sys, "argv", ["lakehouse", *map(str, arguments)])
        capsys.readouterr()
        code = 0
        try:
            main()
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else 0
        printed = capsys.readouterr()
        return Answer(code, printed.out, printed.err)

    return call
