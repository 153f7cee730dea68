"""Pictures of clips: what they show is what the network saw and made of them."""

import shutil
import subprocess
import sys

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.image import imread
from sklearn.decomposition import PCA
from typer.testing import CliRunner

from hear_openl3_yamnet import AudioError, HearError, MissingExtraError, OptionError
from hear_openl3_yamnet.commands.app import app
from hear_openl3_yamnet.features.frontends import FRONT_ENDS
from hear_openl3_yamnet.plotting import (
    panels,
    plot_clip,
    plot_comparison,
    plot_components,
    plot_embeddings,
    plot_log_mel,
    plot_similarity,
    plot_tags,
    plot_waveform,
)
from hear_openl3_yamnet.plotting.clip import describe
from hear_openl3_yamnet.plotting.components import colours, principal_components
from hear_openl3_yamnet.plotting.spectrogram import band_frequencies, seen_log_mel
from hear_openl3_yamnet.tagging import Tags
from tests.code_blocks import run, runs_blocks_of
from tests.seeded_audio import clip

YAMNET = ["--model", "yamnet", "--weights", "random:1"]


def axes():
    return Figure(figsize=(6, 4)).add_subplot()


def network_input(window, front_end):
    """Compute the log-mel of one window by the formulas alone, in double precision."""
    starts = np.arange(front_end.n_frames) * front_end.frame_hop
    padded = np.append(window, np.zeros(front_end.frame_length))
    frames = np.stack([padded[start : start + front_end.frame_length] for start in starts])
    spectrum = np.abs(np.fft.rfft(frames * front_end.taper(), front_end.fft_length))
    amplitudes = spectrum @ front_end.bands().astype(float)
    if front_end.name == "yamnet":
        return np.log(amplitudes + 1e-3)
    return np.maximum(10 * np.log10(np.maximum(amplitudes, 1e-10) / amplitudes.max()), -80)


@pytest.mark.parametrize("name", ["yamnet", "openl3-mel128-music"])
def test_the_log_mel_is_that_of_the_window_around_each_moment(seeded_model, name):
    model = seeded_model(name)
    front_end = model.embedders[0].config.front_end
    audio = clip("notes", model.sample_rate, 1.5)
    (seen,) = seen_log_mel(audio, model, hop_size=500)
    assert len(seen.levels) == len(audio) // front_end.frame_hop
    around = np.pad(audio, front_end.window)
    for moment in (0.1, 0.5, 0.9, 1.4):
        column = int(moment / seen.duration * len(seen.levels))
        into = (column + 0.5) / len(seen.levels) * len(audio)
        centre = min(round(moment / 0.5), 2) * model.sample_rate // 2
        start = centre - front_end.window // 2
        frame = round((into - start - front_end.frame_length / 2) / front_end.frame_hop)
        begin = start + front_end.window
        wanted = network_input(around[begin : begin + front_end.window], front_end)[frame]
        np.testing.assert_allclose(seen.levels[column], wanted, atol=5e-3)


def test_the_log_mel_is_blank_where_no_window_lies(untrained_yamnet):
    audio = clip("noise", 16_000, 3.0)
    (seen,) = seen_log_mel(audio, untrained_yamnet, hop_size=2000)
    times = (np.arange(len(seen.levels)) + 0.5) / len(seen.levels) * seen.duration
    half = 0.975 / 2
    covered = (times < half) | (np.abs(times - 2) < half)
    np.testing.assert_array_equal(np.isfinite(seen.levels).all(axis=1), covered)
    drawn = plot_log_mel(audio, untrained_yamnet, 2000, axes())
    assert drawn.images[0].get_array().mask.any()


@pytest.mark.parametrize("name", FRONT_ENDS)
def test_bands_are_where_their_frequencies_say(name):
    front_end = FRONT_ENDS[name]
    frequencies = band_frequencies(front_end)
    assert np.all(np.diff(frequencies) >= 0)
    time = np.arange(front_end.frame_length) / front_end.sample_rate
    spectrum = np.abs(
        np.fft.rfft(np.cos(2 * np.pi * 3000 * time) * front_end.taper(), front_end.fft_length)
    )
    loudest = frequencies[(spectrum @ front_end.bands()).argmax()]
    assert loudest == pytest.approx(3000, rel=0.05)


