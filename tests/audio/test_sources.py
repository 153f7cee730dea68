"""Audio is read from a path, an open file, and bytes: the same samples, the same checks."""

import io
import os
import sys
import warnings

import numpy as np
import pytest
import soundfile

from hear_openl3_yamnet.audio.files import load_audio
from hear_openl3_yamnet.errors import (
    AudioFileError,
    AudioTypeError,
    OptionError,
    SilentDownmixWarning,
)

RATE = 16_000
NOISE = np.random.default_rng(0).uniform(-0.5, 0.5, (RATE, 2))


def content(form="WAV", subtype=None, samples=NOISE):
    file = io.BytesIO()
    soundfile.write(file, samples, RATE, format=form, subtype=subtype)
    return file.getvalue()


@pytest.fixture(params=["WAV", "FLAC", "OGG", "MP3"])
def form(request):
    return request.param


def test_bytes_and_open_files_give_the_samples_of_the_path(tmp_path, form):
    path = tmp_path / "sound"
    path.write_bytes(content(form))
    expected = load_audio(path, 8_000)
    for audio in (path.read_bytes(), bytearray(path.read_bytes()), memoryview(path.read_bytes())):
        np.testing.assert_array_equal(load_audio(audio, 8_000), expected)
    np.testing.assert_array_equal(load_audio(io.BytesIO(path.read_bytes()), 8_000), expected)
    with path.open("rb") as file:
        np.testing.assert_array_equal(load_audio(file, 8_000), expected)
        assert not file.closed


def test_an_open_file_is_read_from_its_position():
    file = io.BytesIO(b"a header of another kind" + content())
    file.seek(24)
    assert len(load_audio(file, RATE)) == RATE
    with pytest.raises(AudioFileError, match=r"^<BytesIO>: no bytes are left.*file\.seek\(0\)"):
        load_audio(file, RATE)


def test_an_open_pipe_is_read_to_its_end():
    reading, writing = os.pipe()
    os.write(writing, content(samples=NOISE[:1_600]))
    os.close(writing)
    with open(reading, "rb") as file:
        assert len(load_audio(file, RATE)) == 1_600


def test_a_truncated_file_is_refused_in_memory_too(form):
    with pytest.raises(AudioFileError, match=r"^<bytes>: .*truncated"):
        load_audio(content(form)[:-3_000], RATE)


def test_an_error_names_the_open_file(tmp_path):
    (tmp_path / "text.wav").write_text("a text\n" * 99)
    with (
        (tmp_path / "text.wav").open("rb") as file,
        pytest.raises(AudioFileError, match=r"text\.wav: not audio that can be read"),
    ):
        load_audio(file, RATE)


@pytest.mark.parametrize("audio", [b"", io.BytesIO()])
def test_no_bytes_at_all(audio):
    with pytest.raises(AudioFileError, match="no bytes are left to read"):
        load_audio(audio, RATE)


def test_a_file_that_was_closed():
    file = io.BytesIO(content())
    file.close()
    with pytest.raises(AudioFileError, match=r"cannot be read \(I/O operation on closed file"):
        load_audio(file, RATE)


@pytest.mark.parametrize("audio", [None, 3, 0.5, NOISE, ["a.wav"]])
def test_other_types_are_refused(audio):
    with pytest.raises(AudioTypeError, match="audio must be a path, an open binary file, or the"):
        load_audio(audio, RATE)


def test_a_file_that_was_opened_as_text(tmp_path):
    (tmp_path / "a.wav").write_text("RIFF")
    with (
        (tmp_path / "a.wav").open() as file,
        pytest.raises(AudioTypeError, match=r"Open it with open\(path, 'rb'\)"),
    ):
        load_audio(file, RATE)


@pytest.mark.parametrize(
    "rate",
    [0, -16_000, 99, 20_000_001, 2**70, 16_000.5, np.nan, np.inf, "16000", None, True, [16_000]],
    ids=str,
)
def test_a_rate_that_no_waveform_can_have_is_refused(rate):
    with pytest.raises(OptionError, match="sample_rate must be a whole number of hertz"):
        load_audio(content(), rate)


@pytest.mark.parametrize("rate", [np.int64(8_000), 100, 192_000])
def test_whole_rates_of_every_size_are_taken(rate):
    n_expected = -(-RATE * int(rate) // RATE)
    assert load_audio(content(), rate).shape == (n_expected,)


@pytest.mark.parametrize("rate", [1, 99, 20_000_001, 2**31 - 1])
def test_a_file_whose_header_states_an_absurd_rate_is_refused(rate):
    wav = bytearray(content())
    wav[24:28] = rate.to_bytes(4, "little")
    with pytest.raises(AudioFileError, match=f"its header states {rate} Hz"):
        load_audio(bytes(wav), RATE)


@pytest.mark.parametrize("rate", [100, 2_822_400, 20_000_000])
def test_a_file_of_an_unusual_rate_is_resampled(rate):
    wav = bytearray(content())
    wav[24:28] = rate.to_bytes(4, "little")
    assert load_audio(bytes(wav), RATE).shape == (-(-RATE * RATE // rate),)


INVERTED = np.stack([NOISE[:, 0], -NOISE[:, 0]], axis=1)


@pytest.mark.parametrize(
    ("form", "subtype"), [("WAV", "FLOAT"), ("FLAC", "PCM_16"), ("MP3", "MPEG_LAYER_III")]
)
def test_channels_that_cancel_each_other_out_give_a_warning(form, subtype):
    with pytest.warns(SilentDownmixWarning, match="<bytes>: its 2 channels cancel .* invert one"):
        waveform = load_audio(content(form, subtype, INVERTED), RATE)
    assert np.abs(waveform).max() < 0.01


@pytest.mark.parametrize(
    "samples",
    [NOISE, 0 * NOISE, NOISE[:, :1], INVERTED * [1, 0.9], INVERTED * [1, 0]],
    ids=["unrelated", "silence", "one channel", "nearly inverted", "one is silent"],
)
def test_other_files_give_no_warning(samples):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load_audio(content("WAV", "FLOAT", samples), RATE)


def test_the_path_may_be_bytes_of_a_name_only_as_a_path(tmp_path):
    """Bytes are always the content of a file, so that no content is taken for a name."""
    with pytest.raises(AudioFileError, match=r"^<bytes>: not audio"):
        load_audio(os.fsencode(tmp_path / "a.wav"), RATE)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux allows every byte in a name")
def test_a_name_that_is_not_utf_8(tmp_path):
    path = os.path.join(os.fsencode(tmp_path), b"\xe4.wav")
    with open(path, "wb") as file:
        file.write(content())
    assert len(load_audio(os.fsdecode(path), RATE)) == RATE
