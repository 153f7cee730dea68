"""The teachers: networks in PyTorch that say vectors of windows of sound.

Each teacher hears windows of one second and says vectors at common centres: one for the window
(`WINDOW`), or one for each of `N_CENTRES` parts of it (`PARTS`). A network can be two teachers.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from hear_openl3_yamnet.backbones import openl3_lite, yamnet
from hear_openl3_yamnet.config.presets import get_preset
from hear_openl3_yamnet.features import frontends
from hear_openl3_yamnet.features.frontends import FRONT_ENDS
from hear_openl3_yamnet.weights.finding import locate
from hear_openl3_yamnet.weights.reading import read_weights
from scripts.starter.student import Student, load_student
from scripts.starter.student import Teacher as Openl3
from scripts.starter.student_loss import embedding
from scripts.starter.windows import LogMel

TEACHER_RATE = 16_000
N_CENTRES = 6
"""Parts of a second. A frame of YAMNet's layer 8 is 160 ms, four frames of OpenL3's map 161 ms."""
FIRST_CENTRE, CENTRE_HOP = 0.0925, 0.16
"""Seconds: the centres of the frames of YAMNet's layer 8 in a second, with 12.5 ms before it."""
RESEMBLYZER_FFT, RESEMBLYZER_HOP, RESEMBLYZER_BANDS = 400, 160, 40
"""Samples of a frame and between frames, and mel bands."""
RESEMBLYZER_LEVEL = 10 ** (-30 / 20)
"""Root mean square to which quieter sounds are raised."""

SMALLEST = 1e-8


class Heard(NamedTuple):
    """Windows as teachers and student hear them."""

    samples: torch.Tensor
    """At 16 kHz [shape=(n, 16000)]."""
    logmel: torch.Tensor
    """OpenL3's [shape=(n, 1, 128, 199)]."""


def multiplies_bfloat16(device: torch.device) -> bool:
    """Return whether a device has units for products in bfloat16: a GPU, or a CPU with AMX."""
    return device.type == "cuda" or torch.cpu._is_amx_tile_supported()


class TeachingNetwork(Protocol):
    """A network that is one or more teachers."""

    def __call__(self, heard: Heard) -> dict[str, torch.Tensor]:
        """Return the vectors of each teacher [shape=(n, 1 or N_CENTRES, size)]."""


class Ear:
    """Samples at 48 kHz → what is `Heard`."""

    def __init__(self, device: torch.device):
        self.front_end = LogMel(FRONT_ENDS["mel128"].bands(), device)
        n = 193  # a low pass of 7.6 kHz, before two samples in three are left out
        at = torch.arange(n, dtype=torch.float64) - n // 2
        taper = torch.kaiser_window(n, periodic=False, beta=8.0, dtype=torch.float64)
        kernel = torch.sinc(at * (2 * 7600 / 48_000)) * taper
        self._kernel = (kernel / kernel.sum()).float().to(device)[None, None]

    def __call__(self, samples: torch.Tensor, gains: torch.Tensor | None = None) -> Heard:
        """Hear windows [shape=(n, 48000)], filtered with gains of DFT bins [shape=(n, 1, 1025)]."""
        spectra = self.front_end.spectra(samples)
        if gains is not None:
            spectra = spectra * gains
            whole = torch.fft.rfft(samples)
            curve = F.interpolate(gains, whole.shape[1], mode="linear", align_corners=True)[:, 0]
            samples = torch.fft.irfft(whole * curve, samples.shape[1])
        pad = self._kernel.shape[-1] // 2
        low = F.conv1d(samples[:, None], self._kernel, stride=3, padding=pad)[:, 0]
        return Heard(low, self.front_end.levels(spectra))


class Openl3Map:
    """A network with OpenL3's last map: its embedding, and the maxima of parts of the map."""

    def __init__(self, network: nn.Module, device: torch.device, bfloat16: bool = False):
        self._bfloat16 = bfloat16
        self._network = network.to(device, memory_format=torch.channels_last).eval()

    def __call__(self, heard: Heard) -> dict[str, torch.Tensor]:
        """Return 512 values for the window and for each part."""
        with torch.autocast(heard.logmel.device.type, torch.bfloat16, enabled=self._bfloat16):
            maps = self._network(heard.logmel)
        maps = maps.float()
        parts = maps.unflatten(3, (N_CENTRES, -1)).amax(dim=(2, 4)).transpose(1, 2)
        return {"openl3": embedding(maps)[:, None], "openl3-parts": parts}


