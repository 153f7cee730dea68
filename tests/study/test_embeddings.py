"""Embeddings on disk: those of load_model, each network run once, nothing computed again."""

import numpy as np
import pytest
import soundfile

from hear_openl3_yamnet import load_model
from hear_openl3_yamnet.baselines import log_mel_statistics
from hear_openl3_yamnet.labelled.reading import read_dataset
from hear_openl3_yamnet.study import embeddings as module
from hear_openl3_yamnet.study.embeddings import Embeddings
from hear_openl3_yamnet.study.variants import variants
from tests.labelled.recordings import RATE, tone, write_events, write_tones

HEADS = [
    "published",
    "mean+std",
    "fusion",
    "published+logmel",
    "grid=[2,3],scene_pooling=percentiles",
    "normalize=l2,scene_pooling=max",
    "layers=layer7,subsampling=blur",
    "time=frame,scene_hop_size=320",
]


@pytest.fixture
def tones(tmp_path):
    write_tones(tmp_path / "tones", n_speakers=3)
    return read_dataset(tmp_path / "tones")


@pytest.fixture
def passes(monkeypatch):
    """The heads of each pass through a network, and the clips that it embedded."""
    found = []

    class Counted(module.ManyHeads):
        def __init__(self, options, weights):
            super().__init__(options, weights)
            self.record = (len(self.options), [])
            found.append(self.record)

        def scenes(self, clips):
            self.record[1].append(len(clips))
            return super().scenes(clips)

    monkeypatch.setattr(module, "ManyHeads", Counted)
    return found


def test_heads_in_one_pass_are_load_models(tmp_path, tones, passes):
    crossed = variants(["yamnet-starter"], HEADS)[1:]
    embeddings = Embeddings(tmp_path, tones)
    embeddings.compute(crossed)
    assert sorted(n_heads for n_heads, _ in passes) == [1, 1, 6]  # other subsampling; time kept
    clips = [clip.audio(RATE) for clip in tones.clips]
    for variant in crossed:
        keywords = dict(variant.keywords)
        model = load_model(**keywords)
        expected = model.scene_embeddings(clips)
        found = embeddings.scenes(variant)
        assert found.shape == (12, variant.size(of_events=False))
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4, err_msg=variant.name)


def test_ensembles_are_load_models(tmp_path, tones, passes):
    names = ["openl3-mel128-starter", "yamnet-starter"]
    crossed = variants([*names, "+".join(names)], ["published"])[1:]
    embeddings = Embeddings(tmp_path, tones)
    embeddings.compute(crossed)
    assert len(passes) == 3  # YAMNet in the ensemble has OpenL3's hop
    model = load_model(**crossed[-1].keywords)
    found = embeddings.scenes(crossed[-1])
    clips = [clip.audio(RATE) for clip in tones.clips]
    own = load_model("yamnet-starter", scene_hop_size=484.0).scene_embeddings(clips)
    assert found.shape == (12, model.scene_embedding_size)
    np.testing.assert_allclose(found[:, 512:], own, rtol=1e-4, atol=1e-4)


def test_nothing_is_computed_again(tmp_path, tones, passes, monkeypatch):
    monkeypatch.setattr(module, "BLOCK_CLIPS", 4)
    crossed = variants(["yamnet-starter"], ["published", "max"])[1:]
    first = Embeddings(tmp_path / "cache", tones)
    first.compute(crossed)
    assert passes == [(2, [4, 4, 4])]
    first.compute(crossed)
    Embeddings(tmp_path / "cache", tones).compute(crossed)
    assert len(passes) == 1

    # an interrupted run: one head's last block is not there
    paths = sorted((tmp_path / "cache").glob("*/*.npz"), key=lambda path: path.stat().st_mtime_ns)
    before = first.scenes(crossed[1])
    paths[-1].unlink()
    first.compute(crossed)
    assert passes[1:] == [(1, [4])]
    np.testing.assert_allclose(first.scenes(crossed[1]), before, rtol=1e-5, atol=1e-6)

    # more heads and more clips: these alone are embedded
    more = variants(["yamnet-starter"], ["published", "max", "mean+std"])[1:]
    first.compute(more)
    assert passes[2:] == [(1, [4, 4, 4])]
    rng = np.random.default_rng(0)
    for i in range(2):
        soundfile.write(tmp_path / f"tones/low/z{i}.wav", tone(300, 0.5, rng), RATE)
    Embeddings(tmp_path / "cache", read_dataset(tmp_path / "tones")).compute(crossed)
    assert passes[3:] == [(2, [2])]


def test_a_changed_recording_is_embedded_again(tmp_path, tones, passes):
    crossed = variants(["yamnet-starter"], ["published"])[1:]
    Embeddings(tmp_path / "cache", tones).compute(crossed)
    other = np.random.default_rng(5)
    soundfile.write(tmp_path / "tones/low/s0_0.wav", tone(900, 0.5, other), RATE)
    Embeddings(tmp_path / "cache", read_dataset(tmp_path / "tones")).compute(crossed)
    assert len(passes) == 2


def test_long_clips_are_in_blocks_of_their_own(tmp_path, passes, monkeypatch):
    monkeypatch.setattr(module, "BLOCK_SECONDS", 1.2)
    write_tones(tmp_path / "tones", n_speakers=3)
    rng = np.random.default_rng(0)
    soundfile.write(tmp_path / "tones/high/a.wav", tone(3000, 3.0, rng), RATE)
    dataset = read_dataset(tmp_path / "tones")
    Embeddings(tmp_path / "cache", dataset).compute(variants(["yamnet-starter"], ["max"])[1:])
    ((_, counts),) = passes
    assert counts == [1, 2, 2, 2, 2, 2, 2]


def test_events_are_embedded_at_regular_times(tmp_path):
    write_events(tmp_path)
    dataset = read_dataset(tmp_path / "beeps")
    crossed = variants(["yamnet-starter"], ["published", "time=frame"], of_events=True)
    embeddings = Embeddings(tmp_path / "cache", dataset)
    embeddings.compute(crossed)
    clip = dataset.clips[2].audio(RATE)
    for variant in crossed[1:]:
        model = load_model(**variant.keywords)
        expected, times = model.timestamp_embeddings(clip[None])
        found, found_times = embeddings.timestamps(variant)[2]
        np.testing.assert_allclose(found, expected[0], rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(found_times, times)
    floor, times = embeddings.timestamps(crossed[0])[2]
    at_48k = dataset.clips[2].audio(48_000)
    expected, _ = log_mel_statistics.get_timestamp_embeddings(
        at_48k[None], log_mel_statistics.load_model()
    )
    np.testing.assert_allclose(floor, np.asarray(expected)[0])
    assert times[1] == 50