@pytest.mark.parametrize("shape", [(40, 6), (6, 40), (3, 3), (2, 9)])
def test_principal_components_are_those_of_scikit_learn(shape):
    rows = np.random.default_rng(1).normal(size=shape).astype(np.float32)
    n = min(3, *shape)
    reference = PCA(n, svd_solver="full").fit(rows.astype(float))
    coordinates, shares = principal_components(rows, 3)
    wanted = reference.transform(rows.astype(float))
    np.testing.assert_allclose(np.abs(coordinates[:, :n]), np.abs(wanted), atol=1e-5)
    np.testing.assert_allclose(shares[:n], reference.explained_variance_ratio_, atol=1e-6)
    assert np.all(coordinates.max(axis=0) >= -coordinates.min(axis=0))


@pytest.mark.parametrize("rows", [np.full((5, 4), 0.1, np.float32), np.ones((1, 7))])
def test_equal_rows_have_no_components(rows):
    coordinates, shares = principal_components(rows, 3)
    assert coordinates.shape == (len(rows), 3)
    assert not coordinates.any()
    assert not shares.any()


def test_the_first_component_is_told_by_grey_alone():
    steps = np.linspace(-1, 1, 21)
    rgb = colours(np.stack([steps, 0 * steps, 0 * steps], axis=1))
    assert np.all(np.diff(rgb @ [0.2126, 0.7152, 0.0722]) > 0)
    corners = np.array(np.meshgrid(*[[-1.0, 0.0, 1.0]] * 3)).reshape(3, -1).T
    every = colours(corners)
    assert every.min() >= 0
    assert every.max() <= 1
    assert len(np.unique(every.round(3), axis=0)) == 27


def test_an_outlier_leaves_other_moments_their_colours():
    times = np.arange(200) * 100.0
    rows = np.stack([np.sin(times / 3000), 0.5 * np.cos(times / 1000), 0 * times], axis=1)
    rows[77] = [0, 0, 50]
    drawn = plot_components(rows, times, axes())
    lines = np.stack([line.get_ydata() for line in drawn.lines], axis=1)
    assert np.abs(lines).max() == lines[77, 0] == 1
    others = np.delete(lines, 77, axis=0)
    assert np.ptp(others, axis=0)[1:] == pytest.approx([1.9, 0.95], abs=0.15)
    strip = np.delete(drawn.images[0].get_array()[0], 77, axis=0)
    assert np.ptp(strip, axis=0).min() > 0.2


def test_one_moment_that_differs_is_at_full_height():
    rows = np.zeros((400, 3))
    rows[5] = [1, 2, 3]
    drawn = plot_components(rows, np.arange(400) * 100.0, axes())
    assert drawn.lines[0].get_ydata()[5] == pytest.approx(1)


def test_a_clip_has_all_panels_on_one_time_axis(untrained_yamnet):
    audio = clip("notes", 16_000, 2.0)
    drawn = plot_clip(audio, untrained_yamnet, figure=Figure(), title="a_$b.wav")
    assert list(drawn) == ["waveform", "log-mel", "embeddings", "components", "similarity"]
    embeddings, timestamps = untrained_yamnet.timestamp_embeddings(audio[None])
    for name in list(drawn)[:-1]:
        assert drawn[name].get_xlim() == (0, 2.0)
    values = drawn["embeddings"].images[0].get_array()
    np.testing.assert_allclose(values, (embeddings[0] - embeddings[0].mean(axis=0)).T, atol=1e-6)
    cosines = drawn["similarity"].images[0].get_array()
    assert cosines.shape == (len(timestamps), len(timestamps))
    np.testing.assert_allclose(np.diag(cosines), 1, atol=1e-5)
    drawn["waveform"].figure.canvas.draw()  # names that look like mathematics are none


@pytest.mark.parametrize(("name", "seconds"), [("silence", 1.0), ("noise", 0.01)])
def test_clips_without_change_are_drawn(untrained_yamnet, name, seconds):
    drawn = plot_clip(clip(name, 16_000, seconds), untrained_yamnet, figure=Figure())
    drawn["waveform"].figure.canvas.draw()
    assert drawn["similarity"].images[0].get_array().min() > 0.5


