"""General MIDI instruments, played by fluidsynth."""

import numpy as np
import pytest

from hear_openl3_yamnet.synthesis.instruments import (
    InstrumentError,
    ScoreNote,
    find_sound_font,
    play,
)


@pytest.mark.skipif(find_sound_font() is None, reason="fluidsynth and FluidR3 are not installed")
def test_instruments_play_the_pitch_asked_for():
    notes = [ScoreNote(69, 100, 0.4), ScoreNote(57, 60, 0.4, bend=1.0)]
    played = play(notes, 73, sound_font=find_sound_font(), seconds=0.5)  # a flute
    assert played.shape == (2, 24_000)
    for sound, expected in zip(played, (440.0, 220 * 2 ** (1 / 12)), strict=True):
        spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound)), 1 << 18))
        spectrum[: round(150 * (1 << 18) / 48_000)] = 0
        assert spectrum.argmax() * 48_000 / (1 << 18) == pytest.approx(expected, rel=0.02)


def test_a_missing_sound_font_is_reported(tmp_path):
    with pytest.raises(InstrumentError, match=r"no\.sf2"):
        play([ScoreNote(60, 90, 0.2)], 0, sound_font=tmp_path / "no.sf2", seconds=0.3)
