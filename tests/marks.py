"""Marks that depend on the backend."""

import os

import pytest


def slow_on(*backends: str) -> pytest.MarkDecorator:
    """Return the mark of slow tests if Keras runs on one of these backends, else one of no effect.

    JAX compiles each shape of each function, so a test can take ten times as long there.
    """
    slow = os.environ["KERAS_BACKEND"] in backends
    return pytest.mark.slow if slow else pytest.mark.skipif(False, reason="")
