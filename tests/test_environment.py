"""Which backend Keras gets, decided before it is imported, in processes that lack some packages."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.metadata import requires

import pytest
from packaging.requirements import Requirement

from hear_openl3_yamnet.environment import UNUSED

HIDING = """
import os, sys
from importlib.machinery import PathFinder

find_spec = PathFinder.find_spec

def find_some(name, path=None, target=None):
    return None if name.partition(".")[0] in {hidden} else find_spec(name, path, target)

PathFinder.find_spec = find_some
"""


def python(program: str, hidden: set[str], folder, **environment: str) -> str:
    """Run a program in which some packages are not installed, and return what it prints."""
    settings = {key: value for key, value in os.environ.items() if key != "KERAS_BACKEND"}
    settings |= {"KERAS_HOME": str(folder), **environment}
    command = [sys.executable, "-c", HIDING.format(hidden=hidden or "()") + program]
    done = subprocess.run(command, capture_output=True, text=True, env=settings, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


CHOICE = """
import hear_openl3_yamnet
print(os.environ.get("KERAS_BACKEND"), *({"keras", "tensorflow", "torch", "jax"} & {*sys.modules}))
"""


def sorted_names(value):
    """Name a test in one way in all processes, whatever order a set has there."""
    return " ".join(sorted(value)) or "none" if isinstance(value, set) else str(value)


@pytest.mark.parametrize(
    ("hidden", "chosen"),
    [
        (set(), "None"),  # Keras takes TensorFlow by itself
        ({"tensorflow"}, "torch"),
        ({"torch", "jax"}, "None"),
        ({"tensorflow", "torch"}, "jax"),
        ({"tensorflow", "torch", "jax"}, "None"),
    ],
    ids=sorted_names,
)
def test_the_first_backend_that_is_installed(hidden, chosen, tmp_path):
    assert python(CHOICE, hidden, tmp_path) == chosen  # and none of them is imported


@pytest.mark.parametrize("hidden", [{"tensorflow"}, {"tensorflow", "jax"}, set()], ids=sorted_names)
def test_the_users_choice_is_obeyed(hidden, tmp_path):
    assert python(CHOICE, hidden, tmp_path, KERAS_BACKEND="jax") == "jax"
    (tmp_path / "keras.json").write_text(json.dumps({"backend": "jax"}))
    assert python(CHOICE, hidden, tmp_path) == "None"  # Keras reads the file itself


def test_a_file_that_keras_itself_has_written_is_no_choice(tmp_path):
    (tmp_path / "keras.json").write_text(json.dumps({"backend": "tensorflow"}))
    assert python(CHOICE, {"tensorflow"}, tmp_path) == "torch"


@pytest.mark.parametrize("text", ["", "[]", "{", '{"backend": ""}'])
def test_a_file_without_a_choice(text, tmp_path):
    (tmp_path / "keras.json").write_text(text)
    assert python(CHOICE, {"tensorflow"}, tmp_path) == "torch"


def test_keras_that_is_imported_already_keeps_its_backend(tmp_path):
    program = "import types; sys.modules['keras'] = types.ModuleType('keras')" + CHOICE
    assert python(program, {"tensorflow"}, tmp_path) == "None keras"


ERROR = """
import hear_openl3_yamnet as hear
from hear_openl3_yamnet.errors import HearError
try:
    {use}
except HearError as error:
    print(type(error).__name__, error)
