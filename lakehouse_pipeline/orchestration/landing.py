"""The landing folders of a home, with what is known of the files that erasures rewrote."""

from lakehouse_pipeline.lake.erased_records import ErasedRecords
from lakehouse_pipeline.lake.landing import Landing
from lakehouse_pipeline.settings import Settings


def landing_of(settings: Settings) -> Landing:
    """Return the landing folders."""
    return Landing(settings.landing, ErasedRecords(settings.erasures))
