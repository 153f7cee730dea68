"""Files are complete or absent. Temporary names are short, and no temporary files remain."""

import os

import pytest

from hear_openl3_yamnet.files import is_partial, partial_path, partials_of, written_whole


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


def test_other_files_of_the_folder_are_not_touched(tmp_path, monkeypatch):
    (tmp_path / "link").symlink_to("nowhere")  # which cannot be opened
    (tmp_path / "other").mkdir()
    synced = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: synced.append(os.fstat(descriptor).st_ino))
    with written_whole(tmp_path / "a.json") as partial:
        partial.write_text("{}")
    assert synced == [(tmp_path / "a.json").stat().st_ino, tmp_path.stat().st_ino]


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


def test_the_temporary_files_of_a_file_are_found_by_its_name(tmp_path):
    path, other = tmp_path / "a.wav", tmp_path / "b.wav"
    left = [partial_path(path), partial_path(path)]
    for partial in (*left, partial_path(other)):
        partial.write_bytes(b"")
    assert sorted(partials_of(path)) == sorted(left)
    assert partials_of(tmp_path / "c.wav") == []
