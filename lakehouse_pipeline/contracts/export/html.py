"""The contract as one HTML page for people: no script, nothing loaded from elsewhere."""

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from lakehouse_pipeline.contracts.export import privacy_words, words
from lakehouse_pipeline.contracts.model import Contract
from lakehouse_pipeline.contracts.published import published_columns
from lakehouse_pipeline.contracts.types import in_words


def html(contract: Contract) -> str:
    """Return the page, UTF-8 text; every text of the contract is escaped."""
    return _template().render(
        contract=contract,
        published=published_columns(contract),
        keys=[key for key in contract.unique_keys if len(key.columns) > 1],
        in_words=in_words,
        words=words,
        privacy_words=privacy_words,
    )


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("lakehouse_pipeline.contracts.export"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template("contract.html.jinja")
