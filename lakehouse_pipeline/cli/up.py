"""`lakehouse up`: the UI, the daemon and the sensor, until Ctrl-C."""

from lakehouse_pipeline.cli.output import console
from lakehouse_pipeline.lake.bucket_folder import address
from lakehouse_pipeline.orchestration.processes import running
from lakehouse_pipeline.settings import Settings


def up() -> None:
    """Start the UI and the sensor and stay; Ctrl-C stops everything that was started."""
    settings = Settings()
    with console.status("starting") as status, running(settings, status.update) as stack:
        status.stop()
        console.print(f"UI: {stack.url}")
        console.print(f"Drop CSV files into {address(settings.landing)}/<dataset>/. Ctrl-C stops.")
        try:
            stack.join()
        except KeyboardInterrupt:
            console.print("stopping")
