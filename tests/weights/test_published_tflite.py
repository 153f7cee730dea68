"""YAMNet's published network in 8 bits, beside TFLite's own run, on recordings of people.

The files are not part of this repository: the tests skip where they are not beside it.
"""

from __future__ import annotations

import numpy as np
import pytest

from hear_openl3_yamnet import load_model
from hear_openl3_yamnet.audio import load_audio
from hear_openl3_yamnet.backbones import convolutions, yamnet
from hear_openl3_yamnet.errors import WeightsFormatError
from hear_openl3_yamnet.tagging import class_names, tag
from hear_openl3_yamnet.weights.formats.tflite import read_labels
from hear_openl3_yamnet.weights.reading import read_weights
from tests.comparing import numpy

RECORDINGS = (
    "real/speech_1s.wav",
    *(
        f"real/digits/{digit}_{speaker}_0.wav"
        for digit in (0, 7)
        for speaker in ("jackson", "lucas")
    ),
)
WINDOW = 15_600
DRAWS = 16


@pytest.fixture(scope="module")
def network(shared):
    return shared("real/yamnet_dynamic_range.tflite")


def window(path) -> np.ndarray:
    """Return 0.975 s of a recording, followed by silence if it is shorter."""
    audio = load_audio(path, 16_000)[:WINDOW]
    return np.pad(audio, (0, WINDOW - len(audio)))


def own_run(path, samples) -> tuple[np.ndarray, np.ndarray]:
    """Return the scores and the log-mel spectrogram that LiteRT computes."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=str(path))
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], samples[None])
    interpreter.invoke()
    scores, logmel = (interpreter.get_tensor(o["index"]) for o in interpreter.get_output_details())
    return scores[0], logmel


def scores_of(weights, logmel, random=None) -> np.ndarray:
    """Run the folded network; with `random`, on activations that are moved as 8 bits move them.

    The file's kernels of pointwise convolutions and of the scores are integers. TFLite therefore
    rounds their input to steps of 1/127 of its largest value.
    """

    def rounded(x):
        if random is None:
            return x
        step = np.abs(x).max() / 127
        return x + random.uniform(-step / 2, step / 2, x.shape).astype(np.float32)

    x = logmel[None, :, :, None]
    for step in yamnet.STEPS:
        first = "conv" if step.name == "layer1" else "depthwise"
        name = f"{step.name}_{first}"
        x = numpy(
            convolutions.convolve(
                x,
                weights[f"{name}/kernel"],
                weights[f"{name}/bias"],
                strides=step.stride,
                depthwise=first == "depthwise",
            )
        )
        if first == "depthwise":
            name = f"{step.name}_pointwise"
            x = numpy(
                convolutions.convolve(
                    rounded(x), weights[f"{name}/kernel"], weights[f"{name}/bias"]
                )
            )
    mean = rounded(x.mean(axis=(1, 2)))
    logits = mean @ weights["predictions/kernel"] + weights["predictions/bias"]
    return 1 / (1 + np.exp(-logits[0].astype(np.float64)))


@pytest.mark.parametrize("recording", RECORDINGS)
def test_scores_are_tflites_own_within_the_rounding_of_its_activations(recording, network, shared):
    """The bound is three standard deviations of scores whose activations are rounded at random."""
    theirs, logmel = own_run(network, window(shared(recording)))
    weights = yamnet.fold(read_weights(network, "yamnet"))
    ours = scores_of(weights, logmel)
    random = np.random.default_rng(1)
    spread = np.std([scores_of(weights, logmel, random) for _ in range(DRAWS)], axis=0)
    assert ours.argmax() == theirs.argmax()
    assert np.all(np.abs(ours - theirs) <= 3 * spread + 2e-4)


@pytest.mark.parametrize("recording", RECORDINGS)
def test_the_best_class_is_tflites_own_from_the_samples_on(recording, network, shared):
    """Its front end differs: the Fourier transform in the file is a product of 8-bit matrices."""
    samples = window(shared(recording))
    theirs, _ = own_run(network, samples)
    tags = tag(load_model(network), samples, hop_size=1000 * WINDOW / 2 / 16_000)
    assert tags.scores[1].argmax() == theirs.argmax()


def test_speech_is_speech_without_a_warning(network, shared):
    tags = tag(load_model(network), load_audio(shared("real/speech_1s.wav"), 16_000))
    assert tags.top(1)[0][0] == "Speech"
    assert tags.clip[0] > 0.9


def test_tf_hubs_own_file_is_another_training(shared):
    path = shared("real/yamnet_int8.tflite")
    with pytest.raises(WeightsFormatError, match="ReLU6"):
        read_weights(path, "yamnet")
    assert read_labels(path.read_bytes(), path, 521) == class_names()
