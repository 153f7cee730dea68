"""The blocks of docs/plug-in.md, run in order: PyTorch's on PyTorch, the others on TensorFlow."""

import os

import pytest

from tests.code_blocks import blocks, run

BACKEND = os.environ.get("KERAS_BACKEND", "tensorflow")
SOUNDS, *BLOCKS = blocks("plug-in.md")


def test_blocks_are_found():
    headings = [block.heading for block in BLOCKS]
    assert headings[1] == headings[2] == "Keras, on TensorFlow"
    assert [*headings[:1], *headings[3:]] == ["scikit-learn", "tf.data", "torch.utils.data"]
    assert all(block.output for block in BLOCKS)


@pytest.mark.backends
def test_blocks_print_what_the_page_shows():
    if BACKEND == "jax":
        pytest.skip("no recipe for JAX")
    namespace = {"__name__": "__main__"}
    run(SOUNDS, namespace)
    for block in BLOCKS:
        if (BACKEND == "torch") == (block.heading == "torch.utils.data"):
            assert run(block, namespace) == block.output, block.heading
