"""A file that is not regular is refused at once, without waiting for it."""

import os
import shutil
import socket
import subprocess
import sys

import numpy as np
import pytest
import soundfile

from hear_openl3_yamnet.audio.files import load_audio
from hear_openl3_yamnet.errors import AudioFileError

pytestmark = pytest.mark.skipif(os.name == "nt", reason="these are files of Unix")

LOAD = """
import sys
from hear_openl3_yamnet.audio.files import load_audio
try:
    print(len(load_audio(sys.argv[1], 16_000)))
except OSError as error:
    print(error)
"""


def load(path, **streams):
    """Load a file in another process, with a time limit."""
    command = [sys.executable, "-c", LOAD, str(path)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, **streams).stdout


@pytest.fixture
def wav(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.full(1600, 0.1), 16_000)
    return tmp_path / "a.wav"


def test_a_named_pipe(tmp_path):
    os.mkfifo(tmp_path / "pipe.wav")
    assert "not a regular file, but a pipe" in load(tmp_path / "pipe.wav")


def test_standard_input(wav):
    with subprocess.Popen(["cat", wav], stdout=subprocess.PIPE) as cat:
        assert "not a regular file, but a pipe" in load("/dev/stdin", stdin=cat.stdout)
    with wav.open("rb") as file:
        assert load("/dev/stdin", stdin=file) == "1600\n"  # it is a regular file here


@pytest.mark.skipif(not shutil.which("bash"), reason="needs bash")
def test_the_output_of_a_command(wav):
    """Bash gives the name of a pipe for `<(…)`."""
    script = f'"$0" -c "$1" <(cat "{wav}")'
    command = ["bash", "-c", script, sys.executable, LOAD]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert "not a regular file, but a pipe" in ended.stdout


def test_a_socket_and_a_device(tmp_path):
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s.wav"))
        with pytest.raises(AudioFileError, match="a socket or a device"):
            load_audio(tmp_path / "s.wav", 16_000)
    with pytest.raises(AudioFileError, match="a socket or a device"):
        load_audio("/dev/zero", 16_000)


def test_a_name_that_no_file_can_have():
    with pytest.raises(AudioFileError, match="cannot be opened"):
        load_audio("a\0b.wav", 16_000)
