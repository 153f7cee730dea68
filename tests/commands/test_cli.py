"""The command line on real files, as a separate process if the process is tested."""

import fcntl
import hashlib
import json
import os
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

import numpy as np
import pytest
import soundfile

import hear_openl3_yamnet as hear
from hear_openl3_yamnet.audio.files import load_audio
from hear_openl3_yamnet.config.presets import get_preset
from hear_openl3_yamnet.weights.registry import load_registry
from tests.program import run
from tests.seeded_audio import clip
from tests.seeded_weights import write_yamnet

YAMNET = ["--model", "yamnet", "--weights", "random:1"]
GOOD = ["stereo.wav", "small.flac", "lossy.ogg", "lossy3.mp3", "große Pause.aiff", "loud.wav"]
BAD = {
    "empty.wav": "an empty file (0 bytes)",
    "text.wav": "not audio that can be read (Format not recognised)",
    "missing.wav": "no such file",
    "folder.wav": "a folder; expected an audio file",
    "nan.wav": "sample 5 of channel 0 is nan",
    "blocked.wav": "Is a directory",  # a folder has the name of its .npz
}


def run_process(*arguments: str | Path) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "hear_openl3_yamnet", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert "Traceback" not in done.stderr, done.stderr
    return done


def on_one_line(text: str) -> str:
    return " ".join(text.split())


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("audio")
    notes = 0.5 * clip("notes", 44_100, 1.23)
    soundfile.write(folder / "stereo.wav", np.stack([notes, -0.2 * notes], axis=1), 44_100)
    soundfile.write(folder / "small.flac", 0.5 * clip("chirp", 8_000, 0.3), 8_000)
    soundfile.write(folder / "lossy.ogg", notes, 44_100)
    soundfile.write(folder / "lossy3.mp3", notes, 44_100)
    soundfile.write(folder / "große Pause.aiff", 0.1 * clip("noise", 48_000, 0.5), 48_000)
    loud = 2 * notes / np.abs(notes).max()
    soundfile.write(folder / "loud.wav", loud, 16_000, subtype="FLOAT")
    (folder / "empty.wav").touch()
    (folder / "text.wav").write_text("I am a text, not a sound.\n" * 40)
    (folder / "folder.wav").mkdir()
    soundfile.write(folder / "blocked.wav", notes, 44_100)
    (folder / "out" / "blocked.npz").mkdir(parents=True)
    broken = np.full(1000, 0.1)
    broken[5] = np.nan
    soundfile.write(folder / "nan.wav", broken, 16_000, subtype="FLOAT")
    return folder


@pytest.fixture(scope="module")
def model():
    return hear.load_model("yamnet", weights="random:1")


@pytest.fixture(scope="module")
def mixed(files):
    """Good and bad files in turn, at a time step of 100 ms."""
    names = [name for pair in zip(GOOD, BAD, strict=True) for name in pair]
    arguments = ["-o", "out", *YAMNET, "--hop-size", "100"]
    return run("embed", *names, *arguments, cwd=files)


def test_bad_files_are_named_with_cause_and_the_exit_status_says_so(mixed):
    assert mixed.returncode == 1
    errors = [line for line in mixed.stderr.splitlines() if line.startswith("Error: ")]
    assert len(errors) == len(BAD)
    for line, (name, cause) in zip(errors, BAD.items(), strict=True):
        assert line.startswith(f"Error: {name}: ")
        assert cause in line
    assert f"{len(BAD)} of {len(GOOD) + len(BAD)} files are not embedded" in mixed.stderr


def test_good_files_are_written_though_others_are_bad(mixed, files):
    written = {path.name for path in (files / "out").iterdir() if path.is_file()}
    assert written == {f"{Path(name).stem}.npz" for name in GOOD}
    lines = mixed.stdout.splitlines()
    assert len(lines) == len(GOOD)
    expected = f"{Path('out') / 'stereo.npz'}: embeddings (13, 1024), timestamps 0.0 to 1200.0 ms"
    assert lines[0].startswith(expected)


def test_a_warning_on_loud_samples_names_the_file(mixed):
    (warning,) = [line for line in mixed.stderr.splitlines() if "Warning" in line]
    assert warning.startswith("Warning: loud.wav: ")


