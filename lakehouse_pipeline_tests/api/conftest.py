from collections.abc import Iterator

import pytest

from lakehouse_pipeline_tests.api.client import Api, serving


@pytest.fixture(scope="session")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """Yield one running API; tests share it and take a dataset of their own."""
    with serving(tmp_path_factory.mktemp("api") / "home") as running:
        yield running
