"""`nearest` finds the sounds of a corpus that are like a query, in parts of bounded size."""

import numpy as np
import pytest
import soundfile

from hear_openl3_yamnet import OptionError, embed, load_model
from hear_openl3_yamnet.corpora import embed_corpus, load_corpus
from hear_openl3_yamnet.corpora.nearest import nearest
from tests import seeded_audio

RATE = 16000
CHEAP = {"weights": "random:1", "layers": "layer1", "window_size": 25}


@pytest.fixture(scope="module")
def model():
    return load_model("yamnet", **CHEAP)


@pytest.fixture(scope="module")
def query():
    return seeded_audio.clip("chirp", RATE, 0.4)


@pytest.fixture(scope="module")
def recordings(tmp_path_factory, query):
    """Thirty noises and notes; one has the query in it, a bit louder and with other noise."""
    folder = tmp_path_factory.mktemp("recordings")
    for seed in range(30):
        sound = seeded_audio.clip("noise" if seed % 2 else "notes", RATE, 0.4, seed=seed)
        soundfile.write(folder / f"{seed:02}.wav", 0.3 * sound, RATE)
    noise = seeded_audio.clip("noise", RATE, 0.4, seed=99)
    soundfile.write(folder / "planted.wav", 0.9 * query + 0.001 * noise, RATE)
    (folder / "broken.wav").write_bytes(b"RIFF")
    return folder


@pytest.fixture(scope="module")
def corpus(recordings, tmp_path_factory, model):
    out = tmp_path_factory.mktemp("corpus")
    embed_corpus(recordings, out, model, shard_rows=7)
    return load_corpus(out)


def test_the_planted_sound_is_the_nearest(corpus, query, model):
    first, second = nearest(corpus, embed(query, model), top=2)
    assert first.id == "planted.wav"
    assert first.path.endswith("planted.wav")
    assert first.duration == pytest.approx(0.4)
    assert first.time is None
    assert second.similarity < first.similarity <= 1


def test_the_order_is_that_of_all_cosines(corpus, query, model, monkeypatch):
    monkeypatch.setattr("hear_openl3_yamnet.corpora.nearest._BATCH", 3)
    asked = embed(query, model)
    scenes = corpus.scene / np.linalg.norm(corpus.scene, axis=1, keepdims=True)
    cosines = scenes @ (asked / np.linalg.norm(asked))
    order = np.argsort(-cosines)
    for top in (1, 5, 31, 100):
        found = nearest(corpus, asked, top)
        assert [one.id for one in found] == [corpus.ids[i] for i in order[:top]]
        expected = cosines[order[:top]]
        np.testing.assert_allclose([one.similarity for one in found], expected, atol=1e-5)


def test_a_corpus_of_timestamps_gives_the_nearest_moment_of_each_file(
    tmp_path, recordings, query, model
):
    embed_corpus(f"{recordings}/0*.wav", tmp_path, model, outputs="timestamps", shard_rows=3)
    corpus = load_corpus(tmp_path)
    asked = embed(query, model, timestamps=True)[0].mean(axis=0)
    best = {}
    for row in corpus.table.to_pylist():
        rows = np.asarray(row["embeddings"])
        cosines = rows @ asked / np.linalg.norm(rows, axis=1) / np.linalg.norm(asked)
        best[row["id"]] = (cosines.max(), row["timestamps"][cosines.argmax()] / 1000)
    found = nearest(corpus, asked, top=4)
    assert [one.id for one in found] == sorted(best, key=lambda id_: -best[id_][0])[:4]
    for one in found:
        assert (one.similarity, one.time) == pytest.approx(best[one.id], abs=1e-5)


def test_row_parts_of_a_long_file_are_one_result(tmp_path, query, model, monkeypatch):
    monkeypatch.setattr("hear_openl3_yamnet.corpora.rows.MOST_VALUES", 10 * 32)
    monkeypatch.setattr("hear_openl3_yamnet.corpora.batching.LONGEST_WHOLE_S", 0.1)
    soundfile.write(tmp_path / "long.wav", np.tile(query, 5), RATE)
    embed_corpus(tmp_path / "long.wav", tmp_path / "out", model, outputs="timestamps")
    corpus = load_corpus(tmp_path / "out")
    assert sum(len(batch) for batch in corpus.batches(["timestamps"])) > 1
    asked = embed(query, model, timestamps=True)[0].mean(axis=0)
    assert [found.id for found in nearest(corpus, asked)] == ["long.wav"]


def test_a_query_of_another_model_is_refused(corpus):
    with pytest.raises(OptionError, match=r"the 32 values of the corpus. Received: shape \(7,\)"):
        nearest(corpus, np.zeros(7, np.float32))
    with pytest.raises(OptionError, match="top must be at least 1"):
        nearest(corpus, np.zeros(32, np.float32), 0)
