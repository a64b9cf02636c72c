import stat
import subprocess
import sys
from pathlib import Path

from lakehouse_pipeline.lake.keys import hash_key, key_id, known_keys, rotate
from lakehouse_pipeline_tests.homes import open_home, rows


def test_the_key_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    key = hash_key(tmp_path / "keys")
    assert len(key) == 32
    assert hash_key(tmp_path / "keys") == key
    assert stat.S_IMODE((tmp_path / "keys" / "hash.key").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o700
    assert [path.name for path in (tmp_path / "keys").iterdir()] == ["hash.key"]
    assert hash_key(tmp_path / "other") != key


def test_processes_that_make_it_at_the_same_moment_get_the_same_key(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from lakehouse_pipeline.lake.keys import hash_key; "
        "print(flush=True); sys.stdin.readline(); print(hash_key(Path(sys.argv[1])).hex())"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "keys")]
    makers = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(6)
    ]
    for maker in makers:
        assert maker.stdout is not None
        maker.stdout.readline()
    for maker in makers:
        assert maker.stdin is not None
        maker.stdin.write("\n")
        maker.stdin.flush()
    keys = [maker.communicate()[0].strip() for maker in makers]
    assert keys == [hash_key(tmp_path / "keys").hex()] * 6


def test_the_key_is_nowhere_but_in_its_file(tmp_path: Path) -> None:
    with open_home(tmp_path / "home") as home:
        home.drop("a.csv", rows(3))
        home.settle()
        key = hash_key(home.settings.keys)
        assert (home.settings.keys / "hash.key").read_text() == key.hex()
        padded = key.ljust(64, b"\0")
        forms = [key, key.hex().encode()]
        forms += [bytes(byte ^ pad for byte in padded) for pad in (0x36, 0x5C)]
        files = [path for path in home.settings.home.rglob("*") if path.is_file()]
        for path in files:
            if path.parent != home.settings.keys:
                content = path.read_bytes()
                assert not any(form in content for form in forms), path


def test_a_rotation_makes_a_new_key_and_keeps_the_old_one_under_its_id(tmp_path: Path) -> None:
    first = hash_key(tmp_path)
    ids = [rotate(tmp_path), rotate(tmp_path)]
    current = hash_key(tmp_path)
    assert current != first
    assert ids[0][0] == key_id(first)
    assert ids[0][1] == ids[1][0]
    assert ids[1][1] == key_id(current)
    known = known_keys(tmp_path)
    assert list(known) == [ids[0][0], ids[1][0], ids[1][1]]
    assert known[key_id(first)] == first
    modes = {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert modes == {0o600}
