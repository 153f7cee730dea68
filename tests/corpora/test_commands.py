"""The commands ``corpus``: their exit status, what they print, and what they need."""

import subprocess
import sys

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from hear_openl3_yamnet.commands.app import app
from hear_openl3_yamnet.corpora import embed_corpus
from hear_openl3_yamnet.errors import MissingExtraError
from tests.seeded_audio import clip

MODEL = ["--model", "yamnet", "--weights", "random:1"]


@pytest.fixture
def files(tmp_path):
    folder = tmp_path / "files"
    folder.mkdir()
    soundfile.write(folder / "a.wav", 0.5 * clip("notes", 16_000, 0.5), 16_000)
    return folder


def corpus(*arguments):
    return CliRunner().invoke(app, ["corpus", *map(str, arguments)])


def test_embedding_and_exporting(files, tmp_path):
    out = tmp_path / "out"
    run = corpus("embed", files, out, *MODEL)
    assert run.exit_code == 0, run.output
    assert f"{out}: 1 files embedded" in run.output
    run = corpus("export", out, tmp_path / "hear")
    assert run.exit_code == 0, run.output
    assert np.load(tmp_path / "hear" / "a.wav.embedding.npy").shape == (1024,)
    run = corpus("export", out, tmp_path / "projector", "--to", "projector")
    assert run.exit_code == 0, run.output
    assert (tmp_path / "projector" / "vectors.tsv").exists()


def test_a_failed_file_is_told_by_the_exit_status(files, tmp_path):
    (files / "b.wav").touch()
    run = corpus("embed", files, tmp_path / "out", *MODEL)
    assert run.exit_code == 1
    assert "1 files embedded" in run.stdout
    assert "1 failed" in run.stdout
    assert "--retry-failed" in run.stderr


def test_one_kind_of_output_is_chosen(files, tmp_path):
    run = corpus("embed", files, tmp_path / "out", *MODEL, "--scene", "--both")
    assert "exclude each other" in str(run.exception)
    assert not (tmp_path / "out").exists()


WITHOUT_PYARROW = """
import sys
sys.modules["pyarrow"] = None  # as if it were not installed
sys.argv = ["hear-openl3-yamnet", "corpus", "export", "out", "hear"]
from hear_openl3_yamnet.commands.app import main
main()
"""


def test_without_pyarrow_the_command_names_the_extra():
    command = [sys.executable, "-c", WITHOUT_PYARROW]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 1
    assert run.stderr == (
        "Error: pyarrow is not installed. "
        'Install it with: pip install "hear-openl3-yamnet[corpora]"\n'
    )


@pytest.mark.parametrize("module", ["ray", "ray.data"])
def test_without_ray_data_the_engine_names_the_extra(
    module, files, untrained_yamnet, tmp_path, monkeypatch
):
    pytest.importorskip("ray")
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtraError, match=r"pip install \"hear-openl3-yamnet\[ray\]\""):
        embed_corpus(files, tmp_path / "out", untrained_yamnet, engine="ray")
