"""A file whose header is wrong is read if no audio is lost, and refused otherwise."""

import io
import struct

import numpy as np
import pytest
import soundfile

from hear_openl3_yamnet.audio.audio_file import AudioFile
from hear_openl3_yamnet.audio.files import load_audio
from hear_openl3_yamnet.errors import AudioFileError

RATE = 16_000
SOUND = np.random.default_rng(0).uniform(-0.5, 0.5, RATE)


def content(form, subtype="PCM_16", samples=SOUND, **how):
    file = io.BytesIO()
    soundfile.write(file, samples, RATE, format=form, subtype=subtype, **how)
    return bytearray(file.getvalue())


def read(tmp_path, content):
    path = tmp_path / "sound"
    path.write_bytes(content)
    return load_audio(path, RATE)


def with_data_size(size, samples=SOUND):
    wav = content("WAV", samples=samples)
    at = wav.index(b"data") + 4
    wav[at : at + 4] = size.to_bytes(4, "little")
    return wav


def chunk(name, body):
    return name + struct.pack("<I", len(body)) + body


@pytest.mark.parametrize("size", [0, 20_000, 31_000 - 5_000])
def test_a_wav_whose_header_states_too_little_is_refused(tmp_path, size):
    with pytest.raises(AudioFileError, match="would not be read as a whole"):
        read(tmp_path, with_data_size(size))


@pytest.mark.parametrize("size", [40_000, 0x7000_0000, 3_000_000_000])
def test_a_wav_whose_header_states_too_much_is_refused(tmp_path, size):
    with pytest.raises(AudioFileError, match="truncated"):
        read(tmp_path, with_data_size(size))


@pytest.mark.parametrize("size", [0xFFFF_FFFF, 0x7FFF_F000, 0xFFFF_FFDB, 0x8000_0000])
def test_a_wav_from_a_pipe_is_read_though_its_length_is_unknown(tmp_path, size):
    wav = with_data_size(size)
    wav[4:8] = (0xFFFF_FFFF).to_bytes(4, "little")
    assert len(read(tmp_path, wav)) == RATE


def test_an_au_file_of_unknown_length_is_read(tmp_path):
    au = content("AU")
    au[8:12] = b"\xff" * 4
    assert len(read(tmp_path, au)) == RATE


def test_a_flac_file_of_unknown_length_is_read(tmp_path):
    flac = content("FLAC")
    expected = read(tmp_path, flac)
    flac[21] &= 0xF0  # the number of samples has 36 bits, of which these are the first four
    flac[22:26] = bytes(4)
    np.testing.assert_array_equal(read(tmp_path, flac), expected)
    with AudioFile(tmp_path / "sound") as file:
        assert file.n_samples is None
        assert file.skip(15_000) is None
        np.testing.assert_array_equal(file.read_mono(), expected[15_000:])
    with AudioFile(tmp_path / "sound") as file:
        assert file.skip(2 * RATE) == 0


WAV = content("WAV")
EXTRA = {
    "a list of titles": chunk(b"LIST", bytes(range(256)) * 40),
    "zeros": bytes(100_000),
    "a short tag": b"TAG" + b"x" * 125,
    "two chunks": chunk(b"id3 ", b"\1" * 9001) + b"\0" + chunk(b"bext", b"\2" * 6000),
}


@pytest.mark.parametrize("extra", EXTRA.values(), ids=EXTRA)
def test_trailing_bytes_that_are_not_audio_are_ignored(tmp_path, extra):
    assert len(read(tmp_path, WAV + extra)) == RATE


def test_a_chunk_of_odd_length_may_lack_its_padding(tmp_path):
    wav = content("WAV", "PCM_U8", SOUND[:-1])
    assert len(wav) == 44 + RATE  # with the padding
    assert len(read(tmp_path, wav[:-1])) == RATE - 1
    title = chunk(b"LIST", bytes(range(256)) * 40)
    assert len(read(tmp_path, wav[:-1] + title)) == RATE - 1
    assert len(read(tmp_path, wav + title)) == RATE - 1


def test_a_big_endian_wav_is_read_and_refused_alike(tmp_path):
    rifx = content("WAV", endian="BIG")
    assert rifx[:4] == b"RIFX"
    assert len(read(tmp_path, rifx)) == RATE
    with pytest.raises(AudioFileError, match="truncated"):
        read(tmp_path, rifx[:-2000])


def test_a_file_that_is_cut_between_ogg_pages_is_refused(tmp_path):
    ogg = content("OGG", "VORBIS", np.tile(SOUND, 4))
    last_page = ogg.rindex(b"OggS")
    with pytest.raises(AudioFileError, match="truncated"):
        read(tmp_path, ogg[:last_page])


