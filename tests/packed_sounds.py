"""A few sounds in the files that trainings read."""

from pathlib import Path

import numpy as np

from hear_openl3_yamnet.synthesis.events import KINDS
from hear_openl3_yamnet.synthesis.streams import stream


def write_sounds(folder: Path) -> Path:
    """Write four sounds of two kinds, as `scripts.starter synthesize` writes them."""
    made = [
        KINDS[kind](1.2, 48000, stream("test/packed", kind, number)).astype(np.float32)
        for kind in ("dog", "rain")
        for number in range(2)
    ]
    lengths = np.array([len(audio) for audio in made])
    np.savez(folder / "part-00000.npz", audio=np.concatenate(made), lengths=lengths)
    return folder
