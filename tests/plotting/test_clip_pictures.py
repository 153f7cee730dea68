"""Pictures of one clip and of two clips show the log-mel and the embeddings."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from hear_openl3_yamnet import AudioError
from hear_openl3_yamnet.plotting import (
    plot_clip,
    plot_comparison,
    plot_components,
    plot_embeddings,
    plot_tags,
    plot_waveform,
)
from hear_openl3_yamnet.plotting.components import principal_components
from hear_openl3_yamnet.plotting.texts import describe
from hear_openl3_yamnet.tagging import Tags
from tests.seeded_audio import clip


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
    drawn["waveform"].figure.canvas.draw()  # a name that looks like mathematics is plain text


@pytest.mark.parametrize(("name", "seconds"), [("silence", 1.0), ("noise", 0.01)])
def test_clips_without_change_are_drawn(untrained_yamnet, name, seconds):
    drawn = plot_clip(clip(name, 16_000, seconds), untrained_yamnet, figure=Figure())
    drawn["waveform"].figure.canvas.draw()
    assert drawn["similarity"].images[0].get_array().min() > 0.5


def test_an_array_of_two_clips_is_refused(untrained_yamnet):
    with pytest.raises(AudioError):
        plot_clip(np.zeros((2, 100), np.float32), untrained_yamnet, figure=Figure())


def test_networks_side_by_side_have_a_log_mel_each(seeded_files):
    from hear_openl3_yamnet import load_model

    networks = [
        {"model": "yamnet", "weights": "random:1"},
        {"model": "yamnet", "weights": "random:2"},
    ]
    model = load_model(networks=networks)
    drawn = plot_clip(clip("notes", 16_000, 0.5), model, figure=Figure())
    assert [name for name in drawn if "log-mel" in name] == ["log-mel", "log-mel 2"]


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


def test_headings_cut_digests():
    whole = f"starter:yamnet-starter@{'0123456789ab' * 6}"[:-8]
    assert describe("yamnet", whole) == "yamnet, weights starter:yamnet-starter@0123456789ab…"
    assert describe("yamnet", "random:1") == "yamnet, weights random:1"
