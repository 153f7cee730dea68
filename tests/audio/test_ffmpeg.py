"""What phones and videos record is read through the same `load_audio`, with the extra ffmpeg."""

import struct
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import soundfile

from hear_openl3_yamnet.audio.audio_file import AudioFile
from hear_openl3_yamnet.audio.ffmpeg import NAMES
from hear_openl3_yamnet.audio.files import load_audio
from hear_openl3_yamnet.audio.listing import readable_endings
from hear_openl3_yamnet.errors import AudioFileError
from tests.encoded_audio import FFMPEG_KINDS, Encoding, by_ffmpeg, by_libsndfile, lag, sound

needs_av = pytest.mark.usefixtures("av")
KINDS = pytest.mark.parametrize("kind", FFMPEG_KINDS)
STEREO = np.stack([sound(16_000), 0.2 * sound(16_000)[::-1]], axis=1)
MKA = Encoding("matroska", "pcm_s16le", 16_000)


@pytest.fixture
def av():
    return pytest.importorskip("av", reason="the extra ffmpeg is not installed")


@needs_av
def test_files_of_these_formats_count_as_audio():
    assert {f".{ending}" for ending in FFMPEG_KINDS if ending != "alac"} <= readable_endings()


@needs_av
@KINDS
def test_a_file_is_decoded_to_the_samples_written(tmp_path, kind, capfd):
    rate = FFMPEG_KINDS[kind].rate
    path = tmp_path / f"sound.{kind}"
    path.write_bytes(by_ffmpeg(kind))
    waveform = load_audio(path, rate)
    delay, correlation = lag(waveform, sound(rate))
    assert waveform.dtype == np.float32
    assert correlation > (0.9 if "amr" in FFMPEG_KINDS[kind].codec else 0.99)
    assert -2048 <= delay <= 2048  # a frame: WMA lacks the first one, as FFmpeg writes it
    assert abs(len(waveform) - 2 * rate) <= 4096  # whole frames, before and after
    np.testing.assert_array_equal(load_audio(path.read_bytes(), rate), waveform)
    assert capfd.readouterr() == ("", "")


@needs_av
@pytest.mark.parametrize("codec", ["pcm_u8", "pcm_s16le", "pcm_s32le", "pcm_f32le", "pcm_f64le"])
def test_lossless_samples_of_every_depth_are_scaled_alike(codec):
    waveform = load_audio(by_ffmpeg(Encoding("mov", codec, 16_000)), 16_000)
    np.testing.assert_allclose(waveform, sound(16_000), atol=1 / 120 if codec == "pcm_u8" else 1e-4)


@needs_av
def test_channels_are_kept_in_blocks_and_mixed_in_waveforms():
    content = by_ffmpeg(MKA, STEREO)
    with AudioFile(content) as file:
        assert (file.sample_rate, file.n_channels, file.n_samples) == (16_000, 2, None)
        np.testing.assert_allclose(np.concatenate(list(file.blocks())), STEREO, atol=1e-4)
    np.testing.assert_allclose(load_audio(content, 16_000), STEREO.mean(1), atol=1e-4)


@needs_av
@pytest.mark.parametrize("kind", ["m4a", "mka", "amr"])
def test_blocks_are_short_and_excerpts_are_slices_of_the_whole(kind):
    rate = FFMPEG_KINDS[kind].rate
    content = by_ffmpeg(kind, sound(rate, 25))
    with AudioFile(content) as file:
        blocks = list(file.mono_blocks())
    assert [len(block) / rate for block in blocks[:2]] == [10, 10]
    assert len(blocks) == 3
    whole = np.concatenate(blocks)
    with AudioFile(content) as file:
        assert file.skip(12 * rate + 1) is None
        np.testing.assert_array_equal(file.read_mono(3_000), whole[12 * rate + 1 :][:3_000])
        assert file.skip(15 * rate) == 0


@needs_av
@pytest.mark.parametrize("kind", ["mp4", "webm", "mka"])
def test_the_first_audio_track_of_a_video_is_taken(kind):
    rate = FFMPEG_KINDS[kind].rate
    content = by_ffmpeg(kind, 0.4 * sound(rate), pictures=True, n_tracks=2)
    waveform = load_audio(content, rate)
    assert lag(waveform, sound(rate))[1] > 0.99
    assert np.std(waveform[: 2 * rate]) == pytest.approx(0.4 * np.std(sound(rate)), rel=0.05)


@needs_av
def test_a_video_without_audio_is_refused():
    with pytest.raises(AudioFileError, match="has no audio track; it holds video"):
        load_audio(by_ffmpeg("mp4", pictures=True, n_tracks=0), 16_000)


@needs_av
def test_a_change_of_the_rate_or_the_channels_is_refused():
    one = by_ffmpeg("aac")
    for other in (Encoding("adts", "aac", 32_000), Encoding("adts", "aac", 16_000)):
        samples = np.stack([sound(other.rate)] * 2, axis=1)
        with pytest.raises(AudioFileError, match="changes from 16000 Hz and 1 channels to"):
            load_audio(one + by_ffmpeg(other, samples), 16_000)


@needs_av
def test_a_tag_before_the_frames_is_skipped():
    tag = b"ID3\x04\0\0\0\0\x02\0" + bytes(256)
    np.testing.assert_array_equal(
        load_audio(tag + by_ffmpeg("aac"), 16_000), load_audio(by_ffmpeg("aac"), 16_000)
    )


