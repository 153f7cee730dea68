"""Files of many kinds become the same waveform. The error of any other file names the cause."""

import subprocess
import sys
from pathlib import Path

import librosa
import numpy as np
import pytest
import soundfile

from hear_openl3_yamnet.audio.audio_file import AudioFile, downmix
from hear_openl3_yamnet.audio.files import load_audio, resample
from hear_openl3_yamnet.errors import AudioFileError, HearError
from tests.seeded_audio import clip

RECORDING = Path(__file__).parents[2] / "docs" / "recordings" / "speech-and-notes.flac"

# how far a decoded sample may be from the one written: PCM 16 rounds, the others are lossy
FORMATS = {"wav": 1e-4, "flac": 1e-4, "aiff": 1e-4, "ogg": 0.1, "mp3": 0.1}


@pytest.fixture(scope="module")
def notes() -> np.ndarray:
    return 0.5 * clip("notes", 44_100, 1.5)


def write(path: Path, samples: np.ndarray, sample_rate: int = 44_100, **how: str) -> Path:
    soundfile.write(path, samples, sample_rate, **how)
    return path


def decode(path: Path) -> tuple[np.ndarray, int]:
    with AudioFile(path) as file:
        return np.concatenate(list(file.blocks())), file.sample_rate


@pytest.mark.parametrize("extension", FORMATS)
def test_every_format_decodes_to_the_samples_written(tmp_path, notes, extension):
    stereo = np.stack([notes, -0.5 * notes], axis=1)
    samples, rate = decode(write(tmp_path / f"notes.{extension}", stereo))
    assert rate == 44_100
    assert samples.dtype == np.float32
    assert samples.shape == stereo.shape
    assert np.abs(samples - stereo).max() < FORMATS[extension]


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"])
def test_every_depth_is_scaled_alike(tmp_path, notes, subtype):
    samples, _ = decode(write(tmp_path / "notes.wav", notes, subtype=subtype))
    assert samples.dtype == np.float32
    assert np.abs(samples[:, 0] - notes).max() < 1 / 120


def test_float_samples_beyond_one_are_kept(tmp_path):
    path = write(tmp_path / "loud.wav", np.array([0.5, 2.0, -3.0]), subtype="FLOAT")
    np.testing.assert_array_equal(decode(path)[0][:, 0], np.float32([0.5, 2.0, -3.0]))


@pytest.mark.parametrize("n_channels", [1, 2, 6])
def test_downmix_is_the_mean_of_the_channels(n_channels):
    samples = np.random.default_rng(1).uniform(-1, 1, (1000, n_channels)).astype("float32")
    waveform = downmix(samples)
    assert waveform.dtype == np.float32
    np.testing.assert_allclose(waveform, samples.astype("float64").mean(1), atol=1e-6)


WITHOUT_A_CACHE = """
import sys
from hear_openl3_yamnet.audio.files import load_audio
assert load_audio(sys.argv[1], 16_000).shape == (24_000,)
print({"librosa", "numba"} & set(sys.modules))
"""


def test_resampling_needs_no_folder_for_a_cache(tmp_path, notes):
    """The compiler numba, which librosa imports, fails if it finds no folder to write to."""
    path = write(tmp_path / "notes.wav", notes)
    command = [sys.executable, "-c", WITHOUT_A_CACHE, path]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "set()\n"


def test_resampling_to_the_same_rate_returns_the_very_samples(notes):
    assert resample(notes, 44_100, 44_100) is notes


