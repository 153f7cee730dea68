"""The student of many teachers: what teachers hear and say, the kept bank, a tiny training."""

import json
import shutil

import keras
import numpy as np
import pytest

from hear_openl3_yamnet import get_scene_embeddings, get_timestamp_embeddings, load_model
from hear_openl3_yamnet.backbones import holistic
from hear_openl3_yamnet.synthesis.events import KINDS
from hear_openl3_yamnet.synthesis.streams import stream
from tests.comparing import assert_close, numpy
from tests.packed_sounds import write_sounds

torch = pytest.importorskip("torch")

from scripts.holistic import student, teach, teachers, train  # noqa: E402
from scripts.holistic.__main__ import COMMANDS  # noqa: E402
from scripts.starter.__main__ import run  # noqa: E402
from scripts.starter.sounds import FACTORS  # noqa: E402
from scripts.starter.student import Student, load_student, student_weights  # noqa: E402

CPU = torch.device("cpu")


def dog():
    return KINDS["dog"](1.0, 48000, stream("test", "dog")).astype(np.float32)[:48000]


@pytest.fixture(scope="module")
def heard():
    return teachers.Ear(CPU)(torch.from_numpy(dog())[None])


def test_teachers_hear_the_sound_at_16_khz(heard):
    """The two low passes differ near 8 kHz alone."""
    import soxr

    expected = np.fft.rfft(soxr.resample(dog(), 48000, 16000))[:7000]
    got = np.fft.rfft(heard.samples.numpy()[0])[:7000]
    assert np.linalg.norm(got - expected) < 2e-3 * np.linalg.norm(expected)


def test_gains_of_one_change_nothing(heard):
    gains = torch.ones(1, 1, 1025)
    again = teachers.Ear(CPU)(torch.from_numpy(dog())[None], gains)
    assert_close(again.logmel.numpy(), heard.logmel.numpy(), 1e-4)
    assert_close(again.samples.numpy(), heard.samples.numpy(), 1e-4)


def said_by_load_model(preset, samples):
    model = load_model(preset, hop_size=500.0)
    return numpy(get_timestamp_embeddings(samples[None], model)[0])[0, 1]


def test_openl3_says_the_embedding_of_load_model(heard):
    said = teachers.load_network("openl3-starter", None, CPU)(heard)["openl3"]
    expected = said_by_load_model("openl3-mel128-starter", dog())
    assert_close(said[0, 0].numpy(), expected, 1e-4)


def test_openl3_lite_stands_for_its_teacher(heard):
    """It says the same of each part, at a sixteenth of the work."""
    own, taught = (teachers.load_network(n, None, CPU) for n in ("openl3-lite", "openl3-starter"))
    with torch.no_grad():
        for name, expected in taught(heard).items():
            cosines = torch.nn.functional.cosine_similarity(own(heard)[name], expected, dim=2)
            assert float(cosines.min()) > 0.98


@pytest.mark.backends
def test_yamnet_says_the_embedding_of_load_model(heard):
    if keras.backend.backend() != "torch":
        with pytest.raises(SystemExit, match="KERAS_BACKEND=torch"):
            teachers.load_network("yamnet-starter", None, CPU)
        return
    with torch.no_grad():
        said = teachers.load_network("yamnet-starter", None, CPU)(heard)["yamnet-starter"]
    expected = said_by_load_model("yamnet-starter", heard.samples.numpy()[0])
    assert_close(numpy(said)[0, 0], expected, 1e-4)


@pytest.mark.slow
def test_parts_of_a_window_are_at_the_common_centres():
    """A click at a centre changes that part of OpenL3's map most."""
    said = teachers.load_network("openl3-starter", None, CPU)
    quiet = 1e-3 * torch.randn(1, 48000, generator=torch.Generator().manual_seed(0))
    before = said(teachers.Ear(CPU)(quiet))["openl3-parts"]
    for part in range(teachers.N_CENTRES):
        clicked = quiet.clone()
        at = round(48000 * (teachers.FIRST_CENTRE + teachers.CENTRE_HOP * part))
        clicked[:, at : at + 200] += 0.5
        after = said(teachers.Ear(CPU)(clicked))["openl3-parts"]
        # the level of the whole window changes, and so the quiet parts too
        rise = (after - before).clamp(min=0).sum(dim=2)[0]
        assert int(rise.argmax()) == part


