"""hoplite itself embeds with the presets, reads exported corpora, and finds a planted sound."""

import subprocess
import sys

import numpy as np
import pytest
import soundfile

from hear_openl3_yamnet import OptionError, embed, load_model
from hear_openl3_yamnet.corpora import embed_corpus, load_corpus
from tests import program, seeded_audio
from tests.code_blocks import script_of
from tests.comparing import assert_close

pytest.importorskip("perch_hoplite", reason="not installed; scripts/test_clients.sh has it")

from perch_hoplite.agile.embed import EmbedWorker
from perch_hoplite.agile.source_info import AudioSourceConfig, AudioSources
from perch_hoplite.db.db_loader import create_new_usearch_db
from perch_hoplite.db.sqlite_usearch_impl import SQLiteUSearchDB

from hear_openl3_yamnet.integrations.hoplite import HearEmbeddingModel

pytestmark = [pytest.mark.clients, pytest.mark.filterwarnings("default")]

RATE = 16000
CHEAP = {"weights": "random:1", "layers": "layer1"}


@pytest.fixture(scope="module")
def model():
    return load_model("yamnet", **CHEAP)


@pytest.fixture(scope="module")
def trained():
    return load_model("yamnet-starter")


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    """Ten minutes of two sites; a chirp begins at 3.84 s in one file."""
    folder = tmp_path_factory.mktemp("recordings")
    for number in range(10):
        path = folder / ("north", "south")[number % 2] / f"{number}.wav"
        path.parent.mkdir(exist_ok=True)
        sound = 0.05 * seeded_audio.clip("noise", RATE, 8, seed=number)
        if number == 7:
            sound[61440:][:RATE] += seeded_audio.clip("chirp", RATE, 1)
        soundfile.write(path, sound, RATE)
    return folder


@pytest.fixture(scope="module")
def chirp():
    return seeded_audio.clip("chirp", RATE, 1)


def unit(vector):
    return vector / np.linalg.norm(vector)


def nearest_window(database, query):
    """Return the name of the recording, and the offsets, of the nearest window."""
    (best,) = database.search(unit(query), search_list_size=1)
    window = database.get_window(best.window_id)
    return database.get_recording(window.recording_id).filename, window.offsets, best.sort_score


@pytest.mark.parametrize("preset", ["yamnet", "openl3-lite", "openl3-lite+yamnet"])
def test_window_i_begins_at_i_hops(preset):
    """The window that hoplite notes is the window that the network sees."""
    loaded = load_model(preset, weights="random:1")
    model = HearEmbeddingModel(loaded)
    rate, window_s = model.sample_rate, model.window_size_s
    assert window_s == (0.975 if preset == "yamnet" else 1.0)
    assert model.hop_size_s == (0.48 if preset == "yamnet" else 0.484)
    audio = seeded_audio.clip("notes", rate, 2.5)
    got = model.embed(audio).embeddings
    assert got.shape[1:] == (1, loaded.timestamp_embedding_size)
    assert (len(got) - 1) * model.hop_size_s + window_s >= 2.5
    assert (len(got) - 2) * model.hop_size_s + window_s < 2.5
    for number in (0, 1, 2):
        first = round(number * model.hop_size_s * rate)
        window = audio[first : first + round(window_s * rate)]
        # its centre is a timestamp of a stream with a hop of half the window
        alone, times = embed(window, loaded, timestamps=True, hop_size=500 * window_s)
        assert times[1] == 500 * window_s
        assert_close(got[number], unit(alone[1])[None], 1e-3 if "+" in preset else 1e-5)


def test_short_and_batched_audio(model, chirp):
    hears = HearEmbeddingModel(model, hop_size_s=0.5)
    assert hears.embed(chirp[:100]).embeddings.shape == (1, 1, 32)
    batch = np.stack([chirp, chirp[::-1]])
    outputs = hears.batch_embed(batch)
    assert outputs.batched
    assert outputs.embeddings.shape == (2, 2, 1, 32)
    assert_close(outputs.embeddings[1], hears.embed(batch[1]).embeddings, 1e-5, axes=1)