@needs_av
def test_channels_that_cancel_each_other_out_give_the_warning():
    from hear_openl3_yamnet.errors import SilentDownmixWarning

    with pytest.warns(SilentDownmixWarning):
        load_audio(by_ffmpeg(MKA, STEREO[:, :1] * [1, -1]), 16_000)


@needs_av
@pytest.mark.parametrize("kind", ["m4a", "wma", "aac"])
def test_a_corpus_reads_short_files_whole_and_long_ones_in_blocks(tmp_path, kind):
    pytest.importorskip("pyarrow")
    from hear_openl3_yamnet.corpora.decoding import decode, stream
    from hear_openl3_yamnet.corpora.manifest import Item

    rate = FFMPEG_KINDS[kind].rate
    path = tmp_path / f"sound.{kind}"
    path.write_bytes(by_ffmpeg(kind, sound(rate, 12)))
    item = Item("sound", str(path), 0)
    whole, long = decode(item, 8_000), decode(item, 8_000, longest_s=5)
    assert (whole.row.error, whole.is_long, long.is_long) == (None, False, True)
    np.testing.assert_allclose(np.concatenate(list(stream(long.row, 8_000))), whole.waveform)
    assert long.row.duration == whole.row.duration == pytest.approx(12, abs=0.2)


@needs_av
def test_files_are_decoded_in_threads():
    content = by_ffmpeg("m4a")
    expected = load_audio(content, 16_000)
    with ThreadPoolExecutor(4) as pool:
        for waveform in pool.map(load_audio, [content] * 16, [16_000] * 16):
            np.testing.assert_array_equal(waveform, expected)


HEADS = {
    "mov": b"\0\0\0\x1cftypM4A \0\0\0\0",
    "matroska": b"\x1a\x45\xdf\xa3" + bytes(12),
    "asf": bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c"),
    "amr": b"#!AMR\n" + bytes(10),
    "ac3": b"\x0b\x77\0\0\0\x40" + bytes(10),
    "eac3": b"\x0b\x77\0\0\0\x80" + bytes(10),
    "aac": b"\xff\xf1" + bytes(14),
}


@pytest.mark.parametrize("form", NAMES)
def test_without_the_extra_the_error_names_it(tmp_path, monkeypatch, form):
    monkeypatch.setitem(sys.modules, "av", None)
    path = tmp_path / "sound"
    path.write_bytes(HEADS[form])
    with pytest.raises(AudioFileError) as caught:
        load_audio(path, 16_000)
    assert NAMES[form] in str(caught.value)
    assert 'pip install "hear-openl3-yamnet[ffmpeg]"' in str(caught.value)


@needs_av
@pytest.mark.parametrize("form", NAMES)
def test_a_file_that_only_begins_like_one_is_refused(form):
    with pytest.raises(AudioFileError, match=r"damaged|truncated|no audio|holds no"):
        load_audio(HEADS[form] + b"a text\n" * 200, 16_000)


def test_files_of_libsndfile_never_go_to_ffmpeg(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    for form in ("WAV", "FLAC", "OGG", "MP3", "AIFF", "CAF"):
        rate = by_libsndfile(tmp_path / form, form, soundfile.default_subtype(form))
        assert len(load_audio(tmp_path / form, rate)) >= 32_000


@needs_av
@pytest.mark.parametrize("duration", [2_048, 2**24, 2**31 - 1, 2**32 - 1])
def test_a_damaged_table_of_times_hides_no_samples(duration):
    """FFmpeg leaves out what the table places behind the stated end of the track."""
    content = bytearray(by_ffmpeg("m4a"))
    at = content.index(b"stts") + 16
    assert content[at - 4 : at + 4] == struct.pack(">II", 32, 1_024)
    content[at : at + 4] = struct.pack(">I", duration)
    with pytest.raises(AudioFileError, match=r"packets are dropped|of the 33 packets"):
        load_audio(bytes(content), 16_000)


@needs_av
@pytest.mark.parametrize("kind", ["m4a", "mka", "wma"])
def test_audio_that_ends_before_the_stated_end_is_refused(kind):
    """Some damage makes FFmpeg stop, or leave out packets, without an error."""
    rate = FFMPEG_KINDS[kind].rate
    content = bytearray(by_ffmpeg(kind))
    if kind == "wma":  # 100 ns in the header's properties, 64 and 72 bytes after their name
        at = content.index(bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")) + 64
        (written,) = struct.unpack_from("<Q", content, at)
        struct.pack_into("<Q", content, at, written + 20_000_000)
    elif kind == "m4a":  # the first sample that the list of edits takes
        at = content.index(b"elst") + 16
        struct.pack_into(">I", content, at, rate)
    else:
        at = content.index(b"\x44\x89\x88") + 3  # Duration, a number of 8 bytes [ms]
        (written,) = struct.unpack_from(">d", content, at)
        struct.pack_into(">d", content, at, written + 2_000)
    with pytest.raises(AudioFileError, match=r"truncated \([\d.]+ s, of [\d.]+ s that"):
        load_audio(bytes(content), rate)


@needs_av
def test_a_recording_that_was_trimmed_by_its_list_of_edits_is_read():
    content = bytearray(by_ffmpeg("m4a"))
    struct.pack_into(">I", content, content.index(b"elst") + 12, 1_000)  # thousandths
    assert len(load_audio(bytes(content), 16_000)) == pytest.approx(16_000, abs=1_024)
