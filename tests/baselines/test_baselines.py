"""The baselines are models of the HEAR API."""

import librosa
import numpy as np
import pytest

from hear_openl3_yamnet.baselines import chance, log_mel_statistics, mfcc_statistics

compiled_by_librosa = pytest.mark.slow  # half a minute in a new environment


def tone(hertz, seconds, sample_rate=48000):
    return np.sin(2 * np.pi * hertz * np.arange(round(seconds * sample_rate)) / sample_rate)


@compiled_by_librosa
def test_log_mel_frames_are_centred_at_their_timestamps():
    audio = np.zeros((1, 48000), np.float32)
    audio[0, 24000] = 1.0  # a click at 500 ms
    model = log_mel_statistics.load_model()
    frames, timestamps = log_mel_statistics.get_timestamp_embeddings(audio, model)
    assert tuple(frames.shape) == (1, 20, model.timestamp_embedding_size)
    np.testing.assert_array_equal(np.asarray(timestamps)[0], 50.0 * np.arange(20))
    heard = np.asarray(frames)[0].max(axis=1) > -2
    assert np.flatnonzero(heard).tolist() == [10]


@compiled_by_librosa
def test_log_mel_scenes_are_means_and_deviations_over_time():
    steady = tone(1000, 1.0)
    halves = np.concatenate([tone(1000, 0.5), np.zeros(24000)])
    model = log_mel_statistics.load_model()
    audio = np.float32(0.5) * np.stack([steady, halves]).astype(np.float32)
    means, deviations = np.split(
        np.asarray(log_mel_statistics.get_scene_embeddings(audio, model)), 2, 1
    )
    band = means[0].argmax()  # the band of 1 kHz
    assert means[1].argmax() == band
    assert means[0, band] - means[1, band] > 3  # bels: half of the frames are at the floor
    assert deviations[0, band] < 0.2 < 3 < deviations[1, band]


def test_chance_draws_the_same_numbers_for_the_same_seed_whatever_the_sound():
    audio = np.zeros((3, 16000), np.float32)
    first, second = chance.load_model(seed=1), chance.load_model(seed=1)
    scenes = np.asarray(chance.get_scene_embeddings(audio, first))
    assert scenes.shape == (3, first.scene_embedding_size)
    np.testing.assert_array_equal(
        scenes, np.asarray(chance.get_scene_embeddings(audio + 0.5, second))
    )
    frames, timestamps = chance.get_timestamp_embeddings(audio, first)
    assert tuple(frames.shape) == (3, 20, first.timestamp_embedding_size)
    assert np.asarray(timestamps)[2].tolist() == [50.0 * i for i in range(20)]


@compiled_by_librosa
def test_mfcc_are_librosas_of_the_log_mel_frames():
    rng = np.random.default_rng(0)
    audio = (0.1 * rng.standard_normal((2, 24000))).astype(np.float32)
    model = mfcc_statistics.load_model()
    frames, timestamps = mfcc_statistics.get_timestamp_embeddings(audio, model)
    assert tuple(frames.shape) == (2, 10, model.timestamp_embedding_size)
    assert np.asarray(timestamps)[0, :3].tolist() == [0.0, 50.0, 100.0]
    log_mel, _ = log_mel_statistics.get_timestamp_embeddings(audio, log_mel_statistics.load_model())
    expected = librosa.feature.mfcc(S=np.asarray(log_mel)[1].T, n_mfcc=20).T
    np.testing.assert_allclose(np.asarray(frames)[1], expected, rtol=1e-4, atol=1e-4)
    scenes = np.asarray(mfcc_statistics.get_scene_embeddings(audio, model))
    assert scenes.shape == (2, model.scene_embedding_size)
    fine = np.stack([log_mel_statistics.log_mel(sound, 480) for sound in audio])
    fine = librosa.feature.mfcc(S=np.moveaxis(fine, 1, 2), n_mfcc=20)
    expected = np.concatenate([fine.mean(axis=2), fine.std(axis=2)], axis=1)
    np.testing.assert_allclose(scenes, expected, rtol=1e-3, atol=1e-3)