def crepe_of_keras(weights, frames):
    """CREPE as its authors describe it, up to its last layer but one, by Keras."""
    x = inputs = keras.Input((1024, 1))
    for i, stride in enumerate(teachers.Crepe.STRIDES, start=1):
        kernel = weights[f"conv{i}/kernel"]
        x = keras.layers.Conv1D(
            kernel.shape[2], kernel.shape[0], stride, "same", activation="relu", name=f"conv{i}"
        )(x)
        x = keras.layers.BatchNormalization(name=f"conv{i}-BN")(x)
        x = keras.layers.MaxPool1D(2, 2, "valid")(x)
    model = keras.Model(inputs, keras.layers.Flatten()(x))
    for i in range(1, 7):
        layer, norm = model.get_layer(f"conv{i}"), model.get_layer(f"conv{i}-BN")
        layer.set_weights([weights[f"conv{i}/{kind}"] for kind in ("kernel", "bias")])
        kinds = ("gamma", "beta", "moving_mean", "moving_variance")
        norm.set_weights([weights[f"conv{i}-BN/{kind}"] for kind in kinds])
    frames = frames - frames.mean(axis=1, keepdims=True)
    frames = frames / frames.std(axis=1, ddof=1, keepdims=True)
    return numpy(model(frames[..., None]))


@pytest.fixture(scope="module")
def crepe():
    """Random weights of a narrow CREPE."""
    rng = np.random.default_rng(0)
    weights, channels_in = {}, 1
    for i, channels in enumerate((8, 4, 4, 4, 8, 8), start=1):
        width = 512 if i == 1 else 64
        weights[f"conv{i}/kernel"] = rng.normal(0, 0.1, (width, channels_in, channels))
        weights[f"conv{i}/bias"] = rng.normal(0, 0.1, channels)
        for kind in ("gamma", "beta", "moving_mean", "moving_variance"):
            weights[f"conv{i}-BN/{kind}"] = rng.uniform(0.5, 1.5, channels)
        channels_in = channels
    return {name: value.astype(np.float32) for name, value in weights.items()}


def test_crepe_is_that_of_keras(heard, crepe):
    """The order of layers and TensorFlow's padding."""
    noise = torch.randn(1, 16000, generator=torch.Generator().manual_seed(0))
    heard = heard._replace(samples=heard.samples + 1e-2 * noise)  # no frame is silent
    said = teachers.Crepe(crepe, CPU)(heard)["crepe"].numpy()[0]
    samples = heard.samples.numpy()[0]
    centres = teachers.FIRST_CENTRE + teachers.CENTRE_HOP * np.arange(teachers.N_CENTRES)
    starts = np.round(16000 * centres).astype(int) - 512
    frames = np.stack([samples[start : start + 1024] for start in starts])
    assert_close(said, crepe_of_keras(crepe, frames), 1e-4)


def test_resemblyzer_hears_the_mel_bands_of_librosa(heard):
    """Its first layer gets what librosa computes, from a sound that is raised to -30 dB."""
    import librosa

    generator = torch.Generator().manual_seed(0)
    lstm = torch.nn.LSTM(40, 256, 3)
    linear = torch.nn.Linear(256, 256)
    bands = librosa.filters.mel(sr=16000, n_fft=400, n_mels=40).T
    state = {f"lstm.{name}": p for name, p in lstm.state_dict().items()}
    state |= {f"linear.{name}": p for name, p in linear.state_dict().items()}
    state = {name: torch.randn(p.shape, generator=generator) * 0.1 for name, p in state.items()}
    weights = {**{name: p.numpy() for name, p in state.items()}, "bands": bands}
    network = teachers.Resemblyzer(weights, CPU)
    given = []
    network.lstm.register_forward_pre_hook(lambda _, inputs: given.append(inputs[0]))
    quiet = heard._replace(samples=heard.samples * 1e-3)
    with torch.no_grad():
        said = network(quiet)["resemblyzer"]
    raised = quiet.samples.numpy()[0]
    raised = raised * (10 ** (-30 / 20) / np.sqrt((raised**2).mean()))
    expected = librosa.feature.melspectrogram(
        y=raised, sr=16000, n_fft=400, hop_length=160, n_mels=40
    )
    assert_close(given[0].numpy()[0], expected.T, 1e-4)
    assert said.shape == (1, 1, 256)


