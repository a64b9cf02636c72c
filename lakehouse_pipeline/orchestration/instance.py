"""The Dagster instance of one home: its folders, its `dagster.yaml`, and how to open it.

How events are stored is in `event_storage.py`; the processes of `lakehouse up` are in
`processes.py`.
"""

import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path

import psutil
from dagster import DagsterInstance, DagsterRun, DagsterRunStatus, RunsFilter
from dagster._core.events import JobFailureData, RunFailureReason
from dagster._core.storage.tags import GRPC_INFO_TAG, RUN_FAILURE_REASON_TAG

from lakehouse_pipeline.settings import Settings

DATASET_TAG = "lakehouse/dataset"
"""The tag every run carries; two runs of one dataset never run at once."""

PROCESS_TAG = ".dagster/lakehouse_process"
"""The tag of a run that works in the process that started it, as `lakehouse ingest` does."""

DIED_TAG = "lakehouse/died"
"""`true` on a run that ended because its process did, not because of an error of its own."""

IN_PROGRESS = (DagsterRunStatus.STARTING, DagsterRunStatus.STARTED, DagsterRunStatus.CANCELING)

_DIED = JobFailureData(error=None, failure_reason=RunFailureReason.UNEXPECTED_TERMINATION)
_SIGNATURE = "# lakehouse_pipeline:"
_PREAMBLE = """\
# Written by lakehouse_pipeline, which replaces it when a newer version has other defaults.
# Change anything below and the file is yours: it is then never written again.
"""


def prepare_home(settings: Settings) -> None:
    """Create the folders of the home and its `dagster.yaml`; what is there already stays.

    A `dagster.yaml` that a person wrote or changed is never touched: the file carries the SHA-256
    of its own text, and only a text that still has that hash is replaced by a newer one.
    """
    for folder in (settings.contracts, settings.landing, settings.lake, settings.dagster):
        folder.mkdir(parents=True, exist_ok=True)
    settings.keys.mkdir(mode=0o700, exist_ok=True)
    config = settings.dagster / "dagster.yaml"
    wanted = _signed(files(__package__).joinpath("dagster.yaml").read_text("utf-8"))
    if not config.exists() or _is_ours(config.read_text("utf-8"), instead_of=wanted):
        _replace(config, wanted)


@contextmanager
def open_instance(settings: Settings) -> Iterator[DagsterInstance]:
    """Yield the home's instance; `DAGSTER_HOME` names the home as long as it is open.

    The variable is for this process's children and for `dagster.yaml`, which refers to it so that
    a home can be moved; its former value is put back at the end.
    """
    prepare_home(settings)
    former = os.environ.get("DAGSTER_HOME")
    os.environ["DAGSTER_HOME"] = str(settings.dagster)
    try:
        with DagsterInstance.from_config(str(settings.dagster)) as instance:
            yield instance
    finally:
        if former is None:
            del os.environ["DAGSTER_HOME"]
        else:
            os.environ["DAGSTER_HOME"] = former


def process_tags() -> dict[str, str]:
    """Return the tag for a run that works in this very process: its id and start time."""
    return {PROCESS_TAG: _process_name(psutil.Process())}


def fail_dead_runs(instance: DagsterInstance, *, launched: bool) -> list[str]:
    """Mark runs whose process died as failed and with `DIED_TAG`, and return their ids.

    A killed process cannot say that its run is over, and an unfinished run keeps its dataset's
    next runs waiting. Such a run is found by `PROCESS_TAG`; one that Dagster itself saw dying in
    the last day only gets the tag.

    Args:
        instance: the home's instance.
        launched: also those the daemon launched. Only right for who holds the home's lock and
            knows that no process of the former `lakehouse up` is left.
    """
    unfinished = instance.get_runs(RunsFilter(statuses=list(IN_PROGRESS)))
    unseen = [run for run in unfinished if _is_dead(instance, run, launched=launched)]
    seen = [run for run in _failed_lately(instance) if _died_in_sight(instance, run)]
    for run in unseen:
        instance.report_run_failed(run, "The process of this run died.", _DIED)
    for run in (*unseen, *seen):
        instance.add_run_tags(run.run_id, {DIED_TAG: "true"})
    return [run.run_id for run in (*unseen, *seen)]


def _is_dead(instance: DagsterInstance, run: DagsterRun, *, launched: bool) -> bool:
    name = _process_of(instance, run)
    if name is None:
        return launched and GRPC_INFO_TAG in run.tags
    with suppress(psutil.NoSuchProcess, ValueError):
        return _process_name(psutil.Process(int(name.partition("@")[0]))) != name
    return True


def _process_of(instance: DagsterInstance, run: DagsterRun) -> str | None:
    """Return the process that a run works in, None before it works.

    A re-executed run is made with every tag of the run it repeats, that of its process too.
    """
    name = run.tags.get(PROCESS_TAG)
    parent = instance.get_run_by_id(run.parent_run_id) if run.parent_run_id else None
    return None if parent and parent.tags.get(PROCESS_TAG) == name else name


def _failed_lately(instance: DagsterInstance) -> Sequence[DagsterRun]:
    since = datetime.now(UTC) - timedelta(days=1)
    return instance.get_runs(RunsFilter(statuses=[DagsterRunStatus.FAILURE], updated_after=since))


def _died_in_sight(instance: DagsterInstance, run: DagsterRun) -> bool:
    """Return whether Dagster failed this run because its process ended; an error has a reason."""
    reason = run.tags.get(RUN_FAILURE_REASON_TAG)
    killed = reason is None and _process_of(instance, run) is not None
    terminated = reason == RunFailureReason.UNEXPECTED_TERMINATION.value
    return DIED_TAG not in run.tags and (killed or terminated)


def _process_name(process: psutil.Process) -> str:
    return f"{process.pid}@{process.create_time():.2f}"


def _signed(body: str) -> str:
    return f"{_PREAMBLE}{_SIGNATURE} {hashlib.sha256(body.encode()).hexdigest()}\n{body}"


def _is_ours(text: str, *, instead_of: str) -> bool:
    """Return whether `text` is an untouched older text of ours (False also when it is current)."""
    _, signature, rest = text.partition(_SIGNATURE)
    digest, _, body = rest.partition("\n")
    untouched = bool(signature) and hashlib.sha256(body.encode()).hexdigest() == digest.strip()
    return untouched and text != instead_of


def _replace(path: Path, text: str) -> None:
    new = path.with_suffix(f".{os.getpid()}.part")
    new.write_text(text, "utf-8")
    new.replace(path)
