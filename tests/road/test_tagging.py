"""Tags: YAMNet's class scores under the published names, over time and for the clip."""

import csv
import hashlib
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file
from typer.testing import CliRunner

from hear_openl3_yamnet import OptionError, get_timestamp_embeddings, load_model
from hear_openl3_yamnet.audio import files
from hear_openl3_yamnet.backbones import yamnet
from hear_openl3_yamnet.commands.app import app
from hear_openl3_yamnet.errors import AudioError, AudioTypeError
from hear_openl3_yamnet.tagging import CLASS_MAP, class_names, tag
from tests import seeded_audio
from tests.comparing import assert_close, numpy
from tests.program import run
from tests.road.test_parity import TOLERANCES, golden

NAMES = class_names()
CLIP = seeded_audio.clip("notes", 16000, 2.5)


@pytest.mark.backends
@pytest.mark.parametrize("name", seeded_audio.NAMES)
def test_scores_are_those_of_the_published_code(name, seeded_model):
    # 7560 samples of silence put the clip's first patch at a timestamp (see test_parity)
    audio = np.pad(seeded_audio.clip(name, 16000, 2.5), (7560, 0))
    tags = tag(seeded_model("yamnet"), audio)
    assert tags.timestamps[2] == 960
    assert_close(tags.scores[2:6], golden("yamnet")[f"{name}_scores"], TOLERANCES[name])


def test_names_times_and_the_clip(seeded_model):
    model = seeded_model("yamnet")
    tags = tag(model, CLIP, hop_size=250)
    by_layer = load_model(
        model.config["weights"], model="yamnet", layers="predictions", hop_size=250
    )
    scores, timestamps = get_timestamp_embeddings(CLIP[None], by_layer)
    assert_close(tags.scores, numpy(scores)[0], 1e-5)  # float32, summed in another order
    np.testing.assert_array_equal(tags.timestamps, numpy(timestamps)[0])
    assert tags.names == NAMES
    np.testing.assert_allclose(tags.clip, tags.scores.mean(axis=0))
    top = tags.top(5)
    assert [score for _, score in top] == sorted(map(float, tags.clip), reverse=True)[:5]
    assert all(score == tags.clip[NAMES.index(name)] for name, score in top)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("openl3-mel128-music", {}, "Only YAMNet"),
        ("yamnet+yamnet", {}, "Only YAMNet"),
        ("yamnet", {"pooling": "max"}, "pooling='max'"),
        ("yamnet", {"layers": "layer13"}, "layer13"),
        ("yamnet", {"normalize": "l2"}, "normalize='l2'"),
    ],
)
def test_models_without_scores_are_refused(name, options, message):
    with pytest.raises(OptionError, match=message):
        tag(load_model(model=name, weights="random:1", **options), CLIP)


def test_weights_without_trained_scores_are_refused(tmp_path):
    weights = yamnet.random_weights(1)
    weights["predictions/kernel"][:] = 0
    save_file(weights, tmp_path / "yamnet.safetensors")
    with pytest.raises(OptionError, match="no class scores"):
        tag(load_model(tmp_path / "yamnet.safetensors", model="yamnet"), CLIP)


def test_bad_audio_is_refused(untrained_yamnet):
    for audio, error in [
        (np.zeros(0, np.float32), AudioError),
        (np.full(100, np.nan, np.float32), AudioError),
        (np.zeros((2, 100), np.float32), AudioError),
        (np.zeros(100, np.int16), AudioTypeError),
    ]:
        with pytest.raises(error):
            tag(untrained_yamnet, audio)


def test_the_names_are_the_published_files():
    """Its digest is published with the class map of TensorFlow's Model Garden."""
    digest = hashlib.sha256(CLASS_MAP.read_bytes()).hexdigest()
    assert digest == "cdf24d193e196d9e95912a2667051ae203e92a2ba09449218ccb40ef787c6df2"
    assert len(set(NAMES)) == 521
    assert NAMES[:2] == ("Speech", "Child speech, kid speaking")


@pytest.mark.filterwarnings("error")
def test_scores_of_large_logits_do_not_overflow(tmp_path):
    """The published weights give logits below -88 on recordings."""
    weights = yamnet.random_weights(1)
    weights["predictions/kernel"][:] = 0.1
    weights["predictions/bias"][:] = np.linspace(-1e4, 1e4, 521)
    save_file(weights, tmp_path / "yamnet.safetensors")
    scores = tag(load_model(tmp_path / "yamnet.safetensors"), CLIP).scores
    assert np.isfinite(scores).all()
    assert (scores[:, 0].max(), scores[:, -1].min()) == (0, 1)


def _tag(*arguments: object):
    return CliRunner().invoke(app, ["tag", *map(str, arguments)])


def test_the_command_lists_writes_and_draws(tmp_path, recording):
    outputs = [tmp_path / f"tags.{ending}" for ending in ("csv", "json", "png")]
    options = [part for path in outputs for part in ("-o", path)]
    result = _tag(recording, "--weights", "random:1", "--top", 3, *options)
    assert result.exit_code == 0, result.output
    header, *lines = result.output.splitlines()
    assert header.split() == ["class", "clip", "peak", "at", "[s]"]
    written = json.loads(outputs[1].read_text())
    assert written["weights_id"] == "random:1"
    assert [line.split("  ")[0].strip() for line in lines[:3]] == [
        found["class"] for found in written["tags"]
    ]
    with open(outputs[0], newline="", encoding="utf-8") as file:
        columns, *rows = list(csv.reader(file))
    assert columns == ["timestamp_ms", *NAMES]
    assert [float(row[0]) for row in rows] == written["timestamps_ms"]
    for found in written["tags"]:
        column = [float(row[columns.index(found["class"])]) for row in rows]
        np.testing.assert_allclose(column, found["scores"], atol=1e-6)
        assert found["clip"] == pytest.approx(np.mean(found["scores"]), abs=2e-6)
    assert outputs[2].read_bytes().startswith(b"\x89PNG")


def test_the_command_refuses_other_endings(recording):
    result = _tag(recording, "-o", "tags.xlsx")
    assert isinstance(result.exception, OptionError)
    assert ".csv" in str(result.exception)


@pytest.fixture
def recording(tmp_path) -> Path:
    import soundfile

    path = tmp_path / "notes.wav"
    soundfile.write(path, CLIP, 16000)
    return path


def test_the_command_writes_the_other_outputs_if_one_cannot_be_written(
    tmp_path, recording, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    name = os.fsdecode(b"caf\xe9 $x_{.wav")  # not UTF-8, and what looks like mathematics
    shutil.copy(recording, name)
    outputs = ["-o", "tags.csv", "-o", "missing/tags.json", "-o", "tags.png", "-o", "tags.json"]
    done = run("tag", name, "--weights", "random:1", *outputs)
    assert done.returncode == 1
    assert done.stderr == "Error: cannot write missing/tags.json: No such file or directory.\n"
    assert json.loads((tmp_path / "tags.json").read_text())["audio"] == name
    assert (tmp_path / "tags.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "tags.csv").exists()


def test_the_command_names_the_file_after_any_exception(recording, monkeypatch):
    def fail(path, sample_rate):
        raise RuntimeError("out of luck")

    monkeypatch.setattr(files, "load_audio", fail)
    done = run("tag", recording, "--weights", "random:1")
    assert (done.returncode, done.stderr) == (1, f"Error: {recording}: RuntimeError: out of luck\n")