def test_a_reduction_keeps_what_varies():
    generator = torch.Generator().manual_seed(0)
    few = torch.randn(500, 3, generator=generator) @ torch.randn(3, 40, generator=generator)
    reduction = teach.Reduction(few, 5)
    assert reduction.kept == pytest.approx(1.0, abs=1e-6)
    assert reduction(few).shape == (500, 5)
    fewer_rows_than_values = teach.Reduction(few[:10], 256)
    assert torch.isfinite(fewer_rows_than_values(few)).all()


def test_a_pitch_between_two_keys_counts_for_both():
    logits = torch.log_softmax(torch.randn(1, 88, generator=torch.Generator().manual_seed(0)), 1)
    found = student.label_loss(logits, torch.tensor([40.25]))
    assert float(found) == pytest.approx(float(-0.75 * logits[0, 40] - 0.25 * logits[0, 41]))


def test_a_window_without_a_label_has_no_loss():
    logits = torch.randn(3, 88, generator=torch.Generator().manual_seed(0))
    labels = torch.tensor([torch.nan, -3.0, 99.0])  # played slower or faster, off the keyboard
    assert float(student.label_loss(logits, labels)) == 0.0


@pytest.fixture(scope="module")
def sounds(tmp_path_factory):
    return write_sounds(tmp_path_factory.mktemp("sounds"))


@pytest.fixture(scope="module")
def bank(sounds, crepe, tmp_path_factory):
    """What OpenL3's starter and a random CREPE say of 16 windows, by the command itself."""
    folder = tmp_path_factory.mktemp("bank")
    np.savez(folder / "crepe.npz", **crepe)
    networks = ["--network", "openl3-starter", "crepe", "--teachers", folder]
    call("teach", "--data", sounds, "--out", folder / "bank", *networks, "--windows", 16)
    return folder / "bank"


def call(*arguments):
    run("scripts.holistic", None, COMMANDS, [str(a) for a in arguments])


@pytest.mark.slow
def test_a_bank_has_what_the_student_needs(bank):
    shapes = {path.stem: np.load(path).shape for path in bank.glob("*.npy")}
    assert shapes == {
        "logmel": (16, 128, 199),
        "labels": (16, len(FACTORS)),
        "kinds": (16,),
        "teacher-openl3": (16, 1, 16),
        "teacher-openl3-parts": (16, 6, 96),
        "teacher-crepe": (16, 6, 32),
    }
    about = json.loads((bank / "about.json").read_text())
    assert about["networks"] == ["openl3-starter", "crepe"]
    assert min(about["variance kept"].values()) > 0.9
    assert np.isnan(np.load(bank / "labels.npy")).all()  # these sounds have none
    assert set(np.load(bank / "kinds.npy")) == {teach.KINDS.index("events")}


@pytest.mark.backends
def test_the_student_gives_the_packages_maps():
    logmel = np.random.default_rng(0).uniform(-80, 0, (2, 128, 199, 1)).astype(np.float32)
    weights = holistic.random_weights(3)
    network = Student(holistic.STEPS).eval()
    load_student(network, weights)
    with torch.no_grad():
        maps = network(torch.from_numpy(logmel).permute(0, 3, 1, 2)).permute(0, 2, 3, 1).numpy()
    folded = holistic.fold(weights)
    assert_close(maps, numpy(holistic.feature_maps(folded, logmel, ["wide"])["wide"]), 1e-4)
    back = student_weights(network.state_dict(), holistic.STEPS)
    for name, value in weights.items():
        np.testing.assert_array_equal(value, back[name])


def training(bank, out, n_steps, without=()):
    loaded = train.Bank(bank, "cpu").without(without)
    start = train.start_weights("openl3-lite")
    return train.Training(loaded, train.Recipe(batch=2), n_steps, out, start)


@pytest.mark.slow
def test_the_loss_falls(bank, tmp_path):
    """The student learns two windows by heart."""
    learner = training(bank, tmp_path, 40)
    learner.bank.trained = learner.bank.trained[:2]
    losses = [float(learner.train_step()["loss"]) for _ in range(12)]
    assert np.mean(losses[-3:]) < 0.7 * max(losses)


@pytest.mark.slow
def test_the_log_has_the_mean_of_the_losses_since_its_last_line(bank, tmp_path, monkeypatch):
    learner = training(bank, tmp_path, 3)
    monkeypatch.setattr(train, "_LOG_EVERY", 2)
    step, losses = learner.train_step, []

    def kept():
        losses.append(step())
        return losses[-1]

    monkeypatch.setattr(learner, "train_step", kept)
    learner.run()
    logged = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in logged] == [2, 3, 3]
    totals = [float(of["loss"]) for of in losses]
    expected = [np.mean(totals[:2]), totals[2]]
    assert [line["loss"] for line in logged[:2]] == pytest.approx(expected, abs=1e-4)