def test_a_short_recording_that_was_joined_is_not_lost(tmp_path):
    opus = content("OGG", "OPUS", SOUND[:1600])
    assert len(opus) < 4096
    with pytest.raises(AudioFileError, match="would not be read as a whole"):
        read(tmp_path, opus + opus)


@pytest.mark.parametrize("lost", [1, 2, 3])
@pytest.mark.parametrize("form", ["IRCAM", "PAF", "PVF", "SD2"])
def test_a_file_of_unstated_length_may_not_end_within_a_sample(tmp_path, form, lost):
    """Two channels of 16 bits: 3 of 4 truncated files are found."""
    path = tmp_path / "sound"
    stereo = np.stack([SOUND, -0.5 * SOUND], axis=1)
    soundfile.write(path, stereo, RATE, "PCM_16", format=form)
    whole = path.read_bytes()
    path.write_bytes(whole[:-lost])
    with pytest.raises(AudioFileError, match="truncated"):
        load_audio(path, RATE)
    path.write_bytes(whole[:-4])
    assert len(load_audio(path, RATE)) == RATE - 1


def test_an_xi_file_that_states_its_length_may_not_lack_samples(tmp_path):
    xi = content("XI", "DPCM_16")
    assert xi[298:302] == bytes(4)  # libsndfile states nothing
    xi[298:302] = (2 * RATE).to_bytes(4, "little")
    path = tmp_path / "sound"
    path.write_bytes(xi)
    assert len(load_audio(path, 44_100)) == RATE  # the format has a rate of its own
    with pytest.raises(AudioFileError, match="truncated"):
        read(tmp_path, xi[:-2])


def test_a_flac_file_whose_header_states_too_little_is_refused(tmp_path):
    """libsndfile reads only as many samples as the header states."""
    flac = content("FLAC", samples=np.tile(SOUND, 3))
    flac[22:26] = (2 * RATE).to_bytes(4, "big")
    with pytest.raises(AudioFileError, match=f"{2 * RATE} of {3 * RATE} samples"):
        read(tmp_path, flac)


@pytest.mark.parametrize("n_samples", [1, 100, 4_096, 4_097])
def test_a_flac_file_of_any_length_is_read(tmp_path, n_samples):
    assert len(read(tmp_path, content("FLAC", samples=SOUND[:n_samples]))) == n_samples


def test_a_low_sample_rate_is_refused(tmp_path):
    wav = content("WAV")
    wav[24:28] = (1).to_bytes(4, "little")
    with pytest.raises(AudioFileError, match="states 1 Hz"):
        read(tmp_path, wav)


def test_a_header_that_states_256_gib_needs_no_memory(tmp_path):
    flac = content("FLAC")
    flac[21] |= 0x0F
    flac[22:26] = b"\xff" * 4  # 2**36 - 1 samples: 256 GiB
    with pytest.raises(AudioFileError, match=r"truncated|damaged"):
        read(tmp_path, flac)


def mp3(bitrate_mode, stated=True):
    """Return an MP3 file of 2 s, with or without the frame that states its length."""
    loud_at_the_end = np.concatenate([SOUND / 1000, SOUND])
    file = content(
        "MP3", "MPEG_LAYER_III", loud_at_the_end, bitrate_mode=bitrate_mode, compression_level=0.5
    )
    second = file.index(file[:2], 2)
    assert max(file[:second].find(b"Xing"), file[:second].find(b"Info")) > 0
    return file if stated else file[second:]


@pytest.mark.parametrize("bitrate_mode", ["CONSTANT", "VARIABLE"])
def test_an_mp3_that_states_its_length_is_read(tmp_path, bitrate_mode):
    tag = b"ID3\x04\0\0\0\0\x02\0" + bytes(256)
    assert len(read(tmp_path, tag + mp3(bitrate_mode) + b"TAG" + bytes(125))) == 2 * RATE


def test_an_mp3_of_constant_bit_rate_is_read_though_it_states_no_length(tmp_path):
    assert len(read(tmp_path, mp3("CONSTANT", stated=False))) == pytest.approx(2 * RATE, abs=2000)


def test_an_mp3_whose_length_libsndfile_estimates_too_low_is_refused(tmp_path):
    with pytest.raises(AudioFileError, match="would not be read as a whole"):
        read(tmp_path, mp3("VARIABLE", stated=False))


@pytest.mark.parametrize("lost", [1, 200, 2000])
def test_a_truncated_mp3_is_refused(tmp_path, lost):
    with pytest.raises(AudioFileError, match="truncated"):
        read(tmp_path, mp3("CONSTANT")[:-lost])
