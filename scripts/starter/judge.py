"""Judge starter weights: compare linear probes on eight tasks with baselines.

    python -m scripts.starter judge --openl3 FILE… --yamnet FILE… --out docs/starter.json

The baselines of a network are the untrained network, the untrained network with calibrated batch
norms, means and standard deviations of its log-mel spectrogram, and those of 20 MFCC and their
first and second differences. Probes are logistic regressions on standardised embeddings, with C
from a grid up to 100. Each probe seed fits on another 80 % of the training clips and chooses C on
the rest. Several files of one network are several trainings of it.
"""

import argparse
import json
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np

from hear_openl3_yamnet.backbones import folding, get_backbone, openl3, yamnet
from hear_openl3_yamnet.files import written_whole
from hear_openl3_yamnet.weights.reading import read_weights

from .features import amplitudes_in_decibels, network_input
from .probe_tasks import NAMES, SAMPLE_RATE, ProbeTask, make_tasks

C_GRID = (0.01, 0.1, 1.0, 10.0, 100.0)
PROBE_SEEDS = (0, 1, 2)
_BATCH = 16  # windows
_CALIBRATING = 640  # windows that calibrate batch norms

FRONT_ENDS = {"openl3": "mel128", "yamnet": "yamnet"}
Embed = Callable[[np.ndarray], np.ndarray]


def log_mels(clips: list[np.ndarray], front_end: str) -> np.ndarray:
    """Return the clips' log-mel windows [shape=(n_clips, n_bands, n_frames, 1)]."""
    rows = []
    for samples in clips:
        decibels = amplitudes_in_decibels(samples, front_end)
        if front_end == "yamnet":
            decibels = decibels[:96]
        rows.append(network_input(np.power(np.float32(10), decibels[None] / 10), front_end)[0])
    return np.stack(rows)


def embedder(network: str, weights: dict[str, np.ndarray], layers: tuple[str, ...] = ()) -> Embed:
    """Return the function from log-mel windows to published embeddings.

    If `layers` are given, their embeddings are concatenated.
    """
    import keras
    import tensorflow as tf
    from keras import ops

    module = get_backbone(network)
    folded = {name: tf.constant(value) for name, value in module.fold(weights).items()}
    layers = layers or (module.LAST_LAYER,)
    pool = ops.mean if network == "yamnet" else ops.max

    @tf.function(reduce_retracing=True)
    def run(windows):
        maps = module.feature_maps(folded, windows, layers)
        return ops.concatenate([pool(maps[layer], axis=(1, 2)) for layer in layers], axis=1)

    def embed(windows: np.ndarray) -> np.ndarray:
        batches = [run(windows[i : i + _BATCH]) for i in range(0, len(windows), _BATCH)]
        return np.concatenate([keras.ops.convert_to_numpy(batch) for batch in batches])

    return embed


