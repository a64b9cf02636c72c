"""`lakehouse up`: the UI, the API, the daemon and the sensor, until Ctrl-C."""

from lakehouse_pipeline.cli.output import console
from lakehouse_pipeline.lake.bucket_folder import address
from lakehouse_pipeline.orchestration.behind_login import HINT
from lakehouse_pipeline.orchestration.processes import running
from lakehouse_pipeline.orchestration.tokens import is_loopback
from lakehouse_pipeline.settings import Settings

PLAIN = "The API speaks plain HTTP beyond this machine. Put a TLS proxy in front: docs/access.md"


def up() -> None:
    """Start the UI, the API and the sensor and stay; Ctrl-C stops everything that was started.

    Once there is a token (lakehouse token create), the API asks for one, and the UI stands behind
    its login. LAKEHOUSE_API_HOST, _PORT and _NAMES say where others reach it: docs/access.md.
    """
    settings = Settings()
    with console.status("starting") as status, running(settings, status.update) as stack:
        status.stop()
        console.print(f"UI: {stack.shown_url}{HINT if stack.shown_url != stack.url else ''}")
        if stack.api_url:
            console.print(f"Portal: {stack.api_url}")
            console.print(f"API: {stack.api_url} (its reference: {stack.api_url}/docs)")
        else:
            console.print("API: not installed; pip install 'lakehouse-pipeline[api]'")
        if stack.api_url and not is_loopback(settings.api_host):
            console.print(PLAIN)
        console.print(f"Drop CSV files into {address(settings.landing)}/<dataset>/. Ctrl-C stops.")
        try:
            stack.join(console.print)
        except KeyboardInterrupt:
            console.print("stopping")
