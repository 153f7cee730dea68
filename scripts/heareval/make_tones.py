"""Write an easy event task: tones of three pitches in faint noise.

    python -m scripts.heareval.make_tones TASKS

It writes TASKS/tones-v1-full in HEAR's format, at 16 kHz: 12 clips of two minutes, each with 47
tones of 0.3 to 1 s that do not overlap. All networks recognise the tones, so that the scores show
how accurate the timestamps are.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import soundfile

SAMPLE_RATE = 16000
SECONDS = 120
TONES = {"low": 300.0, "middle": 1000.0, "high": 3000.0}  # Hz
N_CLIPS = {"train": 6, "valid": 3, "test": 3}
METADATA = {
    "task_name": "tones",
    "version": "v1",
    "embedding_type": "event",
    "prediction_type": "multilabel",
    "split_mode": "trainvaltest",
    "sample_duration": float(SECONDS),
    "evaluation": ["event_onset_200ms_fms", "segment_1s_er"],
    "mode": "full",
    "splits": list(N_CLIPS),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tasks", type=Path)
    folder = parser.parse_args().tasks / "tones-v1-full"
    rng = np.random.default_rng(0)
    for split, n_clips in N_CLIPS.items():
        (folder / str(SAMPLE_RATE) / split).mkdir(parents=True)
        answers = {}
        for index in range(n_clips):
            name = f"{index}.wav"
            samples, answers[name] = make_clip(rng)
            soundfile.write(folder / str(SAMPLE_RATE) / split / name, samples, SAMPLE_RATE)
        (folder / f"{split}.json").write_text(json.dumps(answers))
    labels = [f"{index},{label}" for index, label in enumerate(TONES)]
    (folder / "labelvocabulary.csv").write_text("\n".join(["idx,label", *labels, ""]))
    (folder / "task_metadata.json").write_text(json.dumps(METADATA, indent=2))


def make_clip(rng: np.random.Generator) -> tuple[np.ndarray, list[dict]]:
    time = np.arange(SECONDS * SAMPLE_RATE) / SAMPLE_RATE
    samples = 0.003 * rng.standard_normal(len(time))
    events = []
    for earliest in np.arange(1.0, SECONDS - 2.0, 2.5):
        start = earliest + rng.uniform(0, 1)
        end = start + rng.uniform(0.3, 1)
        label = str(rng.choice(list(TONES)))
        sounding = (time >= start) & (time < end)
        samples[sounding] += 0.1 * np.sin(2 * np.pi * TONES[label] * time[sounding])
        events.append({"label": label, "start": 1000 * start, "end": 1000 * end})
    return samples.astype(np.float32), events


if __name__ == "__main__":
    main()
