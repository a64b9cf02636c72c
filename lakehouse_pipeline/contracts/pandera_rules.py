"""`custom` rules of engine `pandera`: the name of a registered check, its columns and arguments.

Whether a check of that name is registered is known only where Python rules are loaded, not here.
"""

from open_data_contract_standard.model import DataQuality

from lakehouse_pipeline.contracts.csv_dialect import read_entries
from lakehouse_pipeline.contracts.findings import Place
from lakehouse_pipeline.contracts.model import PanderaCheck, Severity
from lakehouse_pipeline.contracts.translations import read_german

_KEYS = ("check", "columns", "arguments")


def read_pandera(
    item: DataQuality, name: str, severity: Severity, place: Place, column: str
) -> PanderaCheck | None:
    """Return the rule, or None when its `implementation` names no check.

    `column` is the column it belongs to, empty at the schema. Without columns the check sees all
    of the contract; `lint_rules` puts them in.
    """
    here = place / "implementation"
    value = item.implementation
    if value is None:
        here.missing("a pandera rule needs an 'implementation', the name of a registered check")
        return None
    entries = (
        {"check": value}
        if isinstance(value, str)
        else read_entries(value, here, _KEYS, "implementation")
    )
    check = entries.get("check")
    if not isinstance(check, str) or not check.isidentifier():
        where = here if isinstance(value, str) else here / "check"
        where.error("expected the name of a registered pandera check, such as is_valid_iban")
        return None
    arguments = entries.get("arguments", {})
    if not isinstance(arguments, dict) or not all(key.isidentifier() for key in arguments):
        (here / "arguments").error("'arguments': expected a mapping of names to values")
        arguments = {}
    columns = (column,) if column else _columns(entries, here / "columns")
    if column and "columns" in entries:
        (here / "columns").key_error(f"the column is '{column}' here; remove 'columns'")
    words = (item.description or "").strip()
    german = read_german(item, place)
    return PanderaCheck(name, check, columns, arguments, words, severity, german)


def _columns(entries: object, place: Place) -> tuple[str, ...]:
    """Return the columns as the contract writes them; empty when it names none."""
    names = entries.get("columns") if isinstance(entries, dict) else None
    if names is None and not place.exists:
        return ()
    if isinstance(names, list) and names and all(isinstance(name, str) for name in names):
        return tuple(names)
    place.error("'columns': expected a list of column names")
    return ()
