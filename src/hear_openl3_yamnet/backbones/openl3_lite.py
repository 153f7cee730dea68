"""OpenL3-lite: log-mel windows → maps like OpenL3's, at a sixteenth of the work.

The input (128 mel bands × 199 frames) and the last map (16 bands × 24 frames of 512 channels) have
the shapes and the frame centres of OpenL3's. Between them are separable convolutions with residual
sums (`separable`). The network is trained to give OpenL3's last map (weights/LITE.md).

Where OpenL3 pools 2×2 cells, this network has a 4×4 convolution with a stride of two and one zero
on each side. Like the pooling, it makes n // 2 frames of n, and the centre of frame j lies between
frames 2j and 2j + 1.

Windows of this network do not share convolutions. A frame of its last map depends on 162 frames of
the input; in OpenL3, on 68. So a window's own edges change 20 of the 24 frames of its last map, and
the strips that a window would compute for itself (`openl3_sharing`) are 47 % of its work.
"""

from __future__ import annotations

from functools import partial

from . import openl3, separable
from .separable import EPSILON as EPSILON
from .separable import SUBSAMPLINGS as SUBSAMPLINGS
from .separable import Step

NAME = "openl3_lite"
ORIGIN = "weights/LITE.md"

NATIVE_HOP = openl3.NATIVE_HOP

ANY_WINDOW = False
"""It is trained on windows of 1 s."""

FASTEST_BATCH = 16
"""Measured on two cores."""

FASTEST_BATCH_GPU = 1024
"""It fits into memory. Its speed was not measured."""

STEPS = (
    Step("conv1", 32, (4, 4), 2, separable=False),
    Step("conv2", 64, alias="block1"),
    Step("conv3", 128, (4, 4), 2),
    Step("conv4", 128, residual=True, alias="block2"),
    Step("conv5", 256, (4, 4), 2),
    *(Step(f"conv{i}", 256, residual=True) for i in range(6, 12)),
    Step("conv12", 256, residual=True, alias="block3"),
    Step("conv13", 512, relu=False, alias="block4"),
)
"""The aliases are OpenL3's names, for the maps of the same bands and frames."""

LAYERS = separable.layer_names(STEPS)
LAST_LAYER = "block4"
FUSED_LAYERS: tuple[str, ...] = openl3.FUSED_LAYERS
WEIGHT_SHAPES = separable.weight_shapes(STEPS)

fold = partial(separable.fold, STEPS)
random_weights = partial(separable.random_weights, STEPS)
feature_maps = partial(separable.feature_maps, STEPS)
map_shape = partial(separable.map_shape, STEPS)
frame_stride = partial(separable.frame_stride, STEPS)
frame_centres = partial(separable.frame_centres, STEPS)
keras_model = partial(separable.keras_model, STEPS, NAME)