def test_what_is_no_clip_is_refused(untrained_yamnet):
    with pytest.raises(AudioError):
        plot_clip(np.zeros((2, 100), np.float32), untrained_yamnet, figure=Figure())


def test_networks_side_by_side_have_a_log_mel_each(seeded_files):
    from hear_openl3_yamnet import load_model

    parts = [{"model": "yamnet", "weights": "random:1"}, {"model": "yamnet", "weights": "random:2"}]
    model = load_model(parts=parts)
    drawn = plot_clip(clip("notes", 16_000, 0.5), model, figure=Figure())
    assert [name for name in drawn if "log-mel" in name] == ["log-mel", "log-mel 2"]


def test_similarity_has_times_on_both_axes():
    rows = np.eye(4)[[0, 1, 2, 0]]
    drawn = plot_similarity(rows, np.arange(4) * 500.0, axes=axes())
    image = drawn.images[0]
    assert image.get_extent() == [-0.25, 1.75, 1.75, -0.25]
    assert image.get_array()[0, 3] == image.get_array()[3, 0] == 1
    assert image.get_array()[0, 1] == 0
    other = plot_similarity(rows, np.arange(4) * 500.0, (rows[:2], np.array([0.0, 100.0])), axes())
    assert other.images[0].get_array().shape == (4, 2)


@pytest.mark.parametrize("angle", [0.0, 0.6, 1.1])
def test_two_clips_have_all_colours_however_little_alike_they_are(angle):
    fan = np.linspace(0, 0.4, 5)
    rows = np.stack([np.cos(fan), np.sin(fan)], axis=1)
    turned = np.stack([np.cos(fan + angle), np.sin(fan + angle)], axis=1)
    times = np.arange(5) * 100.0
    image = plot_similarity(rows, times, (turned, times), axes()).images[0]
    assert image.get_clim() == pytest.approx((np.cos(0.4 + angle), np.cos(max(angle - 0.4, 0))))
    assert plot_similarity(rows, times, axes=axes()).images[0].get_clim()[1] == 1


def test_two_clips_that_are_the_same_all_over_are_of_one_colour():
    rows, times = np.ones((3, 4), np.float32), np.arange(3) * 100.0
    drawn = plot_similarity(rows, times, (-rows, times), axes())
    low, high = drawn.images[0].get_clim()
    assert (low, high) == pytest.approx((-1.001, -1))
    drawn.figure.canvas.draw()


