"""The network `holistic`: log-mel windows → what several networks know of them.

Its trunk is that of OpenL3-lite. Then one convolution covers all bands of the map, so that its
channels can stand for pitches and for the shapes of spectra, wherever they lie. From there on, the
map has one band and 24 frames, the frames of OpenL3's last map, and the last layers cost little.

The first 12 steps take weights of OpenL3-lite. Windows do not share convolutions, as there.
"""

from __future__ import annotations

from functools import partial

from . import openl3, openl3_lite, separable
from .separable import EPSILON as EPSILON
from .separable import SUBSAMPLINGS as SUBSAMPLINGS
from .separable import Step

NAME = "holistic"
ORIGIN = "docs/holistic.md"

NATIVE_HOP = openl3.NATIVE_HOP

ANY_WINDOW = False
"""It is trained on windows of 1 s."""

FASTEST_BATCH = openl3_lite.FASTEST_BATCH
FASTEST_BATCH_GPU = openl3_lite.FASTEST_BATCH_GPU

STEPS = (
    *openl3_lite.STEPS[:-1],
    Step("bands", 512, (16, 1), separable=False, all_bands=True),
    Step("mix1", 512, (1, 3), residual=True),
    Step("mix2", 512, (1, 3), residual=True),
    Step("wide", 1024, (1, 1), separable=False, relu=False),
)

LAYERS = separable.layer_names(STEPS)
LAST_LAYER = "wide"
FUSED_LAYERS: tuple[str, ...] = ("block2", "block3")
WEIGHT_SHAPES = separable.weight_shapes(STEPS)

fold = partial(separable.fold, STEPS)
random_weights = partial(separable.random_weights, STEPS)
feature_maps = partial(separable.feature_maps, STEPS)
map_shape = partial(separable.map_shape, STEPS)
frame_stride = partial(separable.frame_stride, STEPS)
frame_centres = partial(separable.frame_centres, STEPS)
keras_model = partial(separable.keras_model, STEPS, NAME)