def untrained(network: str, windows: np.ndarray, seed: int = 0) -> dict[str, np.ndarray]:
    """Draw random weights, and calibrate the batch norms on `windows`."""
    import keras

    module = {"openl3": openl3, "yamnet": yamnet}[network]
    model = module.keras_model(windows.shape[1], 48 if network == "openl3" else 96)
    folding.set_keras_weights(model, module.random_weights(seed))
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.8
    rng = np.random.default_rng(seed)
    n_frames = model.input_shape[2]
    for _ in range(_CALIBRATING // 32):
        start = rng.integers(windows.shape[2] - n_frames + 1)
        chosen = rng.choice(len(windows), 32)
        model(windows[chosen, :, start : start + n_frames], training=True)
    return folding.keras_weights(model)


def statistics(windows: np.ndarray) -> np.ndarray:
    """Return the mean and standard deviation of each band over time."""
    return np.concatenate([windows.mean(axis=2), windows.std(axis=2)], axis=1)[..., 0]


def mfcc_statistics(clips: list[np.ndarray]) -> np.ndarray:
    """Return means and standard deviations of 20 MFCC and of their first two differences."""
    import librosa

    rows = []
    for samples in clips:
        mfcc = librosa.feature.mfcc(y=samples, sr=SAMPLE_RATE, n_mfcc=20)
        both = np.concatenate(
            [mfcc, librosa.feature.delta(mfcc), librosa.feature.delta(mfcc, order=2)]
        )
        rows.append(np.concatenate([both.mean(axis=1), both.std(axis=1)]))
    return np.stack(rows)


def probe(task: ProbeTask, train: np.ndarray, test: np.ndarray, seed: int) -> float:
    """Fit a linear probe and return its accuracy or mean average precision on the test clips."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import average_precision_score
    from sklearn.model_selection import train_test_split
    from sklearn.multiclass import OneVsRestClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    targets, wanted = np.array(task.train[1]), np.array(task.test[1])
    fit, choose = train_test_split(
        np.arange(len(targets)),
        test_size=0.2,
        random_state=seed,
        stratify=None if task.multi_label or len(targets) < 5 * len(set(targets)) else targets,
    )

    def fitted(c: float):
        model = LogisticRegression(C=c, max_iter=300)
        if task.multi_label:
            model = OneVsRestClassifier(model)
        return make_pipeline(StandardScaler(), model).fit(train[fit], targets[fit])

    def score(model, features: np.ndarray, truth: np.ndarray) -> float:
        if not task.multi_label:
            return float(model.score(features, truth))
        scores = model.predict_proba(features)
        present = truth.any(axis=0)
        return float(
            average_precision_score(truth[:, present], scores[:, present], average="macro")
        )

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # 300 iterations are enough to compare
        models = [fitted(c) for c in C_GRID]
    best = max(models, key=lambda model: score(model, train[choose], targets[choose]))
    return score(best, test, wanted)


def judge(
    tasks: dict[str, ProbeTask], files: dict[str, list[Path]]
) -> dict[str, dict[str, list[float]]]:
    """Return the scores of each kind of features on each task, one for each file and probe seed."""
    results: dict[str, dict[str, list[float]]] = {}

    def note(features: str, name: str, pair: list[np.ndarray]) -> None:
        scores = [probe(tasks[name], *pair, seed) for seed in PROBE_SEEDS]
        of_task = results.setdefault(features, {}).setdefault(name, [])
        of_task += [round(score, 4) for score in scores]
        print(f"{features:22s} {name:12s} {np.mean(scores):.3f}", flush=True)

    for name, task in tasks.items():
        note("mfcc", name, [mfcc_statistics(clips) for clips, _ in (task.train, task.test)])
    for network, paths in files.items():
        front_end = FRONT_ENDS[network]
        inputs = {
            name: [log_mels(clips, front_end) for clips, _ in (task.train, task.test)]
            for name, task in tasks.items()
        }
        seen = np.concatenate([train[::3] for train, _ in inputs.values()])
        as_drawn = {"openl3": openl3, "yamnet": yamnet}[network].random_weights(0)
        features: list[tuple[str, Embed]] = [
            (f"{front_end}-statistics", statistics),
            *((f"{network}-starter", embedder(network, read_weights(p, network))) for p in paths),
            (f"{network}-calibrated", embedder(network, untrained(network, seen))),
            (f"{network}-untrained", embedder(network, as_drawn)),
        ]
        for kind, embed in features:
            for name, pair in inputs.items():
                note(kind, name, [embed(windows) for windows in pair])
    return results


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("--openl3", type=Path, nargs="+", help="one file for each training seed")
    parser.add_argument("--yamnet", type=Path, nargs="+", help="one file for each training seed")
    parser.add_argument("--out", type=Path, required=True, help="JSON file for the scores")
    parser.add_argument("--size", type=float, default=1.0, help="factor on the number of clips")
    parser.add_argument("--tasks", nargs="+", choices=NAMES, default=NAMES, help="default: all")


def main(arguments: argparse.Namespace) -> None:
    """Judge the given weights and write the scores."""
    started = time.monotonic()
    tasks = make_tasks(arguments.size, tuple(arguments.tasks))
    sizes = {name: [len(task.train[1]), len(task.test[1])] for name, task in tasks.items()}
    print(f"{sizes}, made in {time.monotonic() - started:.0f} s", flush=True)
    files = {name: getattr(arguments, name) for name in FRONT_ENDS if getattr(arguments, name)}
    report = {
        "tasks": {name: task.title for name, task in tasks.items()},
        "clips": sizes,
        "scores": judge(tasks, files),
    }
    with written_whole(arguments.out) as partial:
        partial.write_text(json.dumps(report, indent=1) + "\n")
    print(f"{time.monotonic() - started:.0f} s in all")
