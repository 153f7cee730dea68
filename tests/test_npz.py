"""Embeddings as ``.npz`` files: names do not collide, and files are complete."""

from pathlib import Path

import numpy as np
import pytest

from hear_openl3_yamnet.errors import OptionError
from hear_openl3_yamnet.npz import output_paths, save_npz


def test_output_paths_are_the_stems_in_the_folder():
    files = [Path("a/x.wav"), Path("b/y.tar.flac")]
    assert output_paths(files, Path("o")) == [Path("o/x.npz"), Path("o/y.tar.npz")]
    assert output_paths(files[:1], Path("o/one.npz")) == [Path("o/one.npz")]


def test_the_same_file_twice_is_refused():
    with pytest.raises(OptionError, match=r"a\.wav and a\.wav would both be written to"):
        output_paths([Path("a.wav"), Path("a.wav")], Path("o"))


def test_a_failed_write_leaves_the_earlier_file_and_no_rest(tmp_path):
    path = tmp_path / "x.npz"
    save_npz(path, embeddings=np.ones(3), model="first")
    with pytest.raises(AttributeError):  # pickle cannot store a local function
        save_npz(path, embeddings=np.zeros(3), model=np.asarray(lambda: None))
    with np.load(path) as kept:
        assert kept["model"] == "first"
        np.testing.assert_array_equal(kept["embeddings"], np.ones(3))
    assert list(tmp_path.iterdir()) == [path]
