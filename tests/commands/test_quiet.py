"""The only lines on a newcomer's terminal are those of this package."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
import soundfile

from tests import seeded_audio

LOGGING = """
import logging, sys

def state():
    root = logging.getLogger()
    return root.level, list(root.handlers), root.manager.disable, sys.stdout, sys.stderr

before = state()
import hear_openl3_yamnet
assert state() == before
"""

QUICKSTART = """
import numpy as np
from hear_openl3_yamnet import get_scene_embeddings, get_timestamp_embeddings, load_model
from hear_openl3_yamnet.audio import load_audio
model = load_model("yamnet-starter")
audio = load_audio("fast.wav", model.sample_rate)[None]
print(get_scene_embeddings(audio, model).shape, get_timestamp_embeddings(audio, model)[0].shape)
"""


def run(folder, *arguments: str) -> subprocess.CompletedProcess:
    """Run Python as a user does, who has set no variables of the frameworks but the backend."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("TF_")}
    command = [sys.executable, *arguments]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("quiet")
    soundfile.write(folder / "fast.wav", seeded_audio.clip("notes", 44_100, 0.5), 44_100)
    return folder


@pytest.mark.backends
def test_a_command_prints_its_own_line_alone(folder):
    command = ["embed", "fast.wav", "-o", "out", "--model", "yamnet-starter"]
    done = run(folder, "-m", "hear_openl3_yamnet", *command)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) == 1


@pytest.mark.slow
def test_a_program_prints_its_own_line_alone(folder):
    done = run(folder, "-c", QUICKSTART)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) == 1


def test_importing_the_package_changes_no_logging(folder):
    done = run(folder, "-c", LOGGING)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("level", ["0", "3"])
def test_the_users_own_level_stays(folder, level, monkeypatch):
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", level)
    program = "import os, hear_openl3_yamnet; print(os.environ['TF_CPP_MIN_LOG_LEVEL'])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.strip() == level
