"""X-ARES itself checks the encoders, and runs a task on audio made on disk."""

import os
import re
import subprocess
import sys

import numpy as np
import pytest
import soundfile

from tests.code_blocks import script_of

pytest.importorskip("xares", reason="X-ARES is not installed; scripts/test_clients.sh has it")

pytestmark = [pytest.mark.clients, pytest.mark.filterwarnings("default")]

ENCODER = "from hear_openl3_yamnet.integrations.xares import YamnetStarterEncoder\n"


@pytest.mark.parametrize("name", ["YamnetStarterEncoder", "OpenL3LiteEncoder"])
def test_its_checker_passes(name):
    from xares.audio_encoder_checker import check_audio_encoder

    from hear_openl3_yamnet.integrations import xares

    assert check_audio_encoder(getattr(xares, name)())


@pytest.fixture(scope="module")
def xares_folder(tmp_path_factory):
    """A folder with a file for the encoder, a file for a task, and the audio of the task."""
    from xares.audiowebdataset import write_audio_tar

    folder = tmp_path_factory.mktemp("xares")
    (folder / "encoder.py").write_text(ENCODER)
    (folder / "tones_task.py").write_text(script_of("integrations/xares.md", "tones_task.py"))
    audio = folder / "env" / "tones"
    audio.mkdir(parents=True)
    rng = np.random.default_rng(1)
    for split, n_sounds in (("train", 24), ("valid", 12), ("test", 12)):
        paths, labels = [], []
        for number in range(n_sounds):
            t = np.arange(22050 * (1 + number % 3) // 2) / 22050
            tone = np.sin(2 * np.pi * rng.uniform(300, 3000) * t)
            path = folder / f"{split}{number}.wav"
            soundfile.write(path, 0.3 * (tone if number % 2 else rng.uniform(-1, 1, len(t))), 22050)
            paths.append(str(path))
            labels.append(str(number % 2))
        write_audio_tar(paths, labels, str(audio / f"{split}-*.tar"), num_shards=1)
    (audio / ".audio_tar_ready").touch()
    return folder


def test_a_task_runs_on_the_cpu(xares_folder):
    done = subprocess.run(
        [sys.executable, "-m", "xares.run", "encoder.py", "tones_task.py", "--max-jobs", "0"],
        cwd=xares_folder,
        env={**os.environ, "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = re.search(r"tones +([\d.]+) +([\d.]+) +True", done.stdout)
    assert found, done.stdout
    mlp, knn = map(float, found.groups())
    assert mlp > 0.8
    assert knn > 0.8
