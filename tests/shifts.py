"""How much embeddings change when a clip moves by a few STFT frames, per way of subsampling.

    python -m tests.shifts

prints the table of docs/heads.md. Seeded weights, notes with a noise floor.
"""

import numpy as np

from hear_openl3_yamnet.backbones.subsampling import POOLINGS
from hear_openl3_yamnet.config.presets import get_preset
from hear_openl3_yamnet.features import frontends
from hear_openl3_yamnet.features.frames import cut_frames, frame_table
from tests.comparing import numpy
from tests.seeded_audio import clip

SHIFTS = range(9)
N_WINDOWS = 4


def relative_changes(preset_name, weights, subsampling):
    """Return the relative L2 change of the published embedding [shape=(8,)], for 1 … 8 frames.

    Mean over windows of notes, half a window apart.
    """
    preset = get_preset(preset_name)
    front_end, backbone = preset.front_end, preset.backbone
    starts = np.arange(N_WINDOWS)[:, None] * (front_end.window // 2)
    starts = (starts + np.array(SHIFTS) * front_end.frame_hop).ravel()
    seconds = (starts[-1] + front_end.window) / front_end.sample_rate
    audio = clip("notes", front_end.sample_rate, seconds)
    table = frame_table(starts, front_end)
    frames = cut_frames(audio, table, front_end)
    amplitudes = frontends.band_amplitudes(frames, front_end.bands(), front_end.fft_length)
    log_mel = frontends.log_mel(amplitudes, table.index, front_end)
    openl3 = backbone.NAME == "openl3"
    last = backbone.LAST_LAYER
    folded = backbone.fold(weights)
    embeddings = []
    for window in numpy(log_mel):
        maps = backbone.feature_maps(folded, window[None], [last], subsampling=subsampling)
        x = numpy(maps[last])[0]
        embeddings.append(x.max(axis=(0, 1)) if openl3 else x.mean(axis=(0, 1)))
    embeddings = np.reshape(embeddings, (N_WINDOWS, len(SHIFTS), -1))
    unmoved = embeddings[:, :1]
    changes = np.linalg.norm(embeddings[:, 1:] - unmoved, axis=2)
    return (changes / np.linalg.norm(unmoved, axis=2)).mean(axis=0)


def table(weights_of):
    """Return the table's rows: (preset, subsampling, changes in per cent)."""
    return [
        (preset, subsampling, 100 * relative_changes(preset, weights_of(preset), subsampling))
        for preset in ("openl3-mel128-music", "yamnet")
        for subsampling in POOLINGS
    ]


if __name__ == "__main__":
    import tempfile
    from pathlib import Path

    from hear_openl3_yamnet.weights.reading import read_weights
    from tests.seeded_weights import write_openl3, write_yamnet

    def seeded_weights(preset):
        with tempfile.TemporaryDirectory() as folder:
            network, write = (
                ("yamnet", write_yamnet) if preset == "yamnet" else ("openl3", write_openl3)
            )
            return read_weights(write(Path(folder) / "weights.h5"), network)

    for preset, subsampling, changes in table(seeded_weights):
        print(f"| {preset} | {subsampling} | " + " | ".join(f"{c:.2f}" for c in changes) + " |")
