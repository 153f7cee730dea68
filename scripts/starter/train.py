"""Train the starter weights of one network on a bank that `render` made.

    python -m scripts.starter train --network openl3 --bank /tmp/bank --out /tmp/openl3 --steps 6000

Stops and goes on: everything is in the folder ``--out``, and the same command takes it up again,
exactly where the last checkpoint was. The log (``log.jsonl``) has a line for every 25 steps, with
each head's loss beside its chance level: what a head that knows nothing but how common each class
is, or would be if all were equally common, comes to.
"""

import argparse
import json
import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hear_openl3_yamnet.backbones import folding, openl3, yamnet
from hear_openl3_yamnet.weights.reading import read_weights

from .batches import Bank, batch
from .objective import RECIPES, Recipe, add_labelless, build, chance_levels

if TYPE_CHECKING:
    import keras

_LOG_EVERY = 25  # steps
_WARM_UP = 100  # steps in which the learning rate rises
_LAST_RATE = 0.02  # of the highest learning rate


def learning_rate(step: int, n_steps: int, highest: float) -> float:
    """Return the learning rate of a step: a short rise, then half a cosine."""
    place = min(1.0, step / max(1, n_steps))
    fall = _LAST_RATE + (1 - _LAST_RATE) * 0.5 * (1 + np.cos(np.pi * place))
    return float(highest * min(1.0, (step + 1) / _WARM_UP) * fall)


def save_state(model: "keras.Model", path: Path, step: int) -> None:
    """Write everything that training goes on from; a write that breaks off spoils nothing."""
    from keras import ops

    variables = [*model.variables, *model.optimizer.variables]
    arrays = {f"v{i}": ops.convert_to_numpy(v) for i, v in enumerate(variables)}
    with open(path.with_suffix(".part"), "wb") as file:
        np.savez(file, step=step, **arrays)
    os.replace(path.with_suffix(".part"), path)


def state_step(path: Path) -> int:
    """Return the step at which `save_state` wrote a file."""
    with np.load(path) as state:
        return int(state["step"])


def load_state(model: "keras.Model", path: Path) -> None:
    """Read what `save_state` wrote into a model."""
    model.optimizer.build(model.trainable_variables)
    with np.load(path) as state:
        for i, variable in enumerate([*model.variables, *model.optimizer.variables]):
            variable.assign(state[f"v{i}"])


def export(backbone: "keras.Model", path: Path, metadata: dict[str, str]) -> None:
    """Write a network's weights in float16, under the names of its ``WEIGHT_SHAPES``.

    YAMNet's class scores are not trained: their weights are written as zeros.
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
    save_file(halves, path, metadata=metadata)


def batches(
    bank: Bank, recipe: Recipe, first: int, last: int, seed: int, pairs: bool
) -> Iterator[tuple]:
    """Yield the batches of steps, made in a thread one step ahead."""

    def make(step: int) -> tuple:
        return batch(
            bank,
            recipe.front_end,
            recipe.n_clips,
            recipe.n_frames,
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
    """Train, or go on training.

    Parameters
    ----------
    network : str
        ``openl3`` or ``yamnet``.
    bank : Bank
        For the network's front end.
    out : Path
        Folder of the checkpoint, the log and the exported weights.
    n_steps : int
        Over which the learning rate falls. Another number than before moves it at once.
    seed : int
        Of the first weights and of the batches.
    contrast : bool
        Train the self-supervised head as well, on batches of pairs.
    n_frames : int, optional
        Of the crops; the recipe's by default. It may change on the way.
    start : Path, optional
        Weights to begin with, exported by an earlier training; its heads begin anew.
    checkpoint_minutes : float
        Between checkpoints.
    stop_after : int, optional
        Stop before the end, at this step, with a checkpoint.

    Returns
    -------
    list of dict
        The new lines of the log.
    """
    import keras

    keras.utils.set_random_seed(seed)
    out.mkdir(parents=True, exist_ok=True)
    recipe = replace(RECIPES[network], n_frames=n_frames or RECIPES[network].n_frames)
    state, lines, first = out / "state.npz", [], 0
    settles = round(recipe.settles * n_steps)
    if state.exists():
        first = state_step(state)
    backbone, model = build(network, contrast, recipe.n_frames, settled=first >= settles)
    if state.exists():
        load_state(model, state)
    elif start is not None:
        folding.set_keras_weights(backbone, read_weights(start, network))
    last = min(n_steps, stop_after or n_steps)

    def about(step: int) -> dict[str, str]:
        clips = str(step * recipe.n_clips)
        return {"network": network, "seed": str(seed), "steps": str(step), "clips": clips}

    saved = begun = time.monotonic()
    seen: list[dict[str, tuple[float, float]]] = []
    for step, made in enumerate(batches(bank, recipe, first, last, seed, contrast), first):
        inputs, targets, masks = made
        if step == settles and step > first:
            save_state(model, state, step)
            backbone, model = build(network, contrast, recipe.n_frames, settled=True)
            load_state(model, state)
        add_labelless(targets, masks, recipe, contrast)
        model.optimizer.learning_rate.assign(learning_rate(step, n_steps, recipe.learning_rate))
        # of this batch alone: Keras resets its metrics before each
        losses = model.train_on_batch(inputs, targets, sample_weight=masks, return_dict=True)
        seen.append({n: (float(losses[f"{n}_loss"]), float(masks[n].mean())) for n in masks})
        if (step + 1) % _LOG_EVERY == 0 or step + 1 == last:
            rate = len(seen) * recipe.n_clips / (time.monotonic() - begun)
            lines.append(_log_line(seen, step + 1, recipe, rate))
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
    seen: list[dict[str, tuple[float, float]]], step: int, recipe: Recipe, rate: float
) -> dict:
    """Sum up steps, each head's (loss, share of clips with a label), as means over those clips."""
    losses = {}
    for name in seen[0]:
        total, share = np.sum([pair[name] for pair in seen], axis=0)
        losses[name] = round(total / share, 4) if share else None
    line = {"step": step, "clips": step * recipe.n_clips, "clips_a_second": round(rate, 1)}
    return {**line, "time": round(time.time()), "loss": losses}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument("--network", choices=tuple(RECIPES), required=True)
    parser.add_argument("--bank", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument(
        "--steps", type=int, required=True, help="over which the rate falls to 2 %%"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--frames", type=int, help="of the crops, which may change on the way")
    parser.add_argument("--start", type=Path, help="weights that an earlier training exported")
    parser.add_argument("--contrast", action="store_true", help="add the self-supervised term")
    parser.add_argument(
        "--mixed-precision",
        action="store_true",
        help="convolutions in bfloat16: pays where the processor or GPU has it",
    )


def main(arguments: argparse.Namespace) -> None:
    """Train, or go on training."""
    if arguments.mixed_precision:
        import keras

        keras.config.set_dtype_policy("mixed_bfloat16")
    bank = Bank.open(arguments.bank, RECIPES[arguments.network].front_end)
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
