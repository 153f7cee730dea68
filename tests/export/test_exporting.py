"""Exported models in their runtimes give the embeddings of the API."""

import functools
import json
import subprocess
import sys

import numpy as np
import pytest
from typer.testing import CliRunner

from hear_openl3_yamnet import OptionError, get_timestamp_embeddings, load_model
from hear_openl3_yamnet.commands.app import app
from hear_openl3_yamnet.engine.backend import BACKEND
from hear_openl3_yamnet.errors import ExportError, MissingExtraError
from hear_openl3_yamnet.export import FORMATS, checking, export_model, exported, fourier, windows
from hear_openl3_yamnet.features.frames import cut_frames, frame_table
from hear_openl3_yamnet.features.frontends import FRONT_ENDS
from tests import seeded_audio
from tests.code_blocks import run, runs_blocks_of
from tests.comparing import assert_close, numpy

HOP_MS = 500.0
"""A whole number of samples at both rates."""

RUNTIMES = {
    "saved_model": """
import tensorflow
loaded = tensorflow.saved_model.load(path)
embed = loaded.signatures["serving_default"]
embeddings = embed(samples=tensorflow.constant(samples))["embeddings"].numpy()
""",
    "onnx": """
import onnxruntime
(embeddings,) = onnxruntime.InferenceSession(path).run(["embeddings"], {"samples": samples})
""",
    "tflite": """
from ai_edge_litert.interpreter import Interpreter
embeddings = Interpreter(path).get_signature_runner()(samples=samples)["embeddings"]
""",
}
"""How users run each file, without this package."""


def run_here(file_format, path, samples):
    names = {"path": str(path), "samples": samples}
    exec(RUNTIMES[file_format], names)
    return names["embeddings"]


