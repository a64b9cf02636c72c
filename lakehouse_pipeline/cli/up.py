"""`lakehouse up`: the UI, the API, the daemon and the sensor, until Ctrl-C."""

from lakehouse_pipeline.cli.output import console
from lakehouse_pipeline.lake.bucket_folder import address
from lakehouse_pipeline.orchestration.processes import running
from lakehouse_pipeline.settings import Settings


def up() -> None:
    """Start the UI, the API and the sensor and stay; Ctrl-C stops everything that was started."""
    settings = Settings()
    with console.status("starting") as status, running(settings, status.update) as stack:
        status.stop()
        console.print(f"UI: {stack.url}")
        if stack.api_url:
            console.print(f"Portal: {stack.api_url}")
            console.print(f"API: {stack.api_url} (its reference: {stack.api_url}/docs)")
        else:
            console.print("API: not installed; pip install 'lakehouse-pipeline[api]'")
        console.print(f"Drop CSV files into {address(settings.landing)}/<dataset>/. Ctrl-C stops.")
        try:
            stack.join()
        except KeyboardInterrupt:
            console.print("stopping")
