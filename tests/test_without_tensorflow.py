"""What works where TensorFlow is not installed, and what is said of the rest.

Here TensorFlow is installed and hidden. scripts/release/without_tensorflow.sh runs these tests in
an environment that does not have it.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

HIDE = """
import sys
sys.modules.update(dict.fromkeys(["tensorflow", "tensorflow_hub", "tf_keras"]))
"""

EMBEDS = """
import numpy as np
from hear_openl3_yamnet import get_scene_embeddings, get_timestamp_embeddings, load_model

noise = np.random.default_rng(1).uniform(-0.5, 0.5, (2, 48_000)).astype(np.float32)
model = load_model("openl3-lite")
embeddings, _ = get_timestamp_embeddings(noise, model, 250.0)
scenes = get_scene_embeddings(noise, model)
print(tuple(embeddings.shape), tuple(scenes.shape))
"""

REFUSES = """
from pathlib import Path
from hear_openl3_yamnet import load_model
from hear_openl3_yamnet.errors import HearError
from hear_openl3_yamnet.export import export_model

Path("saved_model.pb").touch()
for refused in (
    lambda: load_model("."),
    lambda: load_model("https://hub.example/yamnet/1"),
    lambda: export_model(load_model("yamnet-starter"), "yamnet", "saved_model"),
):
    try:
        refused()
    except HearError as error:
        print(type(error).__name__, error)
"""


def run(code, backend, folder):
    return subprocess.run(
        [sys.executable, "-c", HIDE + code],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        env={
            **os.environ,
            "KERAS_BACKEND": backend,
            "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), os.environ.get("PYTHONPATH", "")]),
        },
    )


@pytest.mark.backends
def test_models_embed(tmp_path):
    backend = os.environ.get("KERAS_BACKEND", "tensorflow")
    if backend == "tensorflow":
        pytest.skip("the runs on PyTorch and on JAX have this test")
    done = run(EMBEDS, backend, tmp_path)
    assert done.stdout == "(2, 4, 512) (2, 512)\n", done.stderr


@pytest.mark.backends
def test_what_needs_tensorflow_says_so(tmp_path):
    backend = os.environ.get("KERAS_BACKEND", "tensorflow")
    if backend == "tensorflow":
        pytest.skip("the runs on PyTorch and on JAX have this test")
    lines = run(REFUSES, backend, tmp_path).stdout.splitlines()
    for line, what in zip(lines, ("Reading a SavedModel", "The address https"), strict=False):
        assert line.startswith(f"MissingFrameworkError {what}")
        assert "needs TensorFlow" in line
        assert "pip install hear-openl3-yamnet" in line
    assert lines[2].startswith("OptionError Models are exported from TensorFlow")


def test_the_missing_backend_is_named(tmp_path):
    done = run(
        'import hear_openl3_yamnet as h; h.load_model("yamnet-starter")', "tensorflow", tmp_path
    )
    assert "MissingFrameworkError: KERAS_BACKEND names the backend tensorflow" in done.stderr
    assert "choose one that is installed: torch, jax" in done.stderr