def run_elsewhere(file_format, path, samples):
    given, made = f"{path}.samples.npy", f"{path}.embeddings.npy"
    np.save(given, samples)
    program = f"""
import sys, numpy
path, samples = {str(path)!r}, numpy.load({given!r})
{RUNTIMES[file_format]}
assert "hear_openl3_yamnet" not in sys.modules
numpy.save({made!r}, embeddings)
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=300)
    return np.load(made)


def windows_by_the_configuration(clip, configuration, n_timestamps):
    """Cut a clip into windows with the facts of the JSON only."""
    length = configuration["input"]["shape"][1]
    hop = round(HOP_MS * configuration["input"]["sample_rate"] / 1000)
    before = configuration["timestamp_sample"]
    padded = np.pad(clip, (before, length))
    return np.stack([padded[i * hop : i * hop + length] for i in range(n_timestamps)])


def check_in_its_runtime(model, path, file_format, runtime=run_here):
    configuration = json.loads(path.with_name(f"{path.name}.json").read_text())
    assert configuration["format"] == file_format
    clip = seeded_audio.clip("notes", model.sample_rate, 1.2)
    expected = numpy(get_timestamp_embeddings(clip[None], model, HOP_MS)[0])[0]
    samples = windows_by_the_configuration(clip, configuration, len(expected))
    assert_close(runtime(file_format, path, samples), expected, 1e-4)
    return configuration


@pytest.fixture(scope="module")
def exported_yamnet(tmp_path_factory):
    """Export the untrained YAMNet with the command, once for each format."""

    @functools.cache
    def export(file_format):
        path = tmp_path_factory.mktemp("exported") / "new" / f"yamnet.{file_format}"
        arguments = [path, "--format", file_format, "--model", "yamnet", "--weights", "random:1"]
        result = CliRunner().invoke(app, ["export", *map(str, arguments)])
        assert result.exit_code == 0, result.output
        assert {file.name for file in path.parent.iterdir()} == {path.name, f"{path.name}.json"}
        return path, result.output.splitlines()[-3:]

    return export


@pytest.mark.parametrize("file_format", FORMATS)
def test_the_command_exports_yamnet_to_its_runtime(file_format, exported_yamnet, untrained_yamnet):
    path, lines = exported_yamnet(file_format)
    runtime = (
        run_here if file_format == "saved_model" else run_elsewhere
    )  # TensorFlow starts slowly
    configuration = check_in_its_runtime(untrained_yamnet, path, file_format, runtime)
    assert configuration["weights_id"] == "random:1"
    assert configuration["output"]["shape"][1] == 1024
    assert load_model(**configuration["config"]).config == untrained_yamnet.config
    assert lines[0].startswith(f"{path}: samples (n, 15600) at 16000 Hz -> embeddings (n, 1024)")
    assert lines[1] == f"{path}.json: its configuration"
    check = configuration["check"]
    assert check["runtime"] in lines[2]
    assert f"{check['largest_relative_difference']:.1e}" in lines[2]


@runs_blocks_of("export.md")
def test_the_documentations_program(page_blocks, exported_yamnet, untrained_yamnet, monkeypatch):
    monkeypatch.chdir(exported_yamnet("onnx")[0].parent)
    (block,) = page_blocks
    names: dict = {}
    assert run(block, names) == block.output
    expected = get_timestamp_embeddings(names["clip"][None], untrained_yamnet, HOP_MS)[0]
    assert_close(names["embeddings"], numpy(expected)[0], 1e-4)


@pytest.mark.parametrize("file_format", FORMATS)
def test_a_short_openl3_in_its_runtime(file_format, tmp_path):
    model = load_model(
        model="openl3-mel128-env", weights="random:1", layers="block1", pooling="max+mean"
    )
    result = export_model(model, tmp_path / "openl3", file_format)
    assert result.difference < 1e-4
    check_in_its_runtime(model, tmp_path / "openl3", file_format)


@pytest.mark.slow
@pytest.mark.parametrize("file_format", FORMATS)
def test_openl3_lite_in_its_runtime(file_format, tmp_path):
    model = load_model("openl3-lite")
    assert export_model(model, tmp_path / "lite", file_format).difference < 1e-4
    check_in_its_runtime(model, tmp_path / "lite", file_format)


@pytest.mark.slow
@pytest.mark.parametrize("file_format", FORMATS)
@pytest.mark.parametrize("name", ["openl3-linear-music", "openl3-mel128-env", "openl3-mel256-env"])
def test_openl3_in_its_runtime(name, file_format, tmp_path):
    model = load_model(model=name, weights="random:1", embedding_size=6144)
    assert export_model(model, tmp_path / "openl3", file_format).difference < 1e-4
    check_in_its_runtime(model, tmp_path / "openl3", file_format, run_elsewhere)


@pytest.mark.slow
@pytest.mark.parametrize("file_format", FORMATS)
@pytest.mark.parametrize(
    "options",
    [
        {"pooling": "fusion"},
        {"subsampling": "blur", "pooling": "gem"},
        {
            "pooling": "mean+std",
            "layers": ["layer7", "layer14"],
            "grid": [2, 3],
            "normalize": "l2",
        },
    ],
)
def test_rare_operations_in_their_runtime(options, file_format, tmp_path):
    model = load_model(model="yamnet", weights="random:1", **options)
    assert export_model(model, tmp_path / "yamnet", file_format).difference < 1e-4
    check_in_its_runtime(model, tmp_path / "yamnet", file_format)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("yamnet", {"pooling": "mean+std", "normalize": "l2"}),
        ("yamnet", {"layers": ["layer7", "layer14"], "grid": [2, 3]}),
        ("yamnet", {"layers": "predictions"}),
        ("yamnet", {"subsampling": "aps"}),
        ("yamnet", {"window_size": 500, "pooling": "sum_max_mean"}),
        ("openl3-linear-music", {"layers": "logmel", "grid": ["all", 1]}),
        ("openl3-mel256-music", {"layers": "conv1"}),
        ("hear2021-openl3", {"layers": ["logmel", "block1"], "scene_pooling": "max"}),
    ],
)
def test_the_graph_gives_what_the_model_gives(name, options):
    model = load_model(model=name, weights="random:1", **options)
    windows.check_exportable(model, "saved_model")
    graph = windows.window_graph(model)
    samples = checking.check_windows(model)
    got = numpy(graph.embed(graph.arrays, samples))
    assert checking.largest_difference(got, checking.model_embeddings(model, samples)) < 1e-4


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("yamnet+yamnet", {}, "one network"),
        ("yamnet", {"time": "frame"}, "time='frame'"),
        ("yamnet", {"precision": "bfloat16"}, "precision='bfloat16'"),
        ("yamnet", {"subsampling": "aps"}, "SavedModel only"),
        ("openl3-mel128-env", {"framing": "dense", "hop_size": 40.3333}, "framing='dense'"),
    ],
)
def test_models_without_single_windows_are_refused(name, options, message, tmp_path):
    model = load_model(model=name, weights="random:1", **options)
    with pytest.raises(OptionError, match=message):
        export_model(model, tmp_path / "model.onnx", "onnx")
    assert not list(tmp_path.iterdir())


@pytest.mark.backends
def test_only_tensorflow_can_export(untrained_yamnet):
    if BACKEND == "tensorflow":
        windows.check_exportable(untrained_yamnet, "onnx")
        return
    with pytest.raises(OptionError, match="KERAS_BACKEND=tensorflow"):
        windows.check_exportable(untrained_yamnet, "onnx")


def test_a_file_that_differs_is_not_kept(untrained_yamnet, tmp_path, monkeypatch):
    monkeypatch.setattr(exported, "TOLERANCE", 0.0)
    with pytest.raises(ExportError, match="was not written"):
        export_model(untrained_yamnet, tmp_path / "yamnet", "saved_model")
    assert not list(tmp_path.iterdir())


def test_the_difference_is_that_of_the_worst_row():
    expected = np.array([[3.0, 4.0], [0.0, 2.0], [0.0, 0.0]], np.float32)
    assert checking.largest_difference(expected, expected) == 0
    got = expected + np.array([[0.0, 0.05], [0.0, 0.1], [0.0, 0.0]], np.float32)
    assert checking.largest_difference(got, expected) == pytest.approx(0.05)
    faint = expected + np.array([[0.0, 0.0], [0.0, 0.0], [0.0, 0.001]], np.float32)
    assert checking.largest_difference(faint, expected) == pytest.approx(0.02)
    assert not checking.largest_difference(got * np.nan, expected) <= 1
    assert not checking.largest_difference(got[:, :1], expected) <= 1


def test_places_and_formats_that_are_refused(untrained_yamnet, tmp_path, monkeypatch):
    (tmp_path / "notes.txt").write_text("mine")
    for path, file_format in [
        (tmp_path, "saved_model"),
        (tmp_path / "notes.txt", "saved_model"),
        (tmp_path, "onnx"),
        (tmp_path / "model", "coreml"),
    ]:
        with pytest.raises(OptionError):
            export_model(untrained_yamnet, path, file_format)
    monkeypatch.setitem(sys.modules, "tf2onnx", None)
    with pytest.raises(MissingExtraError, match=r"tf2onnx.*hear-openl3-yamnet\[export\]"):
        export_model(untrained_yamnet, tmp_path / "model.onnx", "onnx")
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


@pytest.mark.parametrize("length", [512, 2048])
def test_amplitudes_are_those_of_the_fourier_transform(length):
    rows = np.random.default_rng(3).standard_normal((5, length)).astype(np.float32)
    expected = np.abs(np.fft.rfft(rows.astype(np.float64)))
    np.testing.assert_allclose(numpy(fourier.amplitudes(rows)), expected, atol=3e-7 * length)


@pytest.mark.parametrize("front_end", FRONT_ENDS.values(), ids=FRONT_ENDS)
def test_frames_are_the_front_ends(front_end):
    samples = np.random.default_rng(4).standard_normal((2, front_end.window)).astype(np.float32)
    table = frame_table(np.zeros(1, np.int64), front_end)
    expected = [cut_frames(window, table, front_end)[table.index[0]] for window in samples]
    got = numpy(fourier.frames(samples, front_end))
    np.testing.assert_array_equal(got[:, : front_end.frame_length], np.concatenate(expected))
    assert not got[:, front_end.frame_length :].any()
