"""The modules of users that register Python checks. What is registered is in `pandera_checks.py`.

Nothing here loads pandas: whoever has no such check need not wait for it, nor hold it.
"""

import importlib
from collections.abc import Iterable

from lakehouse_pipeline.errors import CheckModuleError


def load_check_modules(names: Iterable[str]) -> None:
    """Import the modules that register checks; one that is loaded already is left as it is.

    Raises: CheckModuleError: a module is missing, or raises while it is imported.
    """
    for name in names:
        try:
            importlib.import_module(name)
        except Exception as error:  # any fault of a user's module is told as that module's fault
            raise CheckModuleError(name, f"{type(error).__name__}: {error}") from error
