"""Write an untrained YAMNet whose batch norms are calibrated to a task's training clips.

    python scripts/heareval/calibrate_yamnet.py TASK/16000/train yamnet.safetensors [--seed 0]

Kernels stay as ``random:SEED`` draws them. Means and variances become those that each layer has on
the clips, layer by layer, so that no channel is constant: without that, random features of
different sounds are nearly equal. No label is looked at.
"""

import argparse
from pathlib import Path

import numpy as np
import soundfile
from safetensors.numpy import save_file

from hear_openl3_yamnet import frontends
from hear_openl3_yamnet.backbones import folding, yamnet

N_PATCHES = 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clips", type=Path, help="folder of WAV files at 16 kHz")
    parser.add_argument("output", type=Path, help="a .safetensors file")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    patches = draw_patches(arguments.clips, np.random.default_rng(arguments.seed))
    save_file(calibrate(yamnet.random_weights(arguments.seed), patches), arguments.output)
    print(arguments.output)


def draw_patches(folder: Path, rng: np.random.Generator) -> np.ndarray:
    """Cut log-mel patches [shape=(n, bands, frames, 1)] from all clips alike, at any time."""
    front_end = frontends.FRONT_ENDS["yamnet"]
    paths = sorted(folder.glob("*.wav"))
    bands = front_end.bands()
    patches = []
    for path in paths:
        audio, _ = soundfile.read(path, dtype="float32")
        starts = rng.integers(len(audio) - front_end.window, size=N_PATCHES // len(paths))
        table = frontends.frame_table(starts, front_end)
        frames = frontends.cut_frames(audio, table, front_end)
        amplitudes = frontends.band_amplitudes(frames, bands, front_end.fft_length)
        patches.append(np.asarray(frontends.log_mel(amplitudes, table.index, front_end)))
    return np.concatenate(patches)


def calibrate(weights: dict[str, np.ndarray], patches: np.ndarray) -> dict[str, np.ndarray]:
    """Return weights whose moving means and variances are those of the patches."""
    import keras

    model = yamnet.keras_model()
    folding.set_keras_weights(model, weights)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.0  # the batch's own, not a mixture with those before
    model(patches, training=True)
    return {name: np.asarray(x, np.float32) for name, x in folding.keras_weights(model).items()}


if __name__ == "__main__":
    main()
