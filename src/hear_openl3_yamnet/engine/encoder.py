"""Front end, network and heads, compiled: STFT frames → amplitudes → embeddings.

Three ways lead from the amplitudes of STFT frames to the embeddings of windows: each window by
itself (`Encoder.plain`), overlapping windows together with the same result (`Encoder.shared`), and
a whole segment as one map, which is another function (`Encoder.dense`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from keras import ops

from ..backbones import Sharing, convolutions
from ..config import geometry
from ..config.options import Options
from ..features import frontends
from ..features.frames import FrameTable, cut_frames, cut_frames_of_excerpts, excerpt_of
from ..pooling import windows
from ..pooling.windows import Head
from .backend import (
    BACKEND,
    aligned_empty,
    as_tensor,
    check_usable,
    compiled,
    device_scope,
    gpu_arithmetic,
    module_type,
    pad_rows,
    padded_length,
)
from .runs import Layout

SEGMENTS = 2
"""Long maps of one length that the dense framing computes together. TensorFlow takes twice as long
for a batch of one, because it does not rearrange the kernels for it."""

_FLOAT32 = ("front_end/bands", "input/scale", "input/offset")  # at every precision


class Encoder(module_type()):  # type: ignore[misc]
    """One network with its front end and its heads, as functions of arrays.

    Parameters
    ----------
    options : Options
    weights : mapping of np.ndarray
        Folded, from `Backbone.fold`.
    precision : str
        Of the convolutions: ``float32``, ``bfloat16`` or ``float16``. Front end and pooling are
        float32 always.
    heads : sequence of Head
        Their embeddings are concatenated.
    """

    def __init__(
        self,
        options: Options,
        weights: Mapping[str, np.ndarray],
        precision: str,
        heads: Sequence[Head],
    ):
        check_usable()
        super().__init__()
        self.options = options
        self.precision = precision
        self.heads = tuple(heads)
        shapes = {layer: geometry.map_shape(options, layer) for layer in options.layers}
        self._size = sum(windows.embedding_size(head, shapes) for head in self.heads)
        arrays = {**weights, "front_end/bands": options.front_end.bands()}
        self._set_tensors(
            {
                name: ops.convert_to_tensor(array, "float32" if name in _FLOAT32 else precision)
                for name, array in arrays.items()
            }
        )
        self._amplitudes = compiled(self.compute_amplitudes)
        self._cut_amplitudes = compiled(self._compute_cut_amplitudes)
        self._plain = compiled(self.compute_plain)
        self._shared = compiled(self._compute_shared)
        self._dense = compiled(self._compute_dense)

    def _set_tensors(self, tensors: dict[str, Any]) -> None:
        if BACKEND == "torch":  # buffers, so that .to(device) takes them along
            for name, tensor in tensors.items():
                self.register_buffer(name, tensor)
        else:
            object.__setattr__(self, "_tensors", tensors)  # not tracked by the module

    @property
    def tensors(self) -> dict[str, Any]:
        """The folded weights and the front end's matrix, as tensors of the backend."""
        return dict(self.named_buffers()) if BACKEND == "torch" else self._tensors

    @property
    def weights(self) -> dict[str, np.ndarray]:
        """The folded weights as float32, which an `Encoder` of the same options can be made of."""
        return {
            name: ops.convert_to_numpy(ops.cast(tensor, "float32"))
            for name, tensor in self.tensors.items()
            if name != "front_end/bands"
        }

    @property
    def gpu_arithmetic(self) -> str | None:
        """`backend.gpu_arithmetic` of the convolutions."""
        return gpu_arithmetic(self.tensors["front_end/bands"], self.precision)

    @property
    def rows_shape(self) -> tuple[int, int]:
        """Rows that a window gives (one, or one for each kept map frame), and their size."""
        return self.heads[0].n_rows, self._size

    def amplitudes(self, frames: np.ndarray) -> Any:
        """Compute the amplitudes in bands [shape=(n_frames, n_bands)] of tapered STFT frames.

        They stay on the device, and may have more rows than frames. The caller gives up the frames.
        """
        check_usable()
        tensors = self.tensors
        with device_scope(tensors["front_end/bands"]):
            return self._amplitudes(tensors, as_tensor(self._pad_rows(frames)))

    def amplitudes_of(self, clips: Sequence[np.ndarray], tables: Sequence[FrameTable]) -> Any:
        """Compute `amplitudes` of the frames of clips, of one table for each clip.

        A GPU gets the samples and cuts the frames itself: each sample is in several frames.
        """
        tensors, front_end = self.tensors, self.options.front_end
        pairs = list(zip(clips, tables, strict=True))
        if not convolutions.on_gpu(tensors["front_end/bands"]):
            ends = np.cumsum([len(table.starts) for table in tables])
            frames = aligned_empty((int(ends[-1]), front_end.frame_length))
            for (audio, table), rows in zip(pairs, np.split(frames, ends[:-1]), strict=True):
                cut_frames(audio, table, front_end, rows)
            return self.amplitudes(frames)
        samples, starts, n_samples = [], [], 0
        for audio, table in pairs:
            excerpt, at = excerpt_of(audio, table, front_end)
            samples.append(excerpt)
            starts.append(at + n_samples)
            n_samples += len(excerpt)
        arrays = (
            np.concatenate(samples),
            np.concatenate(starts).astype(np.int32),
            np.concatenate([table.lengths for table in tables]).astype(np.int32),
        )
        with device_scope(tensors["front_end/bands"]):
            on_device = map(ops.convert_to_tensor, map(self._pad_rows, arrays))
            return self._cut_amplitudes(tensors, *on_device)

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
            `frames.FrameTable.index`.

        Returns
        -------
        np.ndarray [shape=(n_windows, n_rows, size), dtype=float32]
            One row a window, or one for each kept map frame.
        """
        return self._run(self._plain, amplitudes, [index])[: len(index)]

    def shared(self, amplitudes: Any, layout: Layout) -> np.ndarray:
        """Embed windows that share convolutions: the result of `plain`."""
        arrays = [layout.frames, layout.frame_references]
        arrays += [layout.at, layout.tails, layout.references]
        return self._run(self._shared, amplitudes, arrays)[: len(layout.at)]

    def dense(self, amplitudes: np.ndarray, references: np.ndarray, at: np.ndarray) -> np.ndarray:
        """Embed windows cut out of the maps of long segments, without edges of their own.

        Parameters
        ----------
        amplitudes : np.ndarray [shape=(SEGMENTS * n_frames, n_bands), dtype=float32]
            The STFT frames of `SEGMENTS` segments, one after the other; `n_frames` is a multiple
            of `Sharing.GRID`.
        references : np.ndarray [shape=(SEGMENTS * n_frames,), dtype=float32]
            The reference level of each STFT frame.
        at : np.ndarray [shape=(n_windows,), dtype=int32]
            The STFT frame at which each window starts; multiples of `Sharing.GRID`.

        Returns
        -------
        np.ndarray [shape=(n_windows, n_rows, size), dtype=float32]
            As `plain`.
        """
        return self._run(self._dense, amplitudes, [references, at])[: len(at)]

    def _run(self, function: Any, amplitudes: Any, arrays: Sequence[np.ndarray]) -> np.ndarray:
        tensors = self.tensors
        with device_scope(tensors["front_end/bands"]):
            rows = function(tensors, amplitudes, *map(self._pad_rows, arrays))
            return ops.convert_to_numpy(rows)

    def padded_length(self, n: int) -> int:
        """Return how many rows are computed if `n` are wanted: `backend.padded_length`."""
        return padded_length(n, self.tensors["front_end/bands"])

    def _pad_rows(self, x: np.ndarray) -> np.ndarray:
        return pad_rows(x, self.tensors["front_end/bands"])

    # What is compiled: functions of tensors alone. Some of them are part of other graphs too.

    def compute_amplitudes(self, tensors: dict, frames: Any) -> Any:
        """Compute `amplitudes` of tensors."""
        bands, fft_length = tensors["front_end/bands"], self.options.front_end.fft_length
        return frontends.band_amplitudes(frames, bands, fft_length)

    def _compute_cut_amplitudes(
        self, tensors: dict, samples: Any, starts: Any, lengths: Any
    ) -> Any:
        cut = cut_frames_of_excerpts(samples, starts, lengths, self.options.front_end)
        return self.compute_amplitudes(tensors, cut)

    def compute_plain(self, tensors: dict, amplitudes: Any, index: Any) -> Any:
        """Compute `plain` of tensors."""
        options = self.options
        log_mel = frontends.log_mel(amplitudes, index, options.front_end)
        maps = options.backbone.feature_maps(
            tensors, log_mel, options.layers, subsampling=options.subsampling
        )
        return self._embed(maps)

    def _compute_shared(
        self,
        tensors: dict,
        amplitudes: Any,
        frames: Any,
        frame_references: Any,
        at: Any,
        tails: Any,
        references: Any,
    ) -> Any:
        options = self.options
        long = self._long_map(amplitudes, frames, frame_references)
        own = frontends.log_mel(amplitudes, tails, options.front_end, references)
        width = options.front_end.n_frames
        maps = self._sharing.feature_maps(
            tensors, long, own, at, width, options.layers, self._pool_bands
        )
        return self._embed(maps)

    def _compute_dense(self, tensors: dict, amplitudes: Any, references: Any, at: Any) -> Any:
        options = self.options
        levels = options.front_end.levels(amplitudes, ops.expand_dims(references, 1))
        segments = ops.reshape(levels, (SEGMENTS, -1, options.front_end.n_bands, 1))
        widths = {layer: geometry.map_shape(options, layer)[1] for layer in options.layers}
        maps = self._sharing.segment_maps(tensors, segments, at, widths, self._pool_bands)
        return self._embed(maps)

    @property
    def _sharing(self) -> Sharing:
        sharing = self.options.preset.sharing
        assert sharing is not None, "config.checks and runs.shared_lag ensure it"
        return sharing

    def _long_map(self, amplitudes: Any, frames: Any, references: Any) -> Any:
        """One map [shape=(1, n_frames, n_bands, 1)] whose frames have references of their own."""
        frame = frontends.log_mel(
            amplitudes, ops.expand_dims(frames, 1), self.options.front_end, references
        )
        return ops.expand_dims(frame[:, :, 0], 0)

    def _pool_bands(self, layer: str, x: Any) -> Any:
        """Pool the bands of maps [shape=(n, frames, bands, channels)] if the head permits it.

        It is done before windows are cut out of a long map, because each frame of that is in 24
        windows.
        """
        head = self.heads[0]
        if len(self.heads) > 1 or head.pooling not in windows.BY_BANDS_FIRST:
            return x
        x = ops.cast(x, "float32")
        count = geometry.layer_grid(self.options, layer)[0]
        return windows.pool_bands(x, head.pooling, count)

    def _embed(self, maps: Mapping[str, Any]) -> Any:
        """Pool maps [shape=(n_windows, ...)] into rows [shape=(n_windows, n_rows, size)]."""
        rows = [windows.embed(maps, head) for head in self.heads]
        return rows[0] if len(rows) == 1 else ops.concatenate(rows, axis=2)
