"""The log-mel of a picture is the input of the network."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from hear_openl3_yamnet.features.frontends import FRONT_ENDS
from hear_openl3_yamnet.plotting import plot_log_mel
from hear_openl3_yamnet.plotting.spectrogram import band_frequencies, seen_log_mel
from tests.seeded_audio import clip


def network_input(window, front_end):
    """Compute the log-mel of one window from the formulas, in double precision."""
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
    front_end = model.ensemble.networks[0].options.front_end
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


def test_the_log_mel_is_blank_at_times_without_a_window(untrained_yamnet):
    audio = clip("noise", 16_000, 3.0)
    (seen,) = seen_log_mel(audio, untrained_yamnet, hop_size=2000)
    times = (np.arange(len(seen.levels)) + 0.5) / len(seen.levels) * seen.duration
    half = 0.975 / 2
    covered = (times < half) | (np.abs(times - 2) < half)
    np.testing.assert_array_equal(np.isfinite(seen.levels).all(axis=1), covered)
    drawn = plot_log_mel(audio, untrained_yamnet, 2000, Figure().add_subplot())
    assert drawn.images[0].get_array().mask.any()


@pytest.mark.parametrize("name", FRONT_ENDS)
def test_the_loudest_band_has_the_frequency_of_the_tone(name):
    front_end = FRONT_ENDS[name]
    frequencies = band_frequencies(front_end)
    assert np.all(np.diff(frequencies) >= 0)
    time = np.arange(front_end.frame_length) / front_end.sample_rate
    spectrum = np.abs(
        np.fft.rfft(np.cos(2 * np.pi * 3000 * time) * front_end.taper(), front_end.fft_length)
    )
    loudest = frequencies[(spectrum @ front_end.bands()).argmax()]
    assert loudest == pytest.approx(3000, rel=0.05)
