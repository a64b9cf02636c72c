"""The custom property `translations` of a custom rule: its description in other languages.

Reports to suppliers say them (`layers/sentences`); `description` is in the contract's own language.
"""

from open_data_contract_standard.model import DataQuality

from lakehouse_pipeline.contracts.csv_dialect import read_entries
from lakehouse_pipeline.contracts.custom_properties import named_properties
from lakehouse_pipeline.contracts.findings import Place


def read_german(item: DataQuality, place: Place) -> str:
    """Return the rule's description in German, empty when it has none."""
    here = place / "customProperties"
    found = named_properties(item.customProperties, here, ("translations",), "of a custom rule")
    if "translations" not in found:
        return ""
    value, where = found["translations"]
    german = read_entries(value, where, ("de",), "translations").get("de", "")
    if not isinstance(german, str):
        (where / "de").error("expected a sentence in German, as text")
        return ""
    return german.strip()