@pytest.mark.parametrize("from_rate", [8_000, 22_050, 44_100, 96_000])
@pytest.mark.parametrize("to_rate", [16_000, 48_000])
def test_resampling_keeps_a_tone(from_rate, to_rate):
    tone = np.sin(2 * np.pi * 1000 * np.arange(from_rate) / from_rate).astype("float32")
    resampled = resample(tone, from_rate, to_rate)
    assert resampled.dtype == np.float32
    expected = np.sin(2 * np.pi * 1000 * np.arange(to_rate) / to_rate)
    assert resampled.shape == expected.shape
    middle = slice(to_rate // 10, -to_rate // 10)  # the ends of the filter are not a steady tone
    assert np.abs(resampled - expected)[middle].max() < 1e-3


@pytest.mark.slow  # librosa compiles its functions first
@pytest.mark.parametrize(("from_rate", "to_rate"), [(44_100, 16_000), (8_000, 48_000), (999, 1000)])
@pytest.mark.parametrize("n_samples", [1, 2, 3, 5, 100, 44_100, 44_101])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_resampling_equals_that_of_librosa(from_rate, to_rate, n_samples, dtype):
    waveform = np.random.default_rng(2).uniform(-1, 1, n_samples).astype(dtype)
    expected = librosa.resample(waveform, orig_sr=from_rate, target_sr=to_rate)
    resampled = resample(waveform, from_rate, to_rate)
    assert resampled.dtype == dtype
    n_expected = -(-n_samples * to_rate // from_rate)  # librosa may round a float up to one more
    np.testing.assert_array_equal(resampled, expected[:n_expected])


def test_resampling_down_leaves_no_alias():
    tone = np.sin(2 * np.pi * 12_000 * np.arange(48_000) / 48_000).astype("float32")
    assert np.abs(resample(tone, 48_000, 16_000)[1600:-1600]).max() < 1e-3


@pytest.mark.parametrize("n_samples", [1, 2, 7])
def test_shortest_files(tmp_path, n_samples):
    path = write(tmp_path / "short.wav", np.full(n_samples, 0.25))
    waveform = load_audio(path, 16_000)
    assert waveform.shape == (int(np.ceil(n_samples * 16_000 / 44_100)),)
    assert np.isfinite(waveform).all()


def test_load_audio_joins_the_three_steps(tmp_path, notes):
    path = write(tmp_path / "größe 1.wav", np.stack([notes, 0 * notes], axis=1), subtype="FLOAT")
    waveform = load_audio(str(path), 16_000)
    assert waveform.dtype == np.float32
    assert waveform.shape == (24_000,)
    np.testing.assert_allclose(waveform, resample(0.5 * notes, 44_100, 16_000), atol=1e-6)


def test_shipped_recording_is_small_and_has_a_noise_floor():
    assert RECORDING.stat().st_size < 200_000
    samples, rate = decode(RECORDING)
    assert rate == 44_100
    assert 4 < len(samples) / rate < 10
    levels = np.square(downmix(samples)[: len(samples) // 4410 * 4410].reshape(-1, 4410)).mean(1)
    assert levels.min() > 1e-9  # no tenth of a second of digital silence
    assert levels.max() > 1e-3


BAD = {
    "name too long": (f"{'x' * 300}.wav", "cannot be opened (File name too long)"),
    "missing": ("missing.wav", "no such file"),
    "folder": ("folder.wav", "a folder; expected an audio file"),
    "empty": ("empty.wav", "empty file (0 bytes); expected WAV, FLAC"),
    "text": ("text.wav", "not audio that can be read (Format not recognised); expected WAV"),
    "text as MP3": ("text.mp3", "not audio that can be read; expected WAV, FLAC, OGG, MP3"),
    "no header": ("samples.raw", "a .raw file has no header"),
    "no samples": ("none.wav", "holds no samples; expected at least one"),
    "NaN": ("nan.wav", "sample 3 of channel 1 is nan; expected finite samples"),
    "infinite": ("inf.wav", "sample 0 of channel 0 is -inf; expected finite samples"),
}


@pytest.fixture(scope="module")
def bad_files(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("bad")
    (folder / "folder.wav").mkdir()
    (folder / "empty.wav").touch()
    for name in ("text.wav", "text.mp3", "samples.raw"):
        (folder / name).write_text("I am a text, not a sound.\n" * 40)
    write(folder / "none.wav", np.zeros((0, 2)))
    samples = np.zeros((10, 2))
    samples[3:5, 1] = np.nan
    write(folder / "nan.wav", samples, subtype="FLOAT")
    samples[:] = 0
    samples[[0, 1], 0] = -np.inf, np.inf
    write(folder / "inf.wav", samples, subtype="DOUBLE")
    return folder


@pytest.mark.parametrize(("name", "message"), BAD.values(), ids=list(BAD))
def test_bad_files_are_named_with_the_cause(bad_files, name, message):
    with pytest.raises(AudioFileError) as caught:
        load_audio(bad_files / name, 16_000)
    assert str(caught.value).startswith(f"{bad_files / name}: ")
    assert message in str(caught.value)
    assert isinstance(caught.value, HearError)
    assert isinstance(caught.value, OSError)


@pytest.mark.parametrize("extension", ["wav", "aiff", "au", "w64", "flac", "ogg", "mp3"])
def test_truncated_files_are_refused(tmp_path, notes, extension):
    path = write(tmp_path / f"cut.{extension}", notes)
    content = path.read_bytes()
    path.write_bytes(content[: int(0.6 * len(content))])
    with pytest.raises(AudioFileError, match="truncated"):
        load_audio(path, 16_000)
