from pathlib import Path

from lakehouse_pipeline.names import Layer
from lakehouse_pipeline_tests.erasures import SUBJECT, erase, erasing_contract, found
from lakehouse_pipeline_tests.homes import DATASET, Home, open_home, rows


def numbers(home: Home, layer: Layer) -> list[int]:
    return [n for (n,) in home.query(layer, "SELECT _record FROM t ORDER BY _batch_id, _record")]


def test_an_erased_subject_stands_in_no_file_and_the_others_stay(tmp_path: Path) -> None:
    with open_home(tmp_path / "home", erasing_contract()) as home:
        home.drop("may.csv", rows(6, broken=1))
        home.drop("june.csv", rows(3, first=11))
        home.settle()
        before = {layer: home.query(layer, "FROM t ORDER BY _batch_id, _record") for layer in Layer}
        assert found(home) != []
        done = erase(home)
        assert found(home) == []
        assert done.count == 1
        for layer in Layer:
            after = home.query(layer, "FROM t ORDER BY _batch_id, _record")
            left = set(map(repr, before[layer])) - set(map(repr, after))
            assert len(left) == (0 if layer is Layer.QUARANTINED else 1)
            assert len(before[layer]) - len(after) == len(left)
        assert home.violations() == []
        assert (home.settings.landing / DATASET / "may.csv").read_text() == rows(
            6, broken=1
        ).replace("3,p3@example.org,+49 0000003,9.50,DE\n", "")
        state = home.states()
        print(state)
        assert home.settle() == []
        assert home.violations() == []
