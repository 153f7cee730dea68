"""Train the starter weights of one network on a bank of `render_bank.py`.

    python scripts/train_starter.py --network openl3 --bank /tmp/bank --out /tmp/openl3 --steps 6000

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
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from starter_bank import HEIGHT, TAGS, Bank, batch
from starter_splits import CLASSES

from hear_openl3_yamnet.backbones import folding, openl3, yamnet
from hear_openl3_yamnet.weights.readers import read_weights

if TYPE_CHECKING:
    import keras

CONTRAST = "contrast"
LENGTH = "length"
_MOMENTUM = 0.97  # of batch norms: trainings are short
_TEMPERATURE = 0.2  # of the contrastive term
_LOG_EVERY = 25  # steps
_WARM_UP = 100  # steps in which the learning rate rises
_LAST_RATE = 0.02  # of the highest learning rate


@dataclass(frozen=True)
class Recipe:
    """How one network is trained."""

    front_end: str
    n_bands: int
    n_frames: int
    """Of the crops. OpenL3 takes a maximum over the map, so that shorter ones than in use do."""
    n_clips: int
    """In a batch."""
    learning_rate: float
    settles: float
    """Share of the steps after which the network's batch norms keep the statistics they have.

    In training a batch norm sees an unusual clip's own variance and damps it; in use it does not,
    and in YAMNet, a norm after every layer, such a clip's maps grow from layer to layer. A network
    that ends its training with the norms of its use learns not to let them.
    """
    even_lengths: float
    """Weight of a term of the loss that asks for embeddings of one length."""


RECIPES = {
    "openl3": Recipe("mel128", 128, 48, 16, 7e-4, 0.6, 0.0),
    "yamnet": Recipe("yamnet", 64, 96, 64, 1e-3, 0.6, 0.5),
}

LOSS_WEIGHTS = {
    "type": 1.0,
    "pitch": 1.5,
    "program": 0.5,
    "word": 1.0,
    "voice": 0.3,
    HEIGHT: 0.5,
    TAGS: 10.0,
    CONTRAST: 0.1,
}


def chance_levels() -> dict[str, float]:
    """Return each head's loss at chance."""
    levels = {name: float(np.log(n)) for name, n in CLASSES.items()}
    share = 1.3 / CLASSES["type"]  # about 1.3 tags a clip
    tags = -(share * np.log(share) + (1 - share) * np.log(1 - share))
    return {**levels, HEIGHT: 1.0, TAGS: float(tags)}


def build(
    network: str, contrast: bool = False, n_frames: int | None = None, *, settled: bool = False
):
    """Build a network under its heads, compiled.

    Parameters
    ----------
    network : str
        ``openl3`` or ``yamnet``.
    contrast : bool
        Add the self-supervised head.
    n_frames : int, optional
        Of the crops; the recipe's by default.
    settled : bool
        The network's batch norms keep the statistics they have.

    Returns
    -------
    backbone, model : keras.Model
        The published network, and all of it with the heads.
    """
    import keras

    recipe = RECIPES[network]
    if network == "openl3":
        backbone = openl3.keras_model(recipe.n_bands, n_frames or recipe.n_frames)
        # the published embedding is a max pooling over the whole map
        embedding = keras.layers.GlobalMaxPooling2D(name="embedding")(backbone.output)
    else:
        backbone = yamnet.keras_model(recipe.n_bands, n_frames or recipe.n_frames)
        embedding = backbone.get_layer("predictions").input
    for layer in backbone.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = _MOMENTUM
    inputs = keras.Input(backbone.input.shape[1:])
    features = keras.Model(backbone.input, embedding)
    embedding = (settling(features) if settled else features)(inputs)
    scaled = keras.layers.BatchNormalization(momentum=_MOMENTUM, name="scaled")(embedding)
    sizes = {**CLASSES, HEIGHT: 1, TAGS: CLASSES["type"]}
    outputs = {name: keras.layers.Dense(size, name=name)(scaled) for name, size in sizes.items()}
    cross_entropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    losses = dict.fromkeys(CLASSES, cross_entropy)
    losses[HEIGHT] = keras.losses.MeanSquaredError()
    losses[TAGS] = keras.losses.BinaryCrossentropy(from_logits=True)
    weights = {name: LOSS_WEIGHTS[name] for name in outputs}
    if recipe.even_lengths:
        squares = keras.ops.sum(keras.ops.square(embedding), axis=1, keepdims=True)
        outputs[LENGTH] = keras.ops.log(squares + 1e-6) / 2
        losses[LENGTH] = deviation_from_mean
        weights[LENGTH] = recipe.even_lengths
    if contrast:
        hidden = keras.layers.Dense(256, "relu", name="projected")(scaled)
        outputs[CONTRAST] = keras.layers.Dense(128, name=CONTRAST)(hidden)
        losses[CONTRAST] = contrastive_loss
        weights[CONTRAST] = LOSS_WEIGHTS[CONTRAST]
    model = keras.Model(inputs, outputs)
    optimizer = keras.optimizers.AdamW(recipe.learning_rate, weight_decay=0.01, clipnorm=5.0)
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    model.compile(optimizer, loss=losses, loss_weights=weights, jit_compile=False)
    return backbone, model


def settling(features: "keras.Model") -> "keras.Layer":
    """Return a layer that is a network in use, even in training; its weights are trained."""
    import keras

    class Settled(keras.layers.Layer):
        def __init__(self):
            super().__init__()
            self.features = features

        def call(self, inputs):
            # an argument of the functional call would be overruled by the outer model's
            return self.features(inputs, training=False)

    return Settled()


def deviation_from_mean(targets, values):
    """Return the squared distance of each value from the batch's mean; there are no targets."""
    from keras import ops

    return ops.square(values - ops.mean(values))[:, 0]


def contrastive_loss(targets, projections):
    """Ask each crop which other crop is of the same clip: its neighbour (NT-Xent).

    A. Saeed, D. Grangier and N. Zeghidour, "Contrastive Learning of General-Purpose Audio
    Representations", ICASSP 2021, with the cosine similarity of T. Chen et al., "A Simple
    Framework for Contrastive Learning of Visual Representations", ICML 2020.

    Parameters
    ----------
    targets : tensor [shape=(n_clips,)]
        The neighbour's place in the batch.
    projections : tensor [shape=(n_clips, 128)]

    Returns
    -------
    tensor [shape=(n_clips,)]
    """
    import keras
    from keras import ops

    length = ops.sqrt(ops.sum(ops.square(projections), axis=1, keepdims=True) + 1e-9)
    unit = projections / length
    similarity = ops.matmul(unit, ops.transpose(unit)) / _TEMPERATURE
    similarity = similarity - 1e9 * ops.eye(ops.shape(unit)[0])
    return keras.losses.sparse_categorical_crossentropy(
        ops.reshape(targets, (-1,)), similarity, from_logits=True
    )


def add_labelless(targets: dict, masks: dict, recipe: Recipe, contrast: bool = False) -> None:
    """Add to a batch what the heads without labels are given."""
    everywhere = np.ones_like(masks[TAGS])
    if recipe.even_lengths:
        targets[LENGTH], masks[LENGTH] = 0 * everywhere, everywhere
    if contrast:
        targets[CONTRAST], masks[CONTRAST] = np.arange(len(everywhere)) ^ 1, everywhere


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


def main() -> None:
    """Train, or go on training."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
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
    arguments = parser.parse_args()
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


if __name__ == "__main__":
    main()
