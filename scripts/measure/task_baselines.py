"""Measure the difficulty of the synthetic tasks: the scores of chance and of log-mel spectra.

    python -m scripts.measure.task_baselines FOLDER [--task NAME ...]

`hear-openl3-yamnet tasks make FOLDER` writes FOLDER, with clips at 48 kHz. The features of a clip
are the mean and standard deviation of a log-mel spectrum (128 bands); those of events are its
frames each 50 ms. Two probes of scikit-learn are trained on them: a linear one, and one with a
hidden layer of 512 units. Their parameters are chosen on the validation split (or fold), and they
are scored on the test split.

The score is accuracy, for synth_tags mean average precision, for synth_events the F measure of
onsets within 200 ms.
"""

import argparse
import json
import time
import warnings
from pathlib import Path

import librosa
import numpy as np
import soundfile
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score
from sklearn.multiclass import OneVsRestClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

RATE = 48_000
HOP = 480  # samples, 10 ms
EVENT_HOP = 2400  # samples, 50 ms
TOLERANCE = 200.0  # ms
PROBES = {
    "linear": [lambda c=c: LogisticRegression(C=c, max_iter=300) for c in (0.003, 0.03, 0.3)],
    "one hidden layer": [
        lambda a=a: MLPClassifier(512, alpha=a, early_stopping=True, max_iter=150, random_state=0)
        for a in (1e-4, 1e-1)
    ],
}


def log_mel(samples: np.ndarray, hop: int) -> np.ndarray:
    mel = librosa.feature.melspectrogram(y=samples, sr=RATE, n_fft=2048, hop_length=hop, n_mels=128)
    return np.log10(np.maximum(mel.T, 1e-10))


class Split:
    """The features of a split's clips or frames, and the answers as a table of zeros and ones."""

    def __init__(self, task: Path, name: str, labels: list[str], of_events: bool):
        clips = json.loads((task / f"{name}.json").read_text())
        self.labels = labels
        features, targets = [], []
        self.events: list[list[dict]] = []
        for file, answer in clips.items():
            samples, _ = soundfile.read(task / str(RATE) / name / file, dtype="float32")
            if of_events:
                frames = log_mel(samples, EVENT_HOP)
                features.append(frames)
                targets.append(self._active(answer, len(frames)))
                self.events.append(answer)
            else:
                frames = log_mel(samples, HOP)
                features.append(np.concatenate([frames.mean(0), frames.std(0)])[None])
                targets.append(np.isin(labels, [str(label) for label in answer])[None])
        self.lengths = [len(x) for x in features]
        self.x, self.y = np.concatenate(features), np.concatenate(targets)

    def _active(self, events: list[dict], n_frames: int) -> np.ndarray:
        times = 1000 * np.arange(n_frames) * EVENT_HOP / RATE
        active = np.zeros((n_frames, len(self.labels)), bool)
        for event in events:
            inside = (event["start"] <= times) & (times <= event["end"])
            active[inside, self.labels.index(event["label"])] = True
        return active


def onset_f(split: Split, likely: np.ndarray, threshold: float) -> float:
    """Return the F measure of onsets after a median filter of 250 ms, as heareval does."""
    from scipy.ndimage import median_filter

    found = matched = there = 0
    clips = np.split(likely, np.cumsum(split.lengths)[:-1])
    for answer, frames in zip(split.events, clips, strict=True):
        active = median_filter(frames > threshold, size=(5, 1), mode="constant")
        begins = np.diff(active.astype(int), axis=0, prepend=0) == 1
        for i, label in enumerate(split.labels):
            onsets = 1000 * np.flatnonzero(begins[:, i]) * EVENT_HOP / RATE
            wanted = [event["start"] for event in answer if event["label"] == label]
            matched += match(onsets.tolist(), wanted)
            found, there = found + len(onsets), there + len(wanted)
    return 2 * matched / max(found + there, 1)


