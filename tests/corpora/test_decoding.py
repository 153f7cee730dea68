"""Long files and excerpts of a corpus have the samples that `load_audio` returns."""

import numpy as np
import pytest
import soundfile

from hear_openl3_yamnet.audio.files import load_audio
from hear_openl3_yamnet.corpora.decoding import LONGEST_WHOLE_S, decode, stream
from hear_openl3_yamnet.corpora.manifest import Item
from hear_openl3_yamnet.errors import AudioFileError


def write(path, seconds, rate, **how):
    rng = np.random.default_rng(1)
    loudness = 1 + np.sin(2 * np.pi * 0.7 * np.arange(round(seconds * rate)) / rate)
    soundfile.write(path, 0.1 * loudness * rng.standard_normal(len(loudness)), rate, **how)
    return str(path)


def forget_length(path):
    """Set the number of samples to 0, as encoders do that write FLAC to a pipe."""
    content = bytearray(path.read_bytes())
    content[21] &= 0xF0
    content[22:26] = bytes(4)
    path.write_bytes(content)


def streamed(path, longest_s=LONGEST_WHOLE_S):
    clip = decode(Item("long", path, 0), 16_000, longest_s)
    assert clip.is_long
    return clip.row, np.concatenate(list(stream(clip.row, 16_000)))


@pytest.mark.parametrize("rate", [16_000, 22_050])
@pytest.mark.parametrize("bitrate_mode", ["CONSTANT", "VARIABLE"])
def test_a_long_mp3_has_no_faults_between_blocks(tmp_path, rate, bitrate_mode):
    how = {"format": "MP3", "bitrate_mode": bitrate_mode, "compression_level": 0.5}
    path = write(tmp_path / "long.mp3", 65, rate, **how)
    row, waveform = streamed(path)
    np.testing.assert_allclose(waveform, load_audio(path, 16_000), atol=1e-4)
    assert row.duration == 65


def test_a_flac_of_unknown_length_is_read_whole_or_streamed(tmp_path):
    path = write(tmp_path / "live.flac", 2, 44_100)
    expected, peak = load_audio(path, 16_000), np.abs(load_audio(path, 44_100)).max()
    forget_length(tmp_path / "live.flac")
    row, waveform = streamed(path, longest_s=1.5)
    np.testing.assert_allclose(waveform, expected, atol=1e-4)
    assert row.duration == 2
    np.testing.assert_array_equal(decode(Item("short", path, 0), 16_000).waveform, expected)
    assert row.peak == pytest.approx(peak)
    excerpt = decode(Item("part", path, 0, start=0.5, duration=1.0), 16_000)
    assert excerpt.row.duration == 1
    assert len(excerpt.waveform) == 16_000


@pytest.mark.parametrize(("suffix", "subtype"), [("wav", "GSM610"), ("mp3", None), ("flac", None)])
def test_an_excerpt_is_a_slice_of_the_file(tmp_path, suffix, subtype):
    path = write(tmp_path / f"sound.{suffix}", 3, 16_000, subtype=subtype)
    whole = load_audio(path, 16_000)
    clip = decode(Item("excerpt", path, 0, start=1.25, duration=0.5), 16_000)
    np.testing.assert_allclose(clip.waveform, whole[20_000:28_000], atol=1e-6)


@pytest.mark.parametrize("start", [2, 2.5, 1e9])
def test_an_excerpt_after_the_end_is_refused(tmp_path, start):
    path = write(tmp_path / "sound.flac", 2, 16_000)
    row = decode(Item("late", path, 0, start=start), 16_000).row
    assert "holds no samples after 2 s" in row.error


@pytest.mark.parametrize("start", [2, 2.5, 1e9])
def test_an_excerpt_after_an_unknown_end_is_refused(tmp_path, start):
    path = write(tmp_path / "sound.flac", 2, 16_000)
    forget_length(tmp_path / "sound.flac")
    row = decode(Item("late", path, 0, start=start), 16_000).row
    if row.error is None:  # the end is found when the samples after it are asked for
        with pytest.raises(AudioFileError) as caught:
            list(stream(row, 16_000))
        row.fail(str(caught.value))
    assert "holds no samples after 2 s" in row.error


def test_an_excerpt_before_the_place_where_a_file_was_cut_is_read(tmp_path):
    path = write(tmp_path / "cut.wav", 2, 16_000)
    (tmp_path / "cut.wav").write_bytes((tmp_path / "cut.wav").read_bytes()[:-20_000])
    assert decode(Item("early", path, 0, duration=1.0), 16_000).row.error is None
    assert "truncated" in decode(Item("to the end", path, 0, start=0.5), 16_000).row.error
    assert "truncated" in decode(Item("across", path, 0, start=1.0, duration=1.0), 16_000).row.error


def test_what_failed_has_no_duration(tmp_path):
    path = write(tmp_path / "cut.flac", 2, 16_000)
    (tmp_path / "cut.flac").write_bytes((tmp_path / "cut.flac").read_bytes()[:-20_000])
    row = decode(Item("cut", path, 0), 16_000).row
    assert row.error
    assert row.duration is None
