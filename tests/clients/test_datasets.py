"""`embed` takes what Hugging Face's datasets, torchcodec and torchaudio hand out."""

import io

import numpy as np
import pytest
import soundfile

from hear_openl3_yamnet import AudioFileError, embed, load_model
from hear_openl3_yamnet.audio.sounds import opened
from tests import seeded_audio
from tests.comparing import assert_close

datasets = pytest.importorskip("datasets", reason="not installed; scripts/test_clients.sh has it")
torchaudio = pytest.importorskip(
    "torchaudio", reason="not installed; scripts/test_clients.sh has it"
)
decoders = pytest.importorskip(
    "torchcodec.decoders", reason="not installed, or no FFmpeg", exc_type=ImportError
)

pytestmark = [pytest.mark.clients, pytest.mark.filterwarnings("default")]


@pytest.fixture(scope="module")
def model():
    return load_model("yamnet", weights="random:1", layers="layer1", window_size=25)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    paths = []
    for number, (rate, suffix) in enumerate([(16000, "wav"), (44100, "flac"), (22050, "wav")]):
        sound = seeded_audio.clip("notes", rate, 0.3 + 0.2 * number, seed=number)
        paths.append(str(folder / f"{number}.{suffix}"))
        soundfile.write(paths[-1], np.stack([sound, 0.5 * sound], axis=1), rate)
    return paths


@pytest.fixture(scope="module")
def expected(files, model):
    return embed(files, model)


def test_rows_and_columns_of_datasets(files, model, expected):
    dataset = datasets.Dataset.from_dict({"audio": files, "label": [0, 1, 2]})
    dataset = dataset.cast_column("audio", datasets.Audio())
    for rows in (dataset, dataset["audio"], dataset[:], list(dataset)):
        assert_close(embed(rows, model), expected, 1e-4)
    assert_close(embed(dataset[1], model)[None], expected[1:2], 1e-4)
    assert_close(embed(dataset[1]["audio"], model)[None], expected[1:2], 1e-4)


def test_what_torchaudio_loads(files, model, expected):
    assert_close(embed([torchaudio.load(path) for path in files], model), expected, 1e-4)
    assert_close(embed(torchaudio.load(files[1]), model)[None], expected[1:2], 1e-4)


def test_decoders_and_samples_of_torchcodec(files, model, expected):
    opened_files = [decoders.AudioDecoder(path) for path in files]
    assert_close(embed(opened_files, model), expected, 1e-4)
    samples = [decoder.get_all_samples() for decoder in opened_files]
    assert_close(embed(samples, model), expected, 1e-4)


class CountingFile(io.FileIO):
    """A file that counts the bytes that are read from it."""

    n_read = 0

    def read(self, size=-1):
        data = super().read(size)
        self.n_read += len(data)
        return data


@pytest.mark.parametrize("suffix", ["wav", "flac", "mp3"])
def test_a_long_decoder_is_read_block_by_block(tmp_path, suffix):
    rng = np.random.default_rng(1)
    path = tmp_path / f"long.{suffix}"
    soundfile.write(path, 0.1 * rng.standard_normal(int(400.3 * 22050)), 22050)
    whole = decoders.AudioDecoder(path).get_all_samples().data[0].numpy()
    with CountingFile(path) as file, opened(decoders.AudioDecoder(file), 16000) as sound:
        assert sound.is_long
        blocks = list(sound.blocks)
        assert file.n_read < 2 * path.stat().st_size  # and not again and again from its beginning
    assert max(map(len, blocks)) <= 10 * 22050
    np.testing.assert_allclose(np.concatenate(blocks), whole, atol=1e-4)


def test_a_file_that_ends_early_is_an_error_of_that_sound(tmp_path, model, files):
    path = tmp_path / "cut.flac"
    soundfile.write(path, seeded_audio.clip("noise", 22050, 3), 22050)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises((AudioFileError, RuntimeError, ValueError)):
        embed([decoders.AudioDecoder(path)], model)
