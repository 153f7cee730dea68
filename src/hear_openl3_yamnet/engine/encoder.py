"""Front end, network and head, compiled: STFT frames → amplitudes → embeddings.

Three ways lead from the amplitudes of a block's frames to its windows' embeddings: each window by
itself (`Encoder.plain`), overlapping windows together with the same result (`Encoder.shared`), and
a whole stretch as one map, which is another function (`Encoder.dense`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from keras import ops

from ..backbones import openl3
from ..backbones import openl3_sharing as sharing
from ..backbones.subsampling import POOLINGS, STRIDES
from ..config.options import Config
from ..features import frontends
from ..pooling import windows as heads
from .backend import BACKEND, compiled, device_scope, module_type, pad_rows
from .runs import Layout

STRETCHES = 2
"""Long maps that the dense variant computes together, of one length: TensorFlow takes twice as
long for a batch of one, whose kernels it does not have rearranged."""

_FLOAT32 = ("front_end/bands", "input/scale", "input/offset")  # at every precision


class Encoder(module_type()):  # type: ignore[misc]
    """One network with its front end and its head, as functions of arrays.

    Parameters
    ----------
    config : Config
    weights : mapping of np.ndarray
        As published, under the names of the backbone's ``WEIGHT_SHAPES``.
    precision : str
        Of the convolutions: ``float32``, ``bfloat16`` or ``float16``. Front end and pooling are
        float32 always.
    """

    def __init__(self, config: Config, weights: Mapping[str, np.ndarray], precision: str):
        super().__init__()
        self.config = config
        folded = config.preset.network.backbone.fold(dict(weights))
        arrays = {**folded, "front_end/bands": config.front_end.bands()}
        self._set_tensors(
            {
                name: ops.convert_to_tensor(array, "float32" if name in _FLOAT32 else precision)
                for name, array in arrays.items()
            }
        )
        self._amplitudes = compiled(self.compute_amplitudes)
        self._plain = compiled(self.compute_plain)
        self._shared = compiled(self._compute_shared)
        self._dense = compiled(self._compute_dense)

    def _set_tensors(self, tensors: dict[str, Any]) -> None:
        if BACKEND == "torch":  # buffers, so that .to(device) takes them along
            for name, tensor in tensors.items():
                self.register_buffer(name, tensor)
        else:
            object.__setattr__(self, "_tensors", tensors)  # no module's business

    @property
    def tensors(self) -> dict[str, Any]:
        """The folded weights and the front end's matrix, as tensors of the backend."""
        return dict(self.named_buffers()) if BACKEND == "torch" else self._tensors

    @property
    def rows_shape(self) -> tuple[int, int]:
        """Rows that a window gives (one, or one for each column taken from it) and their size."""
        config = self.config
        n_rows = config.columns[1] if config.time == "frame" else 1
        return n_rows, config.timestamp_embedding_size

    def amplitudes(self, frames: np.ndarray) -> Any:
        """Compute amplitudes in bands [shape=(n_frames, n_bands)] of tapered frames.

        They stay on the device, and may have more rows than frames.
        """
        tensors = self.tensors
        with device_scope(tensors["front_end/bands"]):
            return self._amplitudes(tensors, pad_rows(frames))

    def maxima(self, amplitudes: Any) -> np.ndarray:
        """Return the largest amplitude of each frame [shape=(n_frames,)]."""
        with device_scope(amplitudes):
            return ops.convert_to_numpy(ops.max(amplitudes, axis=1))

    def plain(self, amplitudes: Any, index: np.ndarray) -> np.ndarray:
        """Embed windows one by one.

        Parameters
        ----------
        amplitudes : tensor [shape=(n_distinct, n_bands)]
            From `amplitudes`.
        index : np.ndarray [shape=(n_windows, n_frames), dtype=int32]
            `frontends.FrameTable.index`.

        Returns
        -------
        np.ndarray [shape=(n_windows, n_rows, size), dtype=float32]
            One row a window, or one for each column taken where time is kept.
        """
        return self._run(self._plain, amplitudes, [index])[: len(index)]

    def shared(self, amplitudes: Any, layout: Layout) -> np.ndarray:
        """Embed windows that share columns: the result of `plain`. OpenL3 alone."""
        windows = [layout.at, layout.tails, layout.references]
        columns = [layout.columns, layout.column_references]
        return self._run(self._shared, amplitudes, [*columns, *windows])[: len(layout.at)]

    def dense(self, amplitudes: np.ndarray, references: np.ndarray, at: np.ndarray) -> np.ndarray:
        """Embed windows cut out of long maps, without edges of their own. OpenL3 alone.

        Parameters
        ----------
        amplitudes : np.ndarray [shape=(STRETCHES * n_frames, n_bands), dtype=float32]
            Of `STRETCHES` maps, one after the other; `n_frames` is a multiple of eight.
        references : np.ndarray [shape=(STRETCHES * n_frames,), dtype=float32]
            The reference level of each frame.
        at : np.ndarray [shape=(n_windows,), dtype=int32]
            The frame at which each window starts; multiples of eight.

        Returns
        -------
        np.ndarray [shape=(n_windows, n_rows, size), dtype=float32]
            As `plain`.
        """
        return self._run(self._dense, amplitudes, [references, at])[: len(at)]

    def _run(self, function: Any, amplitudes: Any, arrays: Sequence[np.ndarray]) -> np.ndarray:
        tensors = self.tensors
        with device_scope(tensors["front_end/bands"]):
            rows = function(tensors, amplitudes, *(pad_rows(array) for array in arrays))
            return ops.convert_to_numpy(rows)

    # What is compiled: functions of tensors alone, some of them part of other graphs too.

    def compute_amplitudes(self, tensors: dict, frames: Any) -> Any:
        """As `amplitudes`, of tensors."""
        bands, fft_length = tensors["front_end/bands"], self.config.front_end.fft_length
        return frontends.band_amplitudes(frames, bands, fft_length)

    def compute_plain(self, tensors: dict, amplitudes: Any, index: Any) -> Any:
        """As `plain`, of tensors."""
        config = self.config
        network = config.preset.network
        log_mel = frontends.log_mel(amplitudes, index, config.front_end)
        options: dict[str, Any]
        if network.name == "openl3":
            options = {"pool": POOLINGS[config.subsampling]}
        else:
            options = {"stride": STRIDES[config.subsampling]}
        maps = network.backbone.feature_maps(tensors, log_mel, config.layers, **options)
        return self._head(maps)

    def _compute_shared(
        self,
        tensors: dict,
        amplitudes: Any,
        columns: Any,
        column_references: Any,
        at: Any,
        tails: Any,
        references: Any,
    ) -> Any:
        config = self.config
        long = self._long_map(amplitudes, columns, column_references)
        own = frontends.log_mel(amplitudes, tails, config.front_end, references)
        width = config.front_end.n_frames
        maps = sharing.feature_maps(tensors, long, own, at, width, config.layers, self._pool_bands)
        return self._head(maps)

    def _compute_dense(self, tensors: dict, amplitudes: Any, references: Any, at: Any) -> Any:
        config = self.config
        levels = frontends.openl3_level(amplitudes, ops.expand_dims(references, 1))
        long = ops.reshape(levels, (STRETCHES, -1, config.front_end.n_bands, 1))
        maps = openl3.feature_maps(sharing.columns_first(tensors), long, config.layers)
        for layer, x in maps.items():
            x = self._pool_bands(layer, x)
            x = ops.reshape(x, (1, -1, *x.shape[2:]))
            column = at // openl3.frame_stride(layer)
            windows = sharing.cut_columns(x, column, 0, config.map_shape(layer)[1])
            maps[layer] = sharing.bands_first(windows)
        return self._head(maps)

    def _long_map(self, amplitudes: Any, columns: Any, references: Any) -> Any:
        """One map [shape=(1, n_columns, n_bands, 1)] whose columns have references of their own."""
        column = frontends.log_mel(
            amplitudes, ops.expand_dims(columns, 1), self.config.front_end, references
        )
        return ops.expand_dims(column[:, :, 0], 0)

    def _pool_bands(self, layer: str, x: Any) -> Any:
        """Pool the bands of maps [shape=(n, columns, bands, channels)] where the head permits it.

        Before windows are cut out of a long map, that is: each of its columns is in 24 of them.
        """
        config = self.config
        if config.pooling not in heads.BY_BANDS_FIRST:
            return x
        x = ops.cast(x, "float32")
        return heads.pool_bands(x, config.pooling, config.layer_grid(layer)[0])

    def _head(self, maps: Mapping[str, Any]) -> Any:
        """Pool maps [shape=(n_windows, ...)] into rows [shape=(n_windows, n_rows, size)]."""
        config = self.config
        tapped = [ops.cast(maps[layer], "float32") for layer in config.layers]
        if config.pooling == "fusion":
            return ops.expand_dims(heads.fuse(tapped), 1)
        if config.time == "frame":
            count = config.columns[1]
            tapped = [
                heads.columns(x, first, count, step)
                for x, (first, step) in zip(
                    tapped, map(config.layer_columns, config.layers), strict=True
                )
            ]
        vectors = [
            heads.pool(x, config.pooling, config.layer_grid(layer), config.gem_p)
            for layer, x in zip(config.layers, tapped, strict=True)
        ]
        rows = vectors[0] if len(vectors) == 1 else ops.concatenate(vectors, axis=1)
        return ops.reshape(rows, (-1, *self.rows_shape))