def openl3_starter() -> nn.Module:
    """Return the starter weights of OpenL3."""
    return Openl3(read_weights(locate(get_preset("openl3-mel128-starter").weights_name), "openl3"))


def lite() -> nn.Module:
    """Return OpenL3-lite, which says what the starter says at a sixteenth of its work."""
    network = Student(openl3_lite.STEPS)
    load_student(network, read_weights(locate("openl3-lite"), openl3_lite.NAME))
    return network


class Yamnet:
    """YAMNet: its published embedding, and its layer 8 with all bands."""

    def __init__(
        self, weights: dict[str, np.ndarray], device: torch.device, layers: dict[str, str]
    ):
        import keras

        if keras.backend.backend() != "torch":
            raise SystemExit("YAMNet teaches on PyTorch. Set KERAS_BACKEND=torch.")
        self._layers = layers
        self._weights = {
            name: torch.as_tensor(value, device=device)
            for name, value in yamnet.fold(weights).items()
        }
        self._front_end = FRONT_ENDS["yamnet"]
        self._bands = torch.as_tensor(self._front_end.bands(), device=device)
        self._taper = torch.as_tensor(self._front_end.taper(), device=device)

    def __call__(self, heard: Heard) -> dict[str, torch.Tensor]:
        """Return 1024 values for the window, and 2048 for it and for each part."""
        found = {}
        maps = yamnet.feature_maps(self._weights, self._logmel(heard.samples), self._layers)
        for layer, name in self._layers.items():
            if layer == yamnet.LAST_LAYER:
                found[name] = maps[layer].mean(dim=(1, 2))[:, None]
            else:
                parts = maps[layer].transpose(1, 2).flatten(2)
                found[name] = parts.mean(dim=1, keepdim=True)
                found[f"{name}-parts"] = parts
        return found

    def _logmel(self, samples: torch.Tensor) -> Any:
        end = self._front_end
        length = (end.n_frames - 1) * end.frame_hop + end.frame_length
        before = (samples.shape[1] - length) // 2
        frames = samples[:, before : before + length].unfold(1, end.frame_length, end.frame_hop)
        frames = (frames * self._taper).reshape(-1, end.frame_length)
        amplitudes = frontends.band_amplitudes(frames, self._bands, end.fft_length)
        index = torch.arange(len(frames), device=samples.device).reshape(-1, end.n_frames)
        return frontends.log_mel(amplitudes, index, end)