def match(onsets: list[float], wanted: list[float]) -> int:
    """Count pairs of onsets within the tolerance. Each onset is in at most one pair."""
    n = 0
    for onset in onsets:
        near = [time for time in wanted if abs(time - onset) <= TOLERANCE]
        if near:
            wanted.remove(min(near))
            n += 1
    return n


def score(split: Split, likely: np.ndarray, kind: str) -> float:
    if kind == "event":
        return max(onset_f(split, likely, threshold) for threshold in (0.2, 0.3, 0.4, 0.5))
    if kind == "multilabel":
        seen = split.y.any(axis=0)
        return float(average_precision_score(split.y[:, seen], likely[:, seen], average="macro"))
    return float((split.y.argmax(1) == likely.argmax(1)).mean())


def chance(train: Split, test: Split, kind: str) -> float:
    """Score a prediction that ignores the sound. For events: the right number at random times."""
    rng = np.random.default_rng(0)
    if kind != "event":
        return score(test, np.tile(train.y.mean(axis=0), (len(test.y), 1)), kind)
    matched = there = 0
    for answer, n_frames in zip(test.events, test.lengths, strict=True):
        for label in test.labels:
            wanted = [event["start"] for event in answer if event["label"] == label]
            length = 1000 * n_frames * EVENT_HOP / RATE
            there += len(wanted)
            matched += match(rng.uniform(0, length, len(wanted)).tolist(), wanted)
    return matched / there


def predict(make, train: Split, other: Split, kind: str) -> np.ndarray:
    probe = make()
    if kind == "multiclass":
        fitted = make_pipeline(StandardScaler(), probe).fit(train.x, train.y.argmax(1))
        likely = np.zeros(other.y.shape)
        likely[:, fitted.classes_] = fitted.predict_proba(other.x)
        return likely
    if isinstance(probe, LogisticRegression):
        probe = OneVsRestClassifier(probe)
    return make_pipeline(StandardScaler(), probe).fit(train.x, train.y).predict_proba(other.x)


def joined(splits: list[Split]) -> Split:
    """Concatenate splits."""
    whole = object.__new__(Split)
    whole.labels = splits[0].labels
    whole.x, whole.y = (np.concatenate([getattr(s, name) for s in splits]) for name in "xy")
    whole.lengths = [n for s in splits for n in s.lengths]
    whole.events = [e for s in splits for e in s.events]
    return whole


def measure(task: Path) -> dict[str, float]:
    metadata = json.loads((task / "task_metadata.json").read_text())
    rows = (task / "labelvocabulary.csv").read_text().splitlines()[1:]
    labels = [row.split(",")[1] for row in rows]
    of_events = metadata["embedding_type"] == "event"
    kind = "event" if of_events else metadata["prediction_type"]
    splits = [Split(task, name, labels, of_events) for name in metadata["splits"]]
    n = len(splits)
    if metadata["split_mode"] == "trainvaltest":
        rounds = [(splits[0], splits[1], splits[2])]
    else:
        rounds = [
            (joined([s for j, s in enumerate(splits) if j not in (i, (i + 1) % n)]),
             splits[(i + 1) % n], splits[i])
            for i in range(n)
        ]  # fmt: skip
    scores = {"chance": np.mean([chance(train, test, kind) for train, _, test in rounds])}
    for name, makers in PROBES.items():
        results = []
        for train, valid, test in rounds:
            tried = [score(valid, predict(make, train, valid, kind), kind) for make in makers]
            best = makers[int(np.argmax(tried))]
            results.append(score(test, predict(best, train, test, kind), kind))
        scores[name] = np.mean(results)
    return {name: float(value) for name, value in scores.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--task", action="append", help="only this one, by its name")
    options = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)
    print("| task | chance | log-mel, linear | log-mel, one hidden layer |")
    print("|---|---|---|---|")
    for task in sorted(options.folder.iterdir()):
        name = task.name.split("-")[0]
        if options.task and name not in options.task:
            continue
        began = time.perf_counter()
        cells = [f"{value:.3f}" for value in measure(task).values()]
        print(f"| {name} | {' | '.join(cells)} |", f"  ({time.perf_counter() - began:.0f} s)")


if __name__ == "__main__":
    main()
