"""The command ``plot``, and the Python of docs/plot.md."""

import shutil
import subprocess
import sys

import pytest
from matplotlib.image import imread
from typer.testing import CliRunner

from hear_openl3_yamnet import HearError, OptionError
from hear_openl3_yamnet.commands.app import app
from hear_openl3_yamnet.errors import MissingExtraError
from hear_openl3_yamnet.files import is_partial
from tests.code_blocks import run, runs_blocks_of
from tests.seeded_audio import clip

YAMNET = ["--model", "yamnet", "--weights", "random:1"]


@pytest.fixture(scope="module")
def wavs(tmp_path_factory):
    import soundfile

    folder = tmp_path_factory.mktemp("wavs")
    for name in ("notes", "noise"):
        soundfile.write(folder / f"{name}.wav", 0.5 * clip(name, 22_050, 0.6), 22_050)
    return folder


def test_the_command_draws_one_clip_or_two(wavs, monkeypatch):
    monkeypatch.chdir(wavs)
    done = CliRunner().invoke(app, ["plot", "notes.wav", *YAMNET])
    assert done.exit_code == 0, done.output
    assert imread(wavs / "notes.png").shape[:2] == (924, 1540)
    done = CliRunner().invoke(
        app, ["plot", "--compare", "notes.wav", "noise.wav", "-o", "new/two.svg", *YAMNET]
    )
    assert done.exit_code == 0, done.output
    assert (wavs / "new" / "two.svg").read_text("utf-8").rstrip().endswith("</svg>")
    assert not any(map(is_partial, wavs.rglob("*")))


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["clip"], OptionError),
        (["notes.wav", "--compare", "notes.wav", "noise.wav"], OptionError),
        (["notes.wav", "-o", "notes.txt"], OptionError),
        (["gone.wav", *YAMNET], HearError),
        (["notes.wav", "-o", "notes.wav/x.png", *YAMNET], HearError),
    ],
)
def test_the_command_says_what_is_wrong(wavs, monkeypatch, arguments, error):
    monkeypatch.chdir(wavs)
    done = CliRunner().invoke(app, ["plot", *arguments])
    assert isinstance(done.exception, error)


def test_without_matplotlib_the_extra_is_named():
    program = (
        "import sys; sys.modules['matplotlib'] = None; sys.argv[1:] = ['plot', 'a.wav']\n"
        "from hear_openl3_yamnet.commands.app import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 1
    assert 'pip install "hear-openl3-yamnet[plot]"' in done.stderr
    assert "Traceback" not in done.stderr
    assert issubclass(MissingExtraError, ModuleNotFoundError)


@runs_blocks_of("plot.md")
def test_the_blocks_of_the_page_run(page_blocks, wavs, tmp_path, monkeypatch):
    from matplotlib import pyplot

    shutil.copy(wavs / "notes.wav", tmp_path / "speech.wav")
    monkeypatch.chdir(tmp_path)
    namespace: dict = {}
    try:
        for block in page_blocks:
            run(block, namespace)
        assert len(pyplot.get_fignums()) == 3
    finally:
        pyplot.close("all")
    assert imread("speech.png").shape[:2] == (840, 1400)
    assert len(namespace["axes"].collections) == 1
