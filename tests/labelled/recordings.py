"""Labelled sounds for tests: low and high tones, by several speakers, and beeps in noise."""

import json

import numpy as np
import soundfile

RATE = 16_000


def tone(frequency, seconds, rng):
    time = np.arange(round(seconds * RATE)) / RATE
    return 0.3 * np.sin(2 * np.pi * frequency * time) + 0.01 * rng.standard_normal(len(time))


def write_tones(folder, n_speakers=6, n_each=2):
    """Write ``low/s0_0.wav`` …: an easy difference. Return the paths from the folder."""
    names = []
    for speaker in range(n_speakers):
        for label, (lowest, highest) in {"low": (200, 400), "high": (2000, 4000)}.items():
            for number in range(n_each):
                rng = np.random.default_rng([speaker, ord(label[0]), number])
                name = f"{label}/s{speaker}_{number}.wav"
                (folder / label).mkdir(parents=True, exist_ok=True)
                samples = tone(rng.uniform(lowest, highest), 0.5, rng)
                soundfile.write(folder / name, samples, RATE)
                names.append(name)
    return names


def write_task(folder, name, splits, metadata, answers, sound):
    path = folder / name
    for split in splits:
        (path / str(RATE) / split).mkdir(parents=True)
        answer = {}
        for i in range(answers["n"]):
            samples, label = sound(split, i)
            soundfile.write(path / str(RATE) / split / f"{split}{i}.wav", samples, RATE)
            answer[f"{split}{i}.wav"] = label
        (path / f"{split}.json").write_text(json.dumps(answer))
    labels = enumerate(answers["labels"])
    rows = "\n".join(f"{i},{label}" for i, label in labels)
    (path / "labelvocabulary.csv").write_text(f"idx,label\n{rows}\n")
    metadata = {"task_name": name, "splits": list(splits), **metadata}
    (path / "task_metadata.json").write_text(json.dumps(metadata))


def write_scenes(folder, name="tones"):
    """Write a task of tones, low and high ones: three folds of eight clips."""

    def sound(split, i):
        rng = np.random.default_rng([ord(split[-1]), i])
        low = i % 2
        frequency = rng.uniform(200, 400) if low else rng.uniform(2000, 4000)
        return tone(frequency, 0.5, rng), ["low" if low else "high"]

    metadata = {
        "embedding_type": "scene",
        "prediction_type": "multiclass",
        "split_mode": "new_split_kfold",
        "evaluation": ["top1_acc"],
    }
    splits = ("fold00", "fold01", "fold02")
    write_task(folder, name, splits, metadata, {"n": 8, "labels": ["low", "high"]}, sound)


def write_events(folder):
    """Write the task ``beeps``: one second of a tone in each clip of noise."""

    def sound(split, i):
        rng = np.random.default_rng([ord(split[0]), i])
        samples = 0.01 * rng.standard_normal(6 * RATE)
        start = rng.uniform(1, 4)
        first = round(start * RATE)
        samples[first : first + RATE] += tone(1000, 1, rng)
        event = {"label": "tone", "start": 1000 * start, "end": 1000 * (start + 1)}
        return samples, [event]

    metadata = {
        "embedding_type": "event",
        "prediction_type": "multilabel",
        "split_mode": "trainvaltest",
        "evaluation": ["event_onset_200ms_fms"],
    }
    splits = ("train", "valid", "test")
    write_task(folder, "beeps", splits, metadata, {"n": 2, "labels": ["tone"]}, sound)


def write_event_manifest(folder, n_files=6):
    """Write files of noise by three recorders, with a low and a high beep each, and a manifest."""
    rows = ["path,label,start,end,recorder"]
    for number in range(n_files):
        rng = np.random.default_rng([7, number])
        samples = 0.01 * rng.standard_normal(4 * RATE)
        for label, frequency, start in (("high", 3000, 2.25), ("low", 300, 0.5)):
            first = round(start * RATE)
            samples[first : first + RATE // 2] += tone(frequency, 0.5, rng)
            rows.append(f"{number}.wav,{label},{start},{start + 0.5},r{number % 3}")
        folder.mkdir(parents=True, exist_ok=True)
        soundfile.write(folder / f"{number}.wav", samples, RATE)
    path = folder / "events.csv"
    path.write_text("\n".join(rows) + "\n")
    return path
