"""Every format that libsndfile writes is read, and is refused if something is missing."""

import functools

import numpy as np
import pytest
import soundfile

from hear_openl3_yamnet.audio.audio_file import AudioFile
from hear_openl3_yamnet.audio.files import load_audio
from hear_openl3_yamnet.errors import AudioFileError

N_SAMPLES = 16_000
UNSTATED = ("IRCAM", "PAF", "PVF", "SD2", "XI")  # their headers do not state a length
MOST_PADDING = 512  # samples that fill up the last block of some codecs
NOT_WRITTEN = (soundfile.LibsndfileError, ValueError)  # unimplemented, or only at other rates

KINDS = [
    (form, subtype)
    for form in soundfile.available_formats()
    if form != "RAW"
    for subtype in soundfile.available_subtypes(form)
]


@functools.cache
def sound():
    times = np.arange(N_SAMPLES) / 16_000
    tone = 0.3 * np.sin(2 * np.pi * 300 * times) * np.linspace(0.2, 1, N_SAMPLES)
    return tone + 0.01 * np.random.default_rng(0).standard_normal(N_SAMPLES)


def write(path, form, subtype):
    """Write a file at the first rate that its format allows, and return the rate in its header."""
    for rate in (16_000, 8_000):
        try:
            soundfile.write(path, sound(), rate, format=form, subtype=subtype)
        except NOT_WRITTEN:
            continue
        return soundfile.info(path).samplerate  # some formats have a rate of their own
    pytest.skip("libsndfile does not write it")


@pytest.mark.parametrize(("form", "subtype"), KINDS)
def test_a_whole_file_is_read(tmp_path, form, subtype):
    path = tmp_path / "whole"
    rate = write(path, form, subtype)
    waveform = load_audio(path, rate)
    assert N_SAMPLES <= len(waveform) <= N_SAMPLES + MOST_PADDING
    assert np.corrcoef(waveform[:N_SAMPLES], sound())[0, 1] > 0.9


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5, 0.9, 0.99])
@pytest.mark.parametrize(("form", "subtype"), KINDS)
def test_a_truncated_file_is_refused(tmp_path, form, subtype, share):
    path = tmp_path / "cut"
    rate = write(path, form, subtype)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    try:
        waveform = load_audio(path, rate)
    except AudioFileError:
        return
    assert form in UNSTATED
    assert len(waveform) < N_SAMPLES


@pytest.mark.parametrize(("form", "subtype"), KINDS)
def test_nothing_is_lost_of_two_files_that_were_joined(tmp_path, form, subtype):
    path = tmp_path / "joined"
    rate = write(path, form, subtype)
    path.write_bytes(2 * path.read_bytes())
    if form == "MAT4":
        pytest.skip("a valid file: MATLAB files hold many variables")
    try:
        waveform = load_audio(path, rate)
    except AudioFileError:
        return
    assert form in UNSTATED
    assert len(waveform) >= 2 * N_SAMPLES


@pytest.mark.parametrize(("form", "subtype"), KINDS)
def test_an_excerpt_is_a_slice_of_the_whole(tmp_path, form, subtype):
    path = tmp_path / "whole"
    rate = write(path, form, subtype)
    whole = load_audio(path, rate)
    with AudioFile(path) as file:
        left = file.skip(5_001)
        excerpt = file.read_mono(3_000)
    assert left == len(whole) - 5_001
    np.testing.assert_allclose(excerpt, whole[5_001:8_001], atol=1e-6)