class Crepe:
    """CREPE's last layer before its pitches, at each part (J. W. Kim et al., ICASSP 2018)."""

    STRIDES = (4, 1, 1, 1, 1, 1)
    FRAME = 1024

    def __init__(
        self, weights: dict[str, np.ndarray], device: torch.device, bfloat16: bool = False
    ):
        self._bfloat16 = bfloat16
        self._weights = {
            name: torch.as_tensor(np.asarray(value, np.float32), device=device)
            for name, value in weights.items()
        }
        centres = [FIRST_CENTRE + CENTRE_HOP * i for i in range(N_CENTRES)]
        self._starts = [round(c * TEACHER_RATE) - self.FRAME // 2 for c in centres]

    def __call__(self, heard: Heard) -> dict[str, torch.Tensor]:
        """Return 512 values for each part."""
        frames = torch.stack([heard.samples[:, s : s + self.FRAME] for s in self._starts], dim=1)
        x = frames.flatten(0, 1)
        x = x - x.mean(dim=1, keepdim=True)
        x = (x / x.std(dim=1, keepdim=True).clamp(min=SMALLEST))[:, None]
        with torch.autocast(x.device.type, torch.bfloat16, enabled=self._bfloat16):
            for i, stride in enumerate(self.STRIDES, start=1):
                x = self._layer(x, f"conv{i}", stride)
        x = x.transpose(1, 2).flatten(1)
        return {"crepe": x.reshape(len(heard.samples), N_CENTRES, -1)}

    def _layer(self, x: torch.Tensor, name: str, stride: int) -> torch.Tensor:
        kernel = self._weights[f"{name}/kernel"].permute(2, 1, 0)
        missing = max(
            0, (math.ceil(x.shape[2] / stride) - 1) * stride + kernel.shape[2] - x.shape[2]
        )
        x = F.pad(x, (missing // 2, missing - missing // 2))  # TensorFlow's "same"
        x = F.relu(F.conv1d(x, kernel, self._weights[f"{name}/bias"], stride))
        norm = [self._weights[f"{name}-BN/{kind}"] for kind in
                ("moving_mean", "moving_variance", "gamma", "beta")]  # fmt: skip
        return F.max_pool1d(F.batch_norm(x, *norm, eps=1e-3), 2)


class Resemblyzer(nn.Module):
    """A speaker encoder: LSTM layers over mel bands (L. Wan et al., ICASSP 2018)."""

    def __init__(self, weights: dict[str, np.ndarray], device: torch.device):
        super().__init__()
        self.lstm = nn.LSTM(RESEMBLYZER_BANDS, 256, 3, batch_first=True)
        self.linear = nn.Linear(256, 256)
        state = {name: torch.as_tensor(np.asarray(v, np.float32)) for name, v in weights.items()}
        self._bands = state.pop("bands").to(device)
        self._taper = torch.hann_window(RESEMBLYZER_FFT, device=device)
        self.load_state_dict(state)
        self.to(device)

    def forward(self, heard: Heard) -> dict[str, torch.Tensor]:
        """Return 256 values for the window."""
        x = heard.samples
        level = x.square().mean(dim=1, keepdim=True).sqrt().clamp(min=SMALLEST)
        x = x * (RESEMBLYZER_LEVEL / level).clamp(min=1.0)
        spectra = torch.stft(
            x,
            RESEMBLYZER_FFT,
            RESEMBLYZER_HOP,
            window=self._taper,
            pad_mode="constant",
            return_complex=True,
        )
        mel = spectra.abs().square().transpose(1, 2) @ self._bands
        _, (hidden, _) = self.lstm(mel)
        return {"resemblyzer": F.normalize(F.relu(self.linear(hidden[-1])), dim=1)[:, None]}


NETWORKS = {
    "openl3-starter": ("openl3", "openl3-parts"),
    "openl3-lite": ("openl3", "openl3-parts"),
    "yamnet-starter": ("yamnet-starter",),
    "yamnet": ("yamnet", "yamnet-layer8", "yamnet-layer8-parts"),
    "crepe": ("crepe",),
    "resemblyzer": ("resemblyzer",),
}
"""The networks, and the teachers that each of them is. OpenL3-lite stands for its own teacher."""


def load_network(
    name: str, folder: Path | None, device: torch.device, bfloat16: bool = False
) -> TeachingNetwork:
    """Load a network.

    Parameters
    ----------
    name : str
        One of `NETWORKS`.
    folder : Path or None
        What `collect` wrote: the weights that do not come with the package.
    device : torch.device
    bfloat16 : bool
        Whether the networks that gain from it compute in bfloat16.
    """
    if name == "openl3-starter":
        return Openl3Map(openl3_starter(), device, bfloat16)
    if name == "openl3-lite":
        return Openl3Map(lite(), device, bfloat16)
    if name == "yamnet-starter":
        weights = read_weights(locate("yamnet-starter"), "yamnet")
        return Yamnet(weights, device, {yamnet.LAST_LAYER: "yamnet-starter"})
    if folder is None:
        raise SystemExit(f"{name} needs --teachers, the folder that `collect` wrote.")
    if name == "yamnet":
        weights = read_weights(next(folder.glob("yamnet.*")), "yamnet")
        return Yamnet(weights, device, {yamnet.LAST_LAYER: "yamnet", "layer8": "yamnet-layer8"})
    with np.load(folder / f"{name}.npz") as file:
        weights = dict(file)
    return Crepe(weights, device, bfloat16) if name == "crepe" else Resemblyzer(weights, device)
