"""Maps of a trunk that is not trained, computed once for a bank and kept beside it.

Without a GPU, training the whole student takes days. The layers after its trunk take minutes.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import torch

from hear_openl3_yamnet.files import written_whole
from scripts.starter.student import Student

from .teachers import multiplies_bfloat16

_BATCH = 64


def steps_digest(network: Student, n_steps: int) -> str:
    """Return a digest of the weights of a network's first steps."""
    names = tuple(name for step in network.steps[:n_steps] for name in step.convolutions)
    digest = hashlib.sha256()
    for name, value in network.state_dict().items():
        if name.startswith(("input_", *(f"{n}." for n in names), *(f"{n}_norm." for n in names))):
            digest.update(name.encode() + value.cpu().numpy().tobytes())
    return digest.hexdigest()[:12]


@torch.no_grad()
def trunk_maps(bank: Path, network: Student, n_steps: int) -> np.ndarray:
    """Return the maps of all windows of a bank after the first steps of a network.

    Parameters
    ----------
    bank : Path
        What `teach` wrote. The maps are kept in it, and read again if the weights are the same.
    network : Student
    n_steps : int

    Returns
    -------
    np.ndarray [shape=(n, bands, frames, channels), dtype=float16]
        A file mapped into memory.
    """
    path = bank / f"maps-{n_steps}-{steps_digest(network, n_steps)}.npy"
    if not path.exists():
        logmel = np.load(bank / "logmel.npy", mmap_mode="c")
        device = next(network.parameters()).device
        network = network.to(memory_format=torch.channels_last).eval()
        with written_whole(path) as partial:
            maps = None
            for first in range(0, len(logmel), _BATCH):
                x = torch.from_numpy(logmel[first : first + _BATCH])[:, None].to(device).float()
                with torch.autocast(
                    device.type, torch.bfloat16, enabled=multiplies_bfloat16(device)
                ):
                    some = network(x, n_steps).permute(0, 2, 3, 1).half().cpu().numpy()
                if maps is None:
                    shape = (len(logmel), *some.shape[1:])
                    maps = np.lib.format.open_memmap(partial, "w+", np.float16, shape)
                maps[first : first + len(some)] = some
            maps.flush()
    return np.load(path, mmap_mode="c")
