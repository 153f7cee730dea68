"""Whole files: complete or absent, with temporary names that fit and leave nothing behind."""

import pytest

from hear_openl3_yamnet.errors import MissingExtraError, require
from hear_openl3_yamnet.files import is_partial, partial_path, written_whole


def test_a_file_appears_when_it_is_complete(tmp_path):
    path = tmp_path / "a.json"
    with written_whole(path) as partial:
        partial.write_text("{}")
        assert not path.exists()
    assert path.read_text() == "{}"
    assert list(tmp_path.iterdir()) == [path]


def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "a.json"
    path.write_text("old")

    def fail_halfway():
        with written_whole(path) as partial:
            partial.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_halfway()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_appears_with_all_its_files(tmp_path):
    path = tmp_path / "model"
    with written_whole(path) as partial:
        (partial / "variables").mkdir(parents=True)
        (partial / "variables" / "a").write_bytes(b"1")
    assert (path / "variables" / "a").read_bytes() == b"1"
    assert list(tmp_path.iterdir()) == [path]


def test_the_longest_name_that_a_file_system_takes_can_be_written(tmp_path):
    path = tmp_path / ("é" * 125 + ".npz")  # 254 bytes of 255
    with written_whole(path) as partial:
        partial.write_bytes(b"1")
    assert path.read_bytes() == b"1"


def test_temporary_names_differ_and_are_recognised(tmp_path):
    names = {partial_path(tmp_path / "a.wav") for _ in range(100)}
    assert len(names) == 100
    assert all(is_partial(name) and name.suffix == ".wav" for name in names)
    assert not is_partial(tmp_path / "a.wav")


def test_a_missing_extra_names_its_package_and_its_command():
    with pytest.raises(MissingExtraError, match=r"pip install \"hear-openl3-yamnet\[corpora\]\""):
        require("no_such_module", extra="corpora")
    assert require("json", extra="corpora").loads("1") == 1
