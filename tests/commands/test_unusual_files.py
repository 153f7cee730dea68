"""One file costs only itself: any exception, names that are not UTF-8, names that are too long."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from hear_openl3_yamnet import npz
from tests.program import run
from tests.seeded_audio import clip

YAMNET = ["--model", "yamnet", "--weights", "random:1"]
NOT_UTF8 = os.fsdecode(b"caf\xe9 $x_{.wav")  # é in Latin-1, and what looks like mathematics


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(*names: str) -> None:
    for name in names:
        try:
            with open(name, "wb") as file:  # soundfile encodes names strictly
                soundfile.write(file, 0.5 * clip("notes", 16_000, 0.3), 16_000, format="WAV")
        except OSError as error:
            pytest.skip(f"this file system refuses the name: {error}")


@pytest.mark.parametrize("error", [RuntimeError("out of luck"), MemoryError(), KeyError("x")])
def test_an_exception_that_no_code_foresees_costs_one_file(folder, monkeypatch, error):
    write("a.wav", "b.wav", "c.wav")
    load_audio = npz.load_audio

    def load_or_fail(path, sample_rate):
        if path.name == "b.wav":
            raise error
        return load_audio(path, sample_rate)

    monkeypatch.setattr(npz, "load_audio", load_or_fail)
    done = run("embed", "a.wav", "b.wav", "c.wav", "-o", "out", *YAMNET)
    assert done.returncode == 1
    message, count = done.stderr.splitlines()
    assert message == f"Error: b.wav: {type(error).__name__}: {error}"
    assert count == "1 of 3 files are not embedded (see above)."
    assert {path.name for path in (folder / "out").iterdir()} == {"a.npz", "c.npz"}


def test_a_name_that_is_not_utf8_is_embedded_and_printed(folder):
    write(NOT_UTF8, "plain.wav")
    command = [sys.executable, "-m", "hear_openl3_yamnet", "embed", NOT_UTF8, "plain.wav"]
    environment = {**os.environ, "PYTHONUTF8": "1"}
    done = subprocess.run(
        [*command, "-o", "out", *YAMNET], capture_output=True, env=environment, check=True
    )
    first, second = done.stdout.decode().splitlines()
    assert first.startswith(r"out/caf\udce9 $x_{.npz: embeddings (8, 1024)")
    assert second.startswith("out/plain.npz")
    with np.load(Path("out", NOT_UTF8).with_suffix(".npz")) as written:
        assert str(written["audio"]) == NOT_UTF8


def test_a_name_that_is_too_long_for_its_output_costs_one_file(folder):
    longest = os.pathconf(folder, "PC_NAME_MAX")
    fits, too_long = "a" * (longest - 4) + ".wav", "b" * (longest - 3) + ".au"
    write(fits, too_long, "c.wav")
    done = run("embed", fits, too_long, "c.wav", "-o", "out", *YAMNET)
    assert done.returncode == 1
    assert f"Error: {too_long}: cannot write " in done.stderr
    assert "File name too long" in done.stderr
    assert {path.name for path in (folder / "out").iterdir()} == {fits[:-4] + ".npz", "c.npz"}


def test_pictures_have_names_that_are_not_utf8(folder):
    write(NOT_UTF8, "plain.wav")
    for arguments in ([NOT_UTF8], ["--compare", NOT_UTF8, "plain.wav"]):
        done = run("plot", *arguments, "-o", "picture.svg", *YAMNET)
        assert done.returncode == 0, done.stderr
        assert Path("picture.svg").stat().st_size > 10_000
