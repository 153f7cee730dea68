"""A damaged file gives samples or an `AudioFileError`, within seconds and in little memory.

`python -m scripts.stress.fuzz_audio` does the same with thousands of files.
"""

import pytest

pytest.importorskip("resource", reason="limits of processes are those of Unix")
pytest.importorskip("av", reason="the extra ffmpeg is not installed")

from scripts.stress.fuzz_audio import KINDS, fuzz, in_corpus


def test_damaged_files_give_samples_or_a_typed_error(tmp_path):
    report = fuzz(KINDS, cases=12, seed=7, folder=tmp_path)
    assert report["failures"] == []
    assert report["files"] == 12 * len(KINDS)
    assert 0.1 < len(report["good"]) / report["files"] < 0.9  # it damages neither all nor nothing


@pytest.mark.slow
def test_a_corpus_has_a_row_for_each_damaged_file(tmp_path):
    (tmp_path / "files").mkdir()
    report = fuzz(KINDS, cases=5, seed=8, folder=tmp_path / "files")
    corpus = in_corpus(tmp_path / "files", tmp_path / "out", report["good"])
    assert corpus["failures"] == []
    assert corpus["rows"] == report["files"]
