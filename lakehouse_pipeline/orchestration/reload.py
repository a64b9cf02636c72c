"""Tells a running UI that the contracts have changed."""

from lakehouse_pipeline.orchestration.graphql import ask

LOCATION = "lakehouse"
_RELOAD = """mutation($name: String!) {
  reloadRepositoryLocation(repositoryLocationName: $name) { __typename } }"""


def reload_location(url: str) -> None:
    """Make the webserver at `url` read the contracts again. Raises: OSError: nobody listens."""
    ask(url, _RELOAD, {"name": LOCATION})