@pytest.mark.parametrize("name", GOOD)
@pytest.mark.filterwarnings("ignore:audio reaches")
def test_written_embeddings_are_those_of_the_api(mixed, files, model, name):
    waveform = load_audio(files / name, model.sample_rate)
    embeddings, timestamps = hear.get_timestamp_embeddings(waveform[None], model, hop_size=100)
    with np.load(files / "out" / f"{Path(name).stem}.npz") as written:
        assert written["embeddings"].dtype == written["timestamps"].dtype == np.float32
        np.testing.assert_allclose(written["embeddings"], embeddings[0], rtol=1e-4, atol=1e-5)
        np.testing.assert_array_equal(written["timestamps"], timestamps[0])


def test_written_files_say_where_they_come_from(mixed, files):
    with np.load(files / "out" / "stereo.npz") as written:
        assert written["model"] == "yamnet"
        assert written["weights_id"] == "random:1"
        assert written["sample_rate"] == 16_000
        assert written["hop_size"] == 100.0
        assert written["version"] == hear.__version__
        assert written["audio"] == "stereo.wav"
        config = json.loads(str(written["config"]))
    assert config["model"] == "yamnet"
    assert config["weights"] == "random:1"
    assert config["hop_size"] == 100.0


@pytest.fixture(scope="module")
def scene(files):
    """One scene to a named file, as a JSON file configures it, with stderr on a terminal."""
    configuration = files / "model.json"
    configuration.write_text(json.dumps({"model": "yamnet", "weights": "random:1"}))
    arguments = ["-o", "deep/one.npz", "--scene", "--model", "model.json"]
    arguments += ["--option", "batch_size=2", "--option", "normalize=l2"]
    command = [sys.executable, "-m", "hear_openl3_yamnet", "embed", "stereo.wav", *arguments]
    terminal, stderr = os.openpty()
    fcntl.ioctl(stderr, termios.TIOCSWINSZ, struct.pack("4H", 24, 80, 0, 0))  # rows, columns
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=stderr, cwd=files, timeout=300)
    os.close(stderr)
    shown = b""
    while chunk := _read(terminal):
        shown += chunk
    os.close(terminal)
    assert done.returncode == 0, shown
    return shown.decode()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65_536)
    except OSError:  # Linux raises it if the other end is closed
        return b""


def test_a_scene_is_one_vector(scene, files, model):
    waveform = load_audio(files / "stereo.wav", model.sample_rate)
    expected = np.asarray(hear.get_scene_embeddings(waveform[None], model)[0])
    with np.load(files / "deep" / "one.npz") as written:
        assert written["embeddings"].dtype == np.float32
        expected = expected / np.linalg.norm(expected)
        np.testing.assert_allclose(written["embeddings"], expected, rtol=1e-4, atol=1e-5)
        assert "timestamps" not in written
        assert written["hop_size"] == 480.0
        assert json.loads(str(written["config"]))["batch_size"] == 2


def test_a_terminal_shows_the_progress(scene, mixed):
    assert "100%|" in scene
    assert "1/1" in scene
    assert "%|" not in mixed.stderr


WRONG = {
    "no audio": (["-o", "o"], "Missing argument 'AUDIO"),
    "no output": (["stereo.wav"], "Missing option '-o'"),
    "two files to one": (["a.wav", "b.wav", "-o", "x.npz"], "2 audio files cannot be written to"),
    "same stem": (
        ["a/x.wav", "b/y.wav", "b/x.flac", "-o", "o"],
        "a/x.wav and b/x.flac would both be written to o/x.npz",
    ),
    "no pair": (["x.wav", "-o", "o", "--option", "batch_size"], "--option expects KEY=VALUE"),
    "twice": (
        ["x.wav", "-o", "o", "--option", "weights=random", "--weights", "random:1"],
        "weights is given twice: 'random' and 'random:1'",
    ),
    "no option": (["x.wav", "-o", "o", *YAMNET, "--option", "hopp=1"], "Received: hopp=1"),
    "no preset": (["x.wav", "-o", "o", "--model", "vggish"], "openl3-mel256-music"),
    "no hop": (["x.wav", "-o", "o", *YAMNET, "--hop-size", "-5"], "hop_size"),
}


