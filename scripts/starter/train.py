"""Train the starter weights of one network on a bank that `render` made.

    python -m scripts.starter train --network openl3 --bank /tmp/bank --out /tmp/openl3 --steps 6000

The folder ``--out`` holds the checkpoint ``state.npz``, the weights ``NETWORK.safetensors`` and the
log ``log.jsonl``. The same command continues an interrupted training from its last checkpoint. The
log has a line with the loss of each head after every 25 steps. The chance levels of the losses are
printed at the start: the loss of a head that ignores its input, and gives all classes the same
probability and each tag its average share.
"""

import argparse
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hear_openl3_yamnet.backbones import folding, openl3, yamnet
from hear_openl3_yamnet.files import written_whole
from hear_openl3_yamnet.weights.reading import read_weights

from .batches import Bank, batch
from .objective import SETTINGS, TrainingSettings, add_labelless, build, chance_levels

if TYPE_CHECKING:
    import keras

_LOG_EVERY = 25  # steps
_WARM_UP = 100  # steps in which the learning rate rises
_LAST_RATE = 0.02  # relative to the highest learning rate


def learning_rate(step: int, n_steps: int, highest: float) -> float:
    """Return the learning rate of a step: a short linear rise, then half a cosine."""
    place = min(1.0, step / max(1, n_steps))
    fall = _LAST_RATE + (1 - _LAST_RATE) * 0.5 * (1 + np.cos(np.pi * place))
    return float(highest * min(1.0, (step + 1) / _WARM_UP) * fall)


def save_state(model: "keras.Model", path: Path, step: int) -> None:
    """Write all that a training needs to continue. The file is complete or unchanged."""
    from keras import ops

    variables = [*model.variables, *model.optimizer.variables]
    arrays = {f"v{i}": ops.convert_to_numpy(v) for i, v in enumerate(variables)}
    with written_whole(path) as partial:
        np.savez(partial, step=step, **arrays)


def state_step(path: Path) -> int:
    """Return the step of a file that `save_state` wrote."""
    with np.load(path) as state:
        return int(state["step"])


def load_state(model: "keras.Model", path: Path) -> None:
    """Set a model and its optimizer to the state that `save_state` wrote."""
    model.optimizer.build(model.trainable_variables)
    with np.load(path) as state:
        for i, variable in enumerate([*model.variables, *model.optimizer.variables]):
            variable.assign(state[f"v{i}"])


def export(backbone: "keras.Model", path: Path, metadata: dict[str, str]) -> None:
    """Write a network's weights in float16, under the names of its ``WEIGHT_SHAPES``.

    YAMNet's class scores are not trained. Their weights are written as zeros.

    Raises
    ------
    OverflowError
        If a weight does not fit into float16.
    """
    from safetensors.numpy import save_file

    weights = folding.keras_weights(backbone)
    shapes = yamnet.WEIGHT_SHAPES if backbone.name == "yamnet" else openl3.WEIGHT_SHAPES
    halves = {}
    for name in shapes:
        value = weights[name].astype(np.float16)
        if name.startswith("predictions/"):
            value = np.zeros_like(value)
        if not np.isfinite(value).all():
            raise OverflowError(f"{name} does not fit into float16")
        halves[name] = np.ascontiguousarray(value)
    with written_whole(path) as partial:
        save_file(halves, partial, metadata=metadata)


def batches(
    bank: Bank, settings: TrainingSettings, first: int, last: int, seed: int, pairs: bool
) -> Iterator[tuple]:
    """Yield the batches of steps `first` to `last`. A thread makes them one step ahead."""

    def make(step: int) -> tuple:
        return batch(
            bank,
            settings.front_end,
            settings.n_clips,
            settings.n_frames,
            step,
            seed=seed,
            pairs=pairs,
        )

    with ThreadPoolExecutor(1) as thread:
        ahead = thread.submit(make, first)
        for step in range(first, last):
            current = ahead.result()
            if step + 1 < last:
                ahead = thread.submit(make, step + 1)
            yield current