@pytest.mark.slow
def test_a_run_continues_where_it_stopped(bank, tmp_path):
    straight = training(bank, tmp_path / "straight", 4)
    straight.run()
    stopped = training(bank, tmp_path / "twice", 4)
    for _ in range(2):
        stopped.train_step()
    stopped.save()
    again = training(bank, tmp_path / "twice", 4)
    assert again.step == 2
    again.run()
    ends = [t.pupil.network.state_dict() for t in (straight, again)]
    for name, value in ends[0].items():
        torch.testing.assert_close(value, ends[1][name])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("network", "preset", "size"),
    [("holistic", "holistic", 1024), ("openl3_lite", "openl3-lite", 512)],
)
def test_a_trained_student_embeds(network, preset, size, bank, tmp_path):
    run_out = tmp_path / "run"
    options = ["--network", network, "--steps", 2, "--batch", 2]
    call("train", "--bank", bank, "--out", run_out, *options)
    shutil.move(run_out / "holistic.safetensors", tmp_path / "student.safetensors")
    model = load_model(tmp_path / "student.safetensors", model=preset)
    own = numpy(get_scene_embeddings(dog()[None], model))
    assert own.shape == (1, size)
    assert np.isfinite(own).all()


@pytest.mark.slow
def test_a_frozen_trunk_keeps_its_weights(bank, tmp_path):
    """Its maps are computed once, and the layers after it are trained on them."""
    frozen = ["--steps", 2, "--batch", 2, "--frozen", "conv12"]
    call("train", "--bank", bank, "--out", tmp_path / "run", *frozen)
    start = train.start_weights("openl3-lite")
    made = train.start_weights(tmp_path / "run" / "holistic.safetensors")
    for name in start.keys() & made.keys():
        np.testing.assert_array_equal(made[name], start[name], err_msg=name)
    assert len(list(bank.glob("maps-12-*.npy"))) == 1


@pytest.mark.slow
def test_the_layers_after_a_frozen_trunk_make_the_whole_student(bank, tmp_path):
    network = Student(holistic.STEPS).eval()
    whole = train.Bank(bank, "cpu")
    rows = whole.after(network, 12).rows(whole.held)[0]
    with torch.no_grad():
        expected = network(whole.rows(whole.held)[0])
        network.freeze(12)
        # the maps that are kept are rounded, on some processors to bfloat16
        assert_close(network(rows).numpy(), expected.numpy(), 2e-2, axes=3)


@pytest.mark.slow
def test_a_teacher_can_be_left_out(bank):
    whole = train.Bank(bank, "cpu")
    assert list(whole.without(["openl3-starter"]).said) == ["crepe"]
    assert list(whole.said) == ["crepe", "openl3", "openl3-parts"]
    with pytest.raises(SystemExit, match="no teachers"):
        whole.without(["openl3-starter", "crepe"])


@pytest.mark.slow
def test_a_kind_can_be_left_out(bank):
    whole = train.Bank(bank, "cpu")
    whole._kinds[:5] = teach.KINDS.index("speech")
    left = whole.without(kinds=["speech"])
    assert left.trained.tolist() == list(range(5, 14))
    assert left.held.tolist() == whole.held.tolist() == [14, 15]
    with pytest.raises(SystemExit, match="no windows"):
        left.without(kinds=["events"])


@pytest.mark.slow
def test_the_matrix_trains_without_each_teacher(bank, tmp_path):
    call("matrix", "--bank", bank, "--out", tmp_path, "--steps", 1, "--batch", 2)
    made = sorted(path.parent.name for path in tmp_path.glob("*/holistic.safetensors"))
    assert made == ["all", "without-crepe", "without-openl3-starter"]


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_explains_itself(name, capsys):
    with pytest.raises(SystemExit, match="0"):
        call(name, "--help")
    out = capsys.readouterr().out
    assert out.startswith(f"usage: python -m scripts.holistic {name} ")
    assert f"\n    python -m scripts.holistic {name}" in out


def test_published_teachers_need_their_folder():
    with pytest.raises(SystemExit, match="--teachers"):
        teachers.load_network("crepe", None, CPU)
