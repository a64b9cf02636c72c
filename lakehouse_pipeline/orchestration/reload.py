"""Tells a running UI that the contracts have changed."""

from lakehouse_pipeline.errors import LakehouseError
from lakehouse_pipeline.orchestration.graphql import ask
from lakehouse_pipeline.orchestration.parts import LOCATION

_RELOAD = """mutation($name: String!) {
  reloadRepositoryLocation(repositoryLocationName: $name) {
    ... on WorkspaceLocationEntry { locationOrLoadError { ... on PythonError { message } } } } }"""


class ReloadError(LakehouseError):
    """The running UI could not load the contracts; what was done to them is done."""

    def __init__(self, url: str, message: str) -> None:
        super().__init__(
            f"this is on record, but the UI at {url} could not load it: {message.strip()} "
            "Restart it: lakehouse up"
        )


def reload_location(url: str) -> None:
    """Make the webserver at `url` read the contracts again.

    Raises: ReloadError: it could not. OSError: nobody listens, or not in time.
    """
    answer = ask(url, _RELOAD, {"name": LOCATION})["reloadRepositoryLocation"]
    message = (answer.get("locationOrLoadError") or {}).get("message")
    if message:
        raise ReloadError(url, message)