def train(
    network: str,
    bank: Bank,
    out: Path,
    *,
    n_steps: int,
    seed: int = 0,
    contrast: bool = False,
    n_frames: int | None = None,
    start: Path | None = None,
    checkpoint_minutes: float = 3.0,
    stop_after: int | None = None,
) -> list[dict]:
    """Train a network, or continue its training.

    Parameters
    ----------
    network : str
        ``openl3`` or ``yamnet``.
    bank : Bank
        Bank with the features of the network's front end.
    out : Path
        Folder of the checkpoint, the log and the exported weights.
    n_steps : int
        Number of steps over which the learning rate falls. If it differs from an earlier call, the
        learning rate changes at once.
    seed : int
        Seed of the first weights and of the batches.
    contrast : bool
        Also train the self-supervised head, on batches of pairs.
    n_frames : int, optional
        Length of the crops, by default that of the settings. It may change when training continues.
    start : Path, optional
        First weights of the network, exported by an earlier training. The heads start untrained.
    checkpoint_minutes : float
        Time between checkpoints [min].
    stop_after : int, optional
        Stop at this step, with a checkpoint.

    Returns
    -------
    list of dict
        The new lines of the log.
    """
    import keras

    keras.utils.set_random_seed(seed)
    out.mkdir(parents=True, exist_ok=True)
    settings = replace(SETTINGS[network], n_frames=n_frames or SETTINGS[network].n_frames)
    state, lines, first = out / "state.npz", [], 0
    settles = round(settings.settles * n_steps)
    if state.exists():
        first = state_step(state)
    backbone, model = build(network, contrast, settings.n_frames, settled=first >= settles)
    if state.exists():
        load_state(model, state)
    elif start is not None:
        folding.set_keras_weights(backbone, read_weights(start, network))
    last = min(n_steps, stop_after or n_steps)

    def about(step: int) -> dict[str, str]:
        clips = str(step * settings.n_clips)
        return {"network": network, "seed": str(seed), "steps": str(step), "clips": clips}

    saved = begun = time.monotonic()
    seen: list[dict[str, tuple[float, float]]] = []
    for step, made in enumerate(batches(bank, settings, first, last, seed, contrast), first):
        inputs, targets, masks = made
        if step == settles and step > first:
            save_state(model, state, step)
            backbone, model = build(network, contrast, settings.n_frames, settled=True)
            load_state(model, state)
        add_labelless(targets, masks, settings, contrast)
        model.optimizer.learning_rate.assign(learning_rate(step, n_steps, settings.learning_rate))
        # the losses of this batch alone, because Keras resets its metrics before each call
        losses = model.train_on_batch(inputs, targets, sample_weight=masks, return_dict=True)
        seen.append({n: (float(losses[f"{n}_loss"]), float(masks[n].mean())) for n in masks})
        if (step + 1) % _LOG_EVERY == 0 or step + 1 == last:
            rate = len(seen) * settings.n_clips / (time.monotonic() - begun)
            lines.append(_log_line(seen, step + 1, settings, rate))
            with open(out / "log.jsonl", "a") as log:
                log.write(json.dumps(lines[-1]) + "\n")
            seen, begun = [], time.monotonic()
        if time.monotonic() - saved > 60 * checkpoint_minutes:
            save_state(model, state, step + 1)
            export(backbone, out / f"{network}.safetensors", about(step + 1))
            saved = time.monotonic()
    save_state(model, state, last)
    export(backbone, out / f"{network}.safetensors", about(last))
    return lines


def _log_line(
    seen: list[dict[str, tuple[float, float]]], step: int, settings: TrainingSettings, rate: float
) -> dict:
    """Average the steps' (loss, share of labelled clips) of each head over the labelled clips."""
    losses = {}
    for name in seen[0]:
        total, share = np.sum([pair[name] for pair in seen], axis=0)
        losses[name] = round(total / share, 4) if share else None
    line = {"step": step, "clips": step * settings.n_clips, "clips_a_second": round(rate, 1)}
    return {**line, "time": round(time.time()), "loss": losses}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("--network", choices=tuple(SETTINGS), required=True)
    parser.add_argument("--bank", type=Path, required=True, help="folder that `render` wrote")
    parser.add_argument("--out", type=Path, required=True, help="folder to write to")
    parser.add_argument(
        "--steps", type=int, required=True, help="steps over which the learning rate falls to 2 %%"
    )
    parser.add_argument("--seed", type=int, default=0, help="of first weights and batches")
    parser.add_argument(
        "--frames", type=int, help="length of the crops; it may change when training continues"
    )
    parser.add_argument("--start", type=Path, help="first weights, exported by an earlier training")
    parser.add_argument("--contrast", action="store_true", help="add the self-supervised term")
    parser.add_argument(
        "--mixed-precision",
        action="store_true",
        help="convolutions in bfloat16, which is faster if the hardware supports it",
    )


def main(arguments: argparse.Namespace) -> None:
    """Train a network, or continue its training."""
    if arguments.mixed_precision:
        import keras

        keras.config.set_dtype_policy("mixed_bfloat16")
    bank = Bank.open(arguments.bank, SETTINGS[arguments.network].front_end)
    print(f"{len(bank.labels)} clips; chance levels: {chance_levels()}", flush=True)
    train(
        arguments.network,
        bank,
        arguments.out,
        n_steps=arguments.steps,
        seed=arguments.seed,
        contrast=arguments.contrast,
        n_frames=arguments.frames,
        start=arguments.start,
    )
