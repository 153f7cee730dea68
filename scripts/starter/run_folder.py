"""The folder of a training on PyTorch: its log ``log.jsonl`` and its checkpoint ``state.pt``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

from hear_openl3_yamnet.files import written_whole


def log(folder: Path, **values: float) -> None:
    """Print a line and append it to the log."""
    line = json.dumps(values)
    with open(folder / "log.jsonl", "a", encoding="utf-8") as file:
        file.write(line + "\n")
    print(line, flush=True)


def save(folder: Path, parts: dict[str, Any], **values: int) -> None:
    """Write a checkpoint: the states of some parts, values, and the state of random numbers."""
    state = {name: part.state_dict() for name, part in parts.items()} | values
    state["random"] = torch.get_rng_state()
    state["random_gpu"] = torch.cuda.get_rng_state() if torch.cuda.is_available() else None
    with written_whole(folder / "state.pt") as partial:
        torch.save(state, partial)


def resume(folder: Path, parts: dict[str, Any], device: torch.device) -> dict[str, int] | None:
    """Set the parts to the checkpoint's states, if there is one, and return its values."""
    path = folder / "state.pt"
    if not path.exists():
        return None
    state = torch.load(path, map_location=device, weights_only=True)
    for name, part in parts.items():
        part.load_state_dict(state.pop(name))
    torch.set_rng_state(state.pop("random").cpu())
    random_gpu = state.pop("random_gpu")
    if random_gpu is not None and torch.cuda.is_available():
        torch.cuda.set_rng_state(random_gpu.cpu())
    return state
