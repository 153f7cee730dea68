"""The task of events: real recordings at known times over real music, in files of two minutes.

As in DCASE 2016, task 2, recordings are mixed, so that their onsets are exact. Five groups share
nothing: each has its own track of music, its own kits of drums, its speaker of digits and its
person who speaks the prompts. There are four such persons, so one group has no prompts.
"""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from hear_openl3_yamnet.audio.files import load_audio
from hear_openl3_yamnet.tasks.listening import audible_part, placed

from .scenes import kind_of_drum
from .sources import Sources

RATE = 48_000
SECONDS = 120.0
N_GROUPS = 5
N_FILES = 3  # of each group
PER_SECOND = 0.35
LONGEST_S = 2.0
RATIOS_DB = (-6.0, 0.0, 6.0)
"""Of an event's level to the music's, one for each file of a group."""

SPREAD_DB = 4.0
APART_S = 0.3
PEAK = 0.7

Sounds = dict[str, list[Path]]
"""Recordings by label."""


def write_mixtures(sources: Sources, folder: Path) -> Path:
    """Write the mixtures, and return their manifest."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    tracks = sources.music()
    for group, sounds in enumerate(sounds_of_groups(sources)):
        music = load_audio(tracks[group % len(tracks)], RATE)
        for number in range(N_FILES):
            rng = np.random.default_rng([group, number])
            samples, events = mixture(sounds, music, RATIOS_DB[number % len(RATIOS_DB)], rng)
            path = folder / f"mixture-{group}-{number}.flac"
            soundfile.write(path, samples, RATE)
            rows += [{"path": path.name, "group": str(group), **event} for event in events]
    manifest = folder / "events.jsonl"
    manifest.write_text("\n".join(map(json.dumps, rows)) + "\n", encoding="utf-8")
    return manifest


def sounds_of_groups(sources: Sources) -> list[Sounds]:
    """Deal kits, speakers and voices out to groups."""
    groups: list[Sounds] = [defaultdict(list) for _ in range(N_GROUPS)]
    by_source: dict[str, dict[str, list[tuple[str, Path]]]] = defaultdict(dict)
    for path, kit, instrument in sources.drums():
        if kind := kind_of_drum(instrument):
            by_source["kit"].setdefault(kit, []).append((kind, path))
    for path, _, speaker, _ in sources.digits():
        by_source["speaker"].setdefault(speaker, []).append(("digit", path))
    for path, voice, _ in sources.prompts():
        person = voice.split("_")[-1]  # one woman speaks two sets
        by_source["person"].setdefault(person, []).append(("prompt", path))
    for owners in by_source.values():
        # the largest first, so that each group gets a kit with all kinds of drums
        in_order = sorted(owners.values(), key=lambda own: -len({label for label, _ in own}))
        for number, own in enumerate(in_order):
            for label, path in own:
                groups[number % N_GROUPS][label].append(path)
    return groups


def mixture(
    sounds: Sounds, music: np.ndarray, ratio_db: float, rng: np.random.Generator
) -> tuple[np.ndarray, list[dict[str, Any]]]:
    """Mix recordings into music [shape=(n_samples,)], and say what begins and ends when [s]."""
    n_samples = round(SECONDS * RATE)
    start = int(rng.integers(max(1, len(music) - n_samples)))
    mixed = np.resize(music[start:], n_samples).astype(np.float32)  # a short track begins again
    level = np.sqrt(np.mean(mixed**2)) * 10 ** (ratio_db / 20)
    events: list[dict[str, Any]] = []
    for _ in range(round(PER_SECOND * SECONDS)):
        label = str(rng.choice(sorted(sounds)))
        paths = sounds[label]
        sound = audible_part(load_audio(paths[int(rng.integers(len(paths)))], RATE))
        sound = faded(sound[: round(LONGEST_S * RATE)])
        first = int(rng.integers(n_samples - len(sound)))
        event = {"label": label, "start": first / RATE, "end": (first + len(sound)) / RATE}
        if any(_too_close(event, other) for other in events):
            continue
        own_level = np.sqrt(np.mean(sound**2))
        gain = level * 10 ** (rng.normal(0, SPREAD_DB) / 20) / max(float(own_level), 1e-9)
        mixed += placed(gain * sound, first, n_samples)
        events.append(event)
    samples = (mixed * (PEAK / np.abs(mixed).max())).astype(np.float32)
    return samples, sorted(events, key=lambda event: event["start"])


def faded(sound: np.ndarray) -> np.ndarray:
    """Fade out the last 20 ms: a sound may have been cut off."""
    n = min(len(sound), RATE // 50)
    ramp = np.ones(len(sound), np.float32)
    ramp[len(sound) - n :] = np.linspace(1, 0, n)
    return sound * ramp


def _too_close(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Return whether two events of one kind would sound like one."""
    return (
        one["label"] == other["label"]
        and one["start"] < other["end"] + APART_S
        and other["start"] < one["end"] + APART_S
    )
