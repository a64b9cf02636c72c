import unicodedata
from typing import Literal

import pytest

from lakehouse_pipeline.contracts.person import names, person

ZOE = "Zoë  Ångström"


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_how_a_name_is_written_makes_no_other_person(form: Literal["NFC", "NFD"]) -> None:
    assert person(unicodedata.normalize(form, f" {ZOE.upper()} ")) == person(ZOE)
    assert person("Zoe Angstrom") != person(ZOE)


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_a_value_stands_in_a_reason_however_it_is_written(form: Literal["NFC", "NFD"]) -> None:
    assert names(unicodedata.normalize(form, f"a letter of {ZOE}, in May"), ZOE)
    assert names(f"a letter of {ZOE}, in May", unicodedata.normalize(form, ZOE))
    assert not names(f"a letter of {ZOE}son, in May", ZOE)
