"""The weights in the package are those that the registry lists."""

from __future__ import annotations

import numpy as np
import pytest
from safetensors import safe_open

from hear_openl3_yamnet import get_scene_embeddings, load_model
from hear_openl3_yamnet.synthesis.events import KINDS
from hear_openl3_yamnet.synthesis.streams import stream
from hear_openl3_yamnet.weights.finding import look_up, own_place
from hear_openl3_yamnet.weights.reading import read_weights
from hear_openl3_yamnet.weights.receipts import sha256
from hear_openl3_yamnet.weights.registry import load_registry, registry_path

MAX_BYTES = {
    "openl3-mel128-starter": 10_000_000,
    "yamnet-starter": 8_000_000,
    "openl3-lite": 1_500_000,
    "holistic": 10_000_000,
}
STARTERS = [entry for entry in load_registry().values() if entry.is_starter]


def test_all_that_is_shipped_is_registered():
    shipped = {path.name for path in registry_path().parent.glob("*.safetensors")}
    assert shipped == {entry.file for entry in STARTERS}


@pytest.mark.parametrize("entry", STARTERS, ids=lambda entry: entry.name)
def test_a_starter_file(entry):
    path = own_place(entry)
    assert entry.digests == (f"sha256:{sha256(path)}",)
    assert entry.size == path.stat().st_size <= MAX_BYTES[entry.name]
    assert entry.licence == "CC BY 4.0"
    assert look_up(entry).verified
    with safe_open(path, "np") as file:
        assert {file.get_slice(key).get_dtype() for key in file.keys()} == {"F16"}  # noqa: SIM118
    read_weights(path, entry.network)  # it checks names, shapes and values


@pytest.mark.slow
@pytest.mark.parametrize("entry", STARTERS, ids=lambda entry: entry.name)
def test_no_sound_has_a_far_longer_embedding_than_others(entry):
    model = load_model(own_place(entry))
    clips = [
        KINDS[kind](1.0, model.sample_rate, stream("test/lengths", kind))
        for kind in list(KINDS)[:: 2 if entry.network == "yamnet" else 6]
    ]
    embeddings = np.asarray(get_scene_embeddings(np.stack(clips), model))
    lengths = np.linalg.norm(embeddings, axis=1)
    assert lengths.max() < 2 * np.median(lengths)