def test_similarity_of_a_long_clip_is_of_averages():
    n = 2 * panels.MOST_MOMENTS + 1
    rows = np.repeat(np.random.default_rng(1).normal(size=(n // 2 + 1, 3)), 2, axis=0)[:n]
    image = plot_similarity(rows, np.arange(n) * 10.0, axes=axes()).images[0]
    wanted = rows[: n // 3 * 3].reshape(-1, 3, 3).mean(axis=1)
    assert image.get_array().shape == (len(wanted), len(wanted))
    cosine = wanted[0] @ wanted[7] / np.linalg.norm(wanted[0]) / np.linalg.norm(wanted[7])
    assert image.get_array()[0, 7] == pytest.approx(cosine)


def test_panels_draw_on_pyplots_axes_by_default():
    from matplotlib import pyplot

    figure = pyplot.figure()
    try:
        rows, times = np.random.default_rng(1).normal(size=(9, 5)), np.arange(9) * 100.0
        assert plot_waveform(np.array([0.0, 0.5, -0.5]), 3) is pyplot.gca()
        pyplot.clf()
        assert plot_embeddings(rows, times) is pyplot.gca()
        pyplot.clf()
        assert plot_components(rows, times) is pyplot.gca()
        pyplot.clf()
        tags = Tags(("a", "b"), np.full((9, 2), 0.5), times)
        assert plot_tags(tags) is pyplot.gcf().axes[0]
    finally:
        pyplot.close(figure)


def test_two_clips_are_drawn_on_common_scales(untrained_yamnet):
    first, second = clip("notes", 16_000, 1.5), 0.1 * clip("noise", 16_000, 0.7)
    drawn = plot_comparison(first, second, untrained_yamnet, figure=Figure(), names=("n", "x"))
    assert drawn["waveform 1"].get_ylim() == drawn["waveform 2"].get_ylim()
    assert drawn["waveform 1"].get_xlim() == drawn["components 2"].get_xlim() == (0, 1.5)
    limits = [drawn[f"log-mel {i}"].images[0].get_clim() for i in (1, 2)]
    assert limits[0] == limits[1]
    embeddings = [untrained_yamnet.timestamp_embeddings(x[None])[0][0] for x in (first, second)]
    coordinates, _ = principal_components(np.concatenate(embeddings), 3)
    wanted = np.clip(coordinates / np.percentile(np.abs(coordinates), 99), -1, 1)
    line = drawn["components 2"].lines[0].get_ydata()
    np.testing.assert_allclose(line, wanted[len(embeddings[0]) :, 0], atol=1e-4)
    scenes = untrained_yamnet.scene_embeddings([first, second])
    cosine = scenes[0] @ scenes[1] / np.linalg.norm(scenes[0]) / np.linalg.norm(scenes[1])
    assert f"{cosine:.3f}" in drawn["similarity"].get_title(loc="left")


@pytest.fixture(scope="module")
def wavs(tmp_path_factory):
    import soundfile

    folder = tmp_path_factory.mktemp("wavs")
    for name in ("notes", "noise"):
        soundfile.write(folder / f"{name}.wav", 0.5 * clip(name, 22_050, 0.6), 22_050)
    return folder


def test_the_command_draws_one_clip_or_two(wavs, monkeypatch):
    monkeypatch.chdir(wavs)
    done = CliRunner().invoke(app, ["plot", "notes.wav", *YAMNET])
    assert done.exit_code == 0, done.output
    assert imread(wavs / "notes.png").shape[:2] == (924, 1540)
    done = CliRunner().invoke(
        app, ["plot", "--compare", "notes.wav", "noise.wav", "-o", "new/two.svg", *YAMNET]
    )
    assert done.exit_code == 0, done.output
    assert (wavs / "new" / "two.svg").read_text("utf-8").rstrip().endswith("</svg>")
    assert not list(wavs.rglob("*.partial*"))


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["clip"], OptionError),
        (["notes.wav", "--compare", "notes.wav", "noise.wav"], OptionError),
        (["notes.wav", "-o", "notes.txt"], OptionError),
        (["gone.wav", *YAMNET], HearError),
        (["notes.wav", "-o", "notes.wav/x.png", *YAMNET], HearError),
    ],
)
def test_the_command_says_what_is_wrong(wavs, monkeypatch, arguments, error):
    monkeypatch.chdir(wavs)
    done = CliRunner().invoke(app, ["plot", *arguments])
    assert isinstance(done.exception, error)


def test_without_matplotlib_the_extra_is_named():
    program = (
        "import sys; sys.modules['matplotlib'] = None; sys.argv[1:] = ['plot', 'a.wav']\n"
        "from hear_openl3_yamnet.commands.app import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 1
    assert 'pip install "hear-openl3-yamnet[plot]"' in done.stderr
    assert "Traceback" not in done.stderr
    assert issubclass(MissingExtraError, ModuleNotFoundError)


@runs_blocks_of("plot.md")
def test_the_blocks_of_the_page_run(page_blocks, wavs, tmp_path, monkeypatch):
    from matplotlib import pyplot

    shutil.copy(wavs / "notes.wav", tmp_path / "speech.wav")
    monkeypatch.chdir(tmp_path)
    namespace: dict = {}
    try:
        for block in page_blocks:
            run(block, namespace)
        assert len(pyplot.get_fignums()) == 3
    finally:
        pyplot.close("all")
    assert imread("speech.png").shape[:2] == (840, 1400)
    assert len(namespace["axes"].collections) == 1


def test_headings_cut_digests():
    whole = f"starter:yamnet-starter@{'0123456789ab' * 6}"[:-8]
    assert describe("yamnet", whole) == "yamnet, weights starter:yamnet-starter@0123456789ab…"
    assert describe("yamnet", "random:1") == "yamnet, weights random:1"
