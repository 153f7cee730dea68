"""Measure the distance of reduced precision and dense framing from float32 and exact windows.

    python -m scripts.measure.distances [WEIGHTS]       # untrained weights by default

It prints a Markdown table of relative L2 distances and cosines over the windows of each signal.
"""

import argparse

import numpy as np

from . import signals

WAYS = {
    "bfloat16": {"precision": "bfloat16"},
    "float16": {"precision": "float16"},
    "dense": {"framing": "dense"},
}


def quiet_clip(sample_rate: int, seconds: float) -> np.ndarray:
    """Return notes that fade by 40 dB, followed by silence."""
    audio = signals.notes(sample_rate, seconds)
    audio *= np.logspace(0, -2, len(audio), dtype=np.float32)
    audio[3 * len(audio) // 4 :] = 0
    return audio


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("weights", nargs="?", default="random:1")
    parser.add_argument("--presets", nargs="+", default=["openl3-mel256-music", "yamnet"])
    arguments = parser.parse_args()
    import hear_openl3_yamnet as hear

    sounds = {**signals.SIGNALS, "fade": quiet_clip}
    print("| preset | way | signal | L2, mean | L2, largest | cosine, smallest |")
    print("|---|---|---|---:|---:|---:|")
    for preset in arguments.presets:
        reference = hear.load_model(model=preset, weights=arguments.weights)
        clips = {name: make(reference.sample_rate, 2) for name, make in sounds.items()}
        clips = {name: clip[None] for name, clip in clips.items() if clip is not None}
        hop = 4 * reference.hop_size

        def embed(model, hop=hop, clips=clips):
            return {
                name: np.asarray(hear.get_timestamp_embeddings(clip, model, hop)[0])[0]
                for name, clip in clips.items()
            }

        expected = embed(reference)
        for way, options in WAYS.items():
            if preset == "yamnet" and way == "dense":
                continue
            got = embed(hear.load_model(model=preset, weights=arguments.weights, **options))
            for name, wanted in expected.items():
                norms = np.linalg.norm(wanted, axis=1)
                l2 = np.linalg.norm(got[name] - wanted, axis=1) / norms
                cosines = np.sum(got[name] * wanted, axis=1) / (
                    norms * np.linalg.norm(got[name], axis=1)
                )
                print(
                    f"| {preset} | {way} | {name} | {l2.mean():.1e} | {l2.max():.1e} | "
                    f"{cosines.min():.6f} |"
                )


if __name__ == "__main__":
    main()