@pytest.mark.parametrize(("arguments", "message"), WRONG.values(), ids=list(WRONG))
def test_a_wrong_command_is_explained_with_exit_status_2(tmp_path, arguments, message):
    done = run("embed", *arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert message in on_one_line(done.stderr)


def test_missing_weights_give_one_message(files, tmp_path):
    done = run_process("embed", files / "stereo.wav", "-o", tmp_path, "--model", "yamnet")
    assert done.returncode == 1
    assert "hear-openl3-yamnet weights fetch yamnet" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_place_of_the_folder_gives_one_message(files):
    done = run("embed", files / "stereo.wav", "-o", files / "text.wav" / "x", *YAMNET)
    assert done.returncode == 1
    assert done.stderr.startswith("Error: cannot write ")
    assert "Not a directory" in done.stderr


def test_models_lists_every_preset():
    done = run("models")
    assert done.returncode == 0
    header, *rows = done.stdout.splitlines()
    assert header.split()[0] == "preset"
    assert [row.split()[0] for row in rows] == hear.list_presets()
    (yamnet,) = [row for row in rows if row.startswith("yamnet ")]
    assert yamnet.split()[1:4] == ["16000", "1024", "40.00"]


# those of shipped weights are in tests/starter/test_starter.py and tests/road/test_lite.py
PUBLISHED = [
    preset.name
    for preset in map(get_preset, hear.list_presets())
    if preset.weights_name != preset.starter_name
]


@pytest.mark.parametrize("name", PUBLISHED)
def test_info_tells_rate_sizes_hops_licence_citation_and_weights(name):
    done = run("info", name)
    assert done.returncode == 0
    text = done.stdout
    openl3 = "openl3" in name
    assert text.startswith(f"{name}: ")
    assert ("48000 Hz" if openl3 else "16000 Hz") in text
    hop = "50.00" if name.startswith("hear2021") else "40.33" if openl3 else "40.00"
    size = 512 if openl3 else 2048 if name == "yamnet-layer8" else 1024
    assert f"{size} values every {hop} ms" in text
    assert ("CC BY 4.0" if openl3 else "Apache-2.0") in text
    assert ("Look, Listen and Learn More" if openl3 else "M. Plakal") in text
    assert re.search(r"not on this machine; get them: hear-openl3-yamnet weights fetch \S+\n", text)


def test_info_prints_where_the_weights_are(tmp_path):
    registry = load_registry()["yamnet"]
    stand_in = write_yamnet(tmp_path / registry.file)
    digest = "sha256:" + hashlib.sha256(stand_in.read_bytes()).hexdigest()
    entry = {"file": registry.file, "url": registry.url, "digests": [digest], "network": "yamnet"}
    entry |= {"licence": "none", "licence_url": "none", "citation": "none"}
    (tmp_path / "registry.json").write_text(json.dumps({"files": {"yamnet": entry}}))
    places = {"CACHE": str(tmp_path), "REGISTRY": str(tmp_path / "registry.json")}
    environment = os.environ | {f"HEAR_OPENL3_YAMNET_{k}": place for k, place in places.items()}
    assert f" {stand_in} (cache)\n" in run("info", "yamnet", env=environment).stdout


def test_info_of_an_unknown_preset_lists_the_presets():
    done = run_process("info", "vggish")
    assert done.returncode == 2
    for name in hear.list_presets():
        assert name in done.stderr


def test_version_through_the_installed_command():
    command = Path(sys.executable).with_name("hear-openl3-yamnet")
    assert (
        subprocess.check_output([command, "--version"], text=True)
        == f"hear-openl3-yamnet {hear.__version__}\n"
    )


@pytest.mark.parametrize("command", [[], ["embed"], ["models"], ["info"], ["weights"]])
def test_help_has_a_text(command):
    done = run(*command, "--help")
    assert done.returncode == 0
    assert "Usage: " in done.stdout


SLOW_TO_IMPORT = {
    "jax",
    "keras",
    "librosa",
    "matplotlib",
    "pyarrow",
    "scipy",
    "sklearn",
    "soundfile",
}
SLOW_TO_IMPORT |= {"tensorflow", "torch"}


@pytest.mark.parametrize(
    "command", [["--help"], ["embed", "--help"], ["plot", "--help"], ["models"], ["info", "yamnet"]]
)
def test_commands_that_embed_nothing_import_nothing_slow(command):
    program = f"""
import sys
sys.argv[1:] = {command}
from hear_openl3_yamnet.commands.app import main
try:
    main()
except SystemExit as end:
    assert not end.code
print(*({SLOW_TO_IMPORT} & set(sys.modules)), file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "\n")
