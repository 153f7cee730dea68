"""OpenL3 and networks of separable convolutions in PyTorch, to train students.

Weights have the package's names and shapes.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from hear_openl3_yamnet.backbones import openl3, openl3_lite, separable
from hear_openl3_yamnet.backbones.separable import EPSILON, Step
from hear_openl3_yamnet.files import written_whole


def to_torch(kernel: np.ndarray) -> np.ndarray:
    """Transpose a Keras kernel (bands, frames, in, out) to PyTorch's (out, in, bands, frames)."""
    return np.ascontiguousarray(kernel.transpose(3, 2, 0, 1))


class Teacher(nn.Module):
    """OpenL3 with its batch norms folded: log-mel windows → the last map."""

    def __init__(self, weights: dict[str, np.ndarray]):
        super().__init__()
        folded = openl3.fold(weights)
        self.register_buffer("scale", torch.from_numpy(folded["input/scale"]))
        self.register_buffer("offset", torch.from_numpy(folded["input/offset"]))
        for step in openl3.STEPS:
            if step.kind == "conv":
                kernel = to_torch(folded[f"{step.name}/kernel"])
                self.register_buffer(f"{step.name}_kernel", torch.from_numpy(kernel))
                bias = torch.from_numpy(folded[f"{step.name}/bias"])
                self.register_buffer(f"{step.name}_bias", bias)

    def forward(self, logmel: torch.Tensor) -> torch.Tensor:
        """Return the last map [shape=(n, 512, bands // 8, frames // 8)]."""
        x = logmel * self.scale + self.offset
        x = x.to(self.conv1_kernel.dtype).contiguous(memory_format=torch.channels_last)
        for step in openl3.STEPS:
            if step.kind == "pool":
                x = F.max_pool2d(x, 2)
                continue
            kernel, bias = (getattr(self, f"{step.name}_{kind}") for kind in ("kernel", "bias"))
            x = F.conv2d(x, kernel, bias, padding=1)
            if step.relu:
                x = F.relu_(x)
        return x


class Student(nn.Module):
    """A network of `separable.Step`, with its batch norms apart.

    Its modules are named as the weights of `separable.weight_shapes`. If ``n_done`` is not 0, so
    many steps are done already: the input is the last one's map.
    """

    def __init__(self, steps: Sequence[Step] = openl3_lite.STEPS, momentum: float = 0.03):
        super().__init__()
        self.steps = tuple(steps)
        self.n_done = 0
        self.register_buffer("input_mean", torch.full((1,), -45.0))
        self.register_buffer("input_variance", torch.full((1,), 400.0))
        channels_in = 1
        for step in self.steps:
            if step.separable:
                depthwise, pointwise = step.convolutions
                self._add(depthwise, channels_in, channels_in, step, channels_in, momentum)
                point = Step(pointwise, step.channels, (1, 1))
                self._add(pointwise, channels_in, step.channels, point, 1, momentum)
                if step.residual:  # what it adds begins small
                    nn.init.constant_(self.get_submodule(f"{pointwise}_norm").weight, 0.3)
            else:
                self._add(step.name, channels_in, step.channels, step, 1, momentum)
            channels_in = step.channels

    def _add(
        self, name: str, channels_in: int, channels: int, step: Step, groups: int, momentum: float
    ) -> None:
        padding = tuple(0 if step.all_bands else (size - 1) // 2 for size in step.kernel)
        conv = nn.Conv2d(
            channels_in, channels, step.kernel, step.stride, padding, groups=groups, bias=False
        )
        nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
        self.add_module(name, conv)
        norm = nn.BatchNorm2d(channels, eps=EPSILON, momentum=momentum)
        self.add_module(f"{name}_norm", norm)

    def freeze(self, n_steps: int) -> None:
        """Keep the weights of the first steps. From now on the input is the map after them."""
        self.n_done = n_steps
        for step in self.steps[:n_steps]:
            for name in step.convolutions:
                for part in (name, f"{name}_norm"):
                    self.get_submodule(part).requires_grad_(False)

    def _apply_part(self, x: torch.Tensor, name: str) -> torch.Tensor:
        return getattr(self, f"{name}_norm")(getattr(self, name)(x))

    def forward(self, x: torch.Tensor, n_steps: int | None = None) -> torch.Tensor:
        """Return the last map [shape=(n, channels, bands, frames)], or that after so many steps."""
        if self.n_done == 0:
            x = (x - self.input_mean) / torch.sqrt(self.input_variance + EPSILON)
        for step in self.steps[self.n_done : n_steps]:
            y = x
            if step.separable:
                y = F.relu(self._apply_part(y, step.convolutions[0]))
            y = self._apply_part(y, step.convolutions[-1])
            if step.residual:
                y = y + x
            x = F.relu(y) if step.relu else y
        return x


_NORM = {
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}


def student_weights(
    state: dict[str, torch.Tensor], steps: Sequence[Step] = openl3_lite.STEPS
) -> dict[str, np.ndarray]:
    """Return a student's state under the names and shapes of `separable.weight_shapes`."""
    weights = {}
    for name, shape in separable.weight_shapes(steps).items():
        layer, kind = name.rsplit("/", 1)
        if layer == "input_norm":
            given = {"moving_mean": "input_mean", "moving_variance": "input_variance"}
            if kind in given:
                value = state[given[kind]].float().cpu().numpy()
            else:
                value = np.full(shape, float(kind == "gamma"), np.float32)
        elif kind == "kernel":
            kernel = state[f"{layer}.weight"].detach().float().cpu().contiguous().numpy()
            axes = (2, 3, 0, 1) if layer.endswith("depthwise") else (2, 3, 1, 0)
            value = kernel.transpose(axes)
        else:
            value = state[f"{layer}.{_NORM[kind]}"].detach().float().cpu().numpy()
        assert value.shape == shape, (name, value.shape, shape)
        weights[name] = np.ascontiguousarray(value, np.float32)
    return weights


def load_student(student: Student, weights: dict[str, np.ndarray]) -> None:
    """Give a student weights, named as in `separable.weight_shapes`.

    Layers that the student does not have, and its own that are not in `weights`, are left out.
    """
    state = student.state_dict()
    for name, value in weights.items():
        layer, kind = name.rsplit("/", 1)
        tensor = torch.from_numpy(np.asarray(value, np.float32))
        if layer == "input_norm":
            given = {"moving_mean": "input_mean", "moving_variance": "input_variance"}
            if kind in given:
                state[given[kind]].copy_(tensor)
            continue
        own = state.get(f"{layer}.{'weight' if kind == 'kernel' else _NORM[kind]}")
        if own is not None:
            axes = (2, 3, 0, 1) if layer.endswith("depthwise") else (3, 2, 0, 1)
            own.copy_(tensor.permute(axes) if kind == "kernel" else tensor)


def export_student(
    state: dict[str, torch.Tensor],
    path: Path,
    metadata: dict[str, str],
    steps: Sequence[Step] = openl3_lite.STEPS,
) -> None:
    """Write a student's weights in float16. The file is complete or unchanged.

    Raises
    ------
    OverflowError
        If a weight does not fit into float16.
    """
    from safetensors.numpy import save_file

    halves = {}
    for name, value in student_weights(state, steps).items():
        half = value.astype(np.float16)
        if name.endswith("moving_variance"):  # no variance may be rounded to 0
            half = np.maximum(half, np.float16(6e-5))
        if not np.isfinite(half).all():
            raise OverflowError(f"{name} does not fit into float16")
        halves[name] = half
    with written_whole(path) as partial:
        save_file(halves, partial, metadata=metadata)
