"""The distillation of OpenL3-lite: PyTorch's networks are the package's, a tiny run learns."""

import json
import sys

import numpy as np
import pytest

from hear_openl3_yamnet import get_scene_embeddings, get_timestamp_embeddings, load_model
from hear_openl3_yamnet.backbones import openl3, openl3_lite
from hear_openl3_yamnet.features.frontends import FRONT_ENDS
from hear_openl3_yamnet.synthesis.events import KINDS
from hear_openl3_yamnet.synthesis.streams import stream
from hear_openl3_yamnet.weights.reading import read_weights
from hear_openl3_yamnet.weights.registry import registry_path
from tests.comparing import assert_close, numpy
from tests.packed_sounds import write_sounds

torch = pytest.importorskip("torch")

from scripts.starter import distill, student, windows  # noqa: E402
from scripts.starter.__main__ import main  # noqa: E402

FILE = registry_path().with_name("openl3-lite.safetensors")
STARTER = "openl3-mel128-starter"
RECIPE = distill.Recipe(batch=2, n_clusters=2, n_statistics=8)


@pytest.fixture(scope="module")
def logmel():
    return np.random.default_rng(0).uniform(-80, 0, (2, 128, 199, 1)).astype(np.float32)


def channels_first(logmel):
    return torch.from_numpy(logmel).permute(0, 3, 1, 2)


def last_map(backbone, weights, logmel):
    folded = backbone.fold(weights)
    return numpy(backbone.feature_maps(folded, logmel, ["block4"])["block4"])


@pytest.mark.backends
def test_the_shipped_student_gives_the_packages_maps(logmel):
    weights = read_weights(FILE, "openl3_lite")
    network = student.Student().eval()
    student.load_student(network, weights)
    with torch.no_grad():
        maps = network(channels_first(logmel)).permute(0, 2, 3, 1).numpy()
    assert_close(maps, last_map(openl3_lite, weights, logmel), 1e-4)
    back = student.student_weights(network.state_dict())
    assert list(back) == list(openl3_lite.WEIGHT_SHAPES)
    for name, value in back.items():
        np.testing.assert_array_equal(value, weights[name])


@pytest.mark.backends
def test_the_teacher_gives_the_packages_maps(logmel):
    weights = distill.teacher_weights(STARTER)
    with torch.no_grad():
        maps = student.Teacher(weights)(channels_first(logmel)).permute(0, 2, 3, 1).numpy()
    assert_close(maps, last_map(openl3, weights, logmel), 1e-4)


def test_the_front_end_is_the_packages():
    """The teacher's embedding of a window is that of `load_model`."""
    samples = KINDS["dog"](1.0, 48000, stream("test", "dog")).astype(np.float32)[:48000]
    front_end = windows.LogMel(FRONT_ENDS["mel128"].bands(), torch.device("cpu"))
    with torch.no_grad():
        maps = student.Teacher(distill.teacher_weights(STARTER))(
            front_end(torch.from_numpy(samples)[None])
        )
    model = load_model(STARTER, hop_size=500.0)
    expected = numpy(get_timestamp_embeddings(samples[None], model)[0])[0, 1]
    assert_close(maps.amax(dim=(2, 3)).numpy()[0], expected, 1e-4)


@pytest.fixture(scope="module")
def sounds(tmp_path_factory):
    return write_sounds(tmp_path_factory.mktemp("sounds"))


def distillation(sounds, out, n_steps):
    gathered = distill.gathered([sounds], torch.device("cpu"))[:2]
    teacher = student.Teacher(distill.teacher_weights(STARTER))
    return distill.Distillation(teacher, gathered[0], RECIPE, n_steps, out, gathered)


@pytest.mark.slow
def test_the_loss_falls(sounds, tmp_path, monkeypatch):
    """The student learns two windows by heart."""
    training = distillation(sounds, tmp_path, 40)
    windows_and_maps = training._batch()
    monkeypatch.setattr(training, "_batch", lambda: windows_and_maps)
    losses = [training.train_step()["loss"] for _ in range(20)]
    assert np.mean(losses[-3:]) < 0.7 * losses[0]


@pytest.mark.slow
def test_a_run_continues_where_it_stopped(sounds, tmp_path):
    straight = distillation(sounds, tmp_path / "straight", 4)
    for _ in range(4):
        straight.train_step()
    distillation(sounds, tmp_path / "broken", 4).run(stop_after=2)
    continued = distillation(sounds, tmp_path / "broken", 4)
    assert continued.step == 2
    measured = continued.run()
    assert {"held:median", "held:centred", "held:median:synthetic"} <= set(measured)
    lines = [json.loads(s) for s in (tmp_path / "broken" / "log.jsonl").read_text().splitlines()]
    assert lines[-1]["step"] == 4
    ours, theirs = (d.student.state_dict() for d in (straight, continued))
    for name, value in ours.items():
        torch.testing.assert_close(theirs[name], value, rtol=1e-3, atol=1e-4)

    model = load_model(tmp_path / "broken" / "openl3-lite.safetensors")
    assert model.weights_id.startswith("file:openl3-lite")
    assert get_scene_embeddings(np.zeros((1, 48000), np.float32), model).shape == (1, 512)


def test_the_command_takes_a_file_as_its_teacher(sounds, tmp_path, monkeypatch):
    teacher = registry_path().with_name("starter-openl3-mel128.safetensors")
    arguments = ["--teacher", teacher, "--data", sounds, "--out", tmp_path, "--steps", 1]
    arguments += ["--batch", 2]
    monkeypatch.setattr(sys, "argv", ["starter", "distill", *map(str, arguments)])
    main()
    assert json.loads((tmp_path / "recipe.json").read_text())["teacher"] == str(teacher)
    assert (tmp_path / "openl3-lite.safetensors").stat().st_size < 1.5e6


def test_a_teacher_of_another_input_is_refused():
    for name in ("openl3-mel256-music", "yamnet"):
        with pytest.raises(ValueError, match="OpenL3 with 128 mel bands"):
            distill.teacher_weights(name)