"""
LOAD = 'hear.load_model("yamnet-starter")'
LAYER = "import hear_openl3_yamnet.integrations.keras_layer"


@pytest.mark.parametrize("use", [LOAD, LAYER])
def test_without_any_backend_one_error_says_what_to_install(use, tmp_path):
    text = python(ERROR.format(use=use), {"tensorflow", "torch", "jax"}, tmp_path)
    assert text.startswith("MissingFrameworkError Keras needs a backend, and none is installed.")
    for command in ("pip install tensorflow", '"hear-openl3-yamnet[torch]"', "yamnet[jax]"):
        assert command in text


def test_a_chosen_backend_that_is_not_installed_is_named(tmp_path):
    text = python(ERROR.format(use=LOAD), {"torch"}, tmp_path, KERAS_BACKEND="torch")
    assert text.startswith(
        "MissingFrameworkError KERAS_BACKEND names the backend torch, which is not"
    )
    assert 'pip install "hear-openl3-yamnet[torch]"' in text
    assert "tensorflow, jax" in text
    (tmp_path / "keras.json").write_text(json.dumps({"backend": "jax"}))
    text = python(ERROR.format(use=LOAD), {"jax"}, tmp_path)
    assert text.startswith(f"MissingFrameworkError {tmp_path / 'keras.json'} names the backend jax")


def test_a_backend_that_no_network_runs_on(tmp_path):
    text = python(ERROR.format(use=LOAD), set(), tmp_path, KERAS_BACKEND="numpy")
    assert text.startswith("BackendError The networks run on tensorflow, torch, jax.")
    assert "Received: 'numpy', from KERAS_BACKEND" in text


PRINTED_MEANWHILE = b"""\
WARNING: All log messages before absl::InitializeLog() is called are written to STDERR
I0000 00:00:1795718530.723095   27352 port.cc:153] oneDNN custom operations are on.
E0000 00:00:1795718530.724970   27352 cuda/x.cc:31] failed
of a driver, in two lines
"""


@pytest.mark.parametrize(
    ("level", "shown"), [("0", slice(None)), ("2", slice(2, None)), ("3", slice(3, None))]
)
def test_what_is_printed_while_keras_is_imported_obeys_the_log_level(level, shown, tmp_path):
    """TensorFlow 2.21 prints such lines at every level. Nothing else is lost, even by an error."""
    program = f"""
import os
from hear_openl3_yamnet import environment
with environment.importing_keras():
    os.write(2, {PRINTED_MEANWHILE!r})
    raise SystemExit("the end")
"""
    settings = {**os.environ, "KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": level}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, env=settings)
    assert done.stderr.splitlines() == [*PRINTED_MEANWHILE.splitlines()[shown], b"the end"]


def test_commands_hide_nothing_that_keras_and_tensorflow_require():
    for package in ("keras", "tensorflow"):
        required = [Requirement(line) for line in requires(package) or []]
        names = {one.name for one in required if not one.marker or "extra" not in str(one.marker)}
        assert not names & {*UNUSED, "scikit-learn"}


def test_a_command_loads_of_keras_and_tensorflow_what_it_uses(tmp_path):
    program = """
import gc, sys
import numpy as np, soundfile
from hear_openl3_yamnet import environment
from hear_openl3_yamnet.commands.app import main
soundfile.write("noise.wav", np.random.default_rng(1).uniform(-0.5, 0.5, 8000), 16000)
sys.argv[1:] = ["embed", "noise.wav", "-o", "out", "--model", "yamnet-starter"]
try:
    main()
except SystemExit as end:
    assert not end.code
unused = {"tensorflow._api.v2.compat.v1.train", "tensorflow.lite.python.lite"}
loaded = {*environment.UNUSED, *unused} & {*sys.modules}
assert not loaded, loaded
assert gc.isenabled()
import tensorflow as tf  # all of it is there for who asks
assert tf.compat.v1.train.Optimizer and tf.lite.TFLiteConverter
assert unused <= {*sys.modules}
"""
    settings = {**os.environ, "KERAS_BACKEND": "tensorflow"}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, env=settings
    )
    assert done.returncode == 0, done.stderr


def test_what_needs_no_network_needs_no_backend(tmp_path):
    program = "import hear_openl3_yamnet as hear; print(len(hear.list_presets()) > 5)"
    assert python(program, {"tensorflow", "torch", "jax", "keras"}, tmp_path) == "True"


@pytest.mark.slow
def test_embeddings_without_tensorflow(tmp_path):
    program = """
import numpy as np, hear_openl3_yamnet as hear
model = hear.load_model("yamnet-starter")
print(type(hear.get_scene_embeddings(np.zeros((1, 1600), "f4"), model)).__module__)
"""
    assert python(program, {"tensorflow", "tensorflow_hub"}, tmp_path) == "torch"
    again = python(program, {"tensorflow", "tensorflow_hub"}, tmp_path)  # keras.json is there now
    assert again == "torch"
    assert json.loads((tmp_path / "keras.json").read_text())["backend"] == "tensorflow"