def test_its_worker_embeds_a_folder_and_its_search_finds_the_chirp(
    trained, recordings, chirp, tmp_path
):
    hears = HearEmbeddingModel(trained)
    database = create_new_usearch_db(str(tmp_path / "db"), trained.timestamp_embedding_size)
    sources = AudioSources((AudioSourceConfig("field", str(recordings), "*/*.wav"),))
    EmbedWorker(sources, hears.configuration(), database, hears).process_all()
    assert database.count_embeddings() == 10 * 16
    name, offsets, score = nearest_window(database, hears.embed(chirp).embeddings[0, 0])
    assert name == "south/7.wav"
    assert offsets == pytest.approx([3.84, 3.84 + 0.975])
    assert score > 0.9


def test_the_script_of_the_page_finds_the_chirp(recordings, chirp, tmp_path):
    soundfile.write(tmp_path / "call.wav", chirp, RATE)
    (tmp_path / "recordings").symlink_to(recordings / "south")
    script = script_of("integrations/hoplite.md", "find.py")
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    nearest = next(line for line in done.stdout.splitlines() if ".wav" in line)
    assert nearest.startswith("7.wav 3.84 to 4.8"), done.stdout


def test_the_noted_configuration_loads_the_model_again(model, chirp, tmp_path):
    hears = HearEmbeddingModel(model, hop_size_s=0.25)
    database = create_new_usearch_db(str(tmp_path), 32)
    database.insert_metadata("model_config", hears.configuration().to_config_dict())
    noted = database.get_metadata("model_config").model_config
    again = HearEmbeddingModel.from_config(noted)
    assert again.model.config == model.config
    assert_close(again.embed(chirp).embeddings, hears.embed(chirp).embeddings, 1e-6)
    noted.weights_id = "file:mine.h5@0123"
    with pytest.raises(OptionError, match=r"weights of a file, file:mine\.h5@0123"):
        HearEmbeddingModel.from_config(noted)


def test_a_model_that_keeps_time_is_refused():
    with pytest.raises(OptionError, match="time='window'"):
        HearEmbeddingModel(load_model("yamnet", time="frame", **CHEAP))


@pytest.mark.parametrize("outputs", ["scene", "timestamps"])
def test_an_exported_corpus_is_searched(outputs, trained, recordings, chirp, tmp_path):
    corpus, out = tmp_path / "corpus", tmp_path / "hoplite"
    (recordings / "bad.wav").write_bytes(b"RIFF")
    summary = embed_corpus(recordings, corpus, trained, outputs=outputs, shard_rows=3)
    assert summary.total_failed == 1
    done = program.run("corpus", "export", corpus, out, "--to", "hoplite")
    assert done.returncode == 0, done.stderr
    n_windows = {"scene": 10, "timestamps": 10 * 200}[outputs]
    assert done.stdout == f"{out}: {n_windows} windows\n"
    database = SQLiteUSearchDB.create(str(out), readonly=True)
    assert database.count_embeddings() == n_windows
    assert {d.name for d in database.get_all_deployments()} == {"north", "south"}
    sources = database.get_metadata("audio_sources")
    assert sources.audio_globs[0]["base_path"] == str(recordings)
    if outputs == "scene":
        query = load_corpus(corpus).scene[load_corpus(corpus).ids.index("south/7.wav")]
        name, offsets, score = nearest_window(database, query.astype(np.float32))
        assert offsets == [0, 8]
    else:
        query = embed(chirp, trained, timestamps=True, hop_size=480)[0][1]
        name, (start, end), score = nearest_window(database, query)
        assert end - start == pytest.approx(0.975)
        assert 3.7 < start < 4.1
    assert name == "south/7.wav"
    assert score > 0.9
    done = program.run("corpus", "export", corpus, out, "--to", "hoplite")
    assert done.returncode == 2
    assert "is not empty" in done.stderr
