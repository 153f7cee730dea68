"""The blocks of docs/plug-in.md run in order, on PyTorch or on TensorFlow."""

import os

import pytest

from tests.code_blocks import blocks, run, runs_blocks_of

BACKEND = os.environ.get("KERAS_BACKEND", "tensorflow")


def test_blocks_are_found():
    _, *shown = blocks("plug-in.md")
    headings = [block.heading for block in shown]
    assert headings[1] == headings[2] == "Keras, on TensorFlow"
    assert [*headings[:1], *headings[3:]] == ["scikit-learn", "tf.data", "torch.utils.data"]
    assert all(block.output for block in shown)


@pytest.mark.slow
@pytest.mark.backends
@runs_blocks_of("plug-in.md")
def test_blocks_print_what_the_page_shows(page_blocks):
    if BACKEND == "jax":
        pytest.skip("no recipe for JAX")
    sounds, *shown = page_blocks
    namespace = {"__name__": "__main__"}
    run(sounds, namespace)
    for block in shown:
        if (BACKEND == "torch") == (block.heading == "torch.utils.data"):
            assert run(block, namespace) == block.output, block.heading
