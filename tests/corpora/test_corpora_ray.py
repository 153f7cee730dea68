"""The Ray engine writes the same rows as the local one, even if an actor dies."""

import os
import signal
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from hear_openl3_yamnet.corpora import embed_corpus, load_corpus
from tests.comparing import assert_close
from tests.seeded_audio import clip

pytest.importorskip("ray.data")
# Ray warns of its own settings when it makes them
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:ray")
N_FILES = 16


def actors() -> list[int]:
    """Return the processes of our actors on this machine."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            if b"ray::MapWorker(MapBatches(EmbeddingActor))" in (place / "cmdline").read_bytes():
                found.append(int(place.name))
        except OSError:
            continue  # it ended meanwhile
    return found


def kill_one(out: Path, killed: list[int]) -> None:
    while not list(out.glob("part-*")):
        time.sleep(0.01)
    killed += actors()[:1]
    os.kill(killed[0], signal.SIGKILL)


@pytest.mark.slow
def test_two_actors_of_which_one_dies(tmp_path, untrained_yamnet):
    files, out = tmp_path / "files", tmp_path / "ray"
    files.mkdir()
    for i in range(N_FILES):
        soundfile.write(files / f"{i:02d}.wav", 0.5 * clip("notes", 16_000, 5, seed=i), 16_000)
    (files / "99.wav").touch()
    manifest = tmp_path / "all.csv"  # with a label that has the name of an item's field
    lines = [f"{name},files/{name},x{name}\n" for name in sorted(os.listdir(files))]
    manifest.write_text("id,path,position\n" + "".join(lines))
    local = tmp_path / "local"
    embed_corpus(manifest, local, untrained_yamnet, outputs="both")
    killed: list[int] = []
    killer = threading.Thread(target=kill_one, args=(out, killed), daemon=True)
    killer.start()
    summary = embed_corpus(
        manifest, out, untrained_yamnet, outputs="both", engine="ray", workers=2, shard_rows=1
    )
    killer.join(10)
    assert killed
    assert (summary.embedded, summary.failed, summary.left) == (N_FILES, 1, 0)
    pairs = zip(
        load_corpus(local).table.to_pylist(), load_corpus(out).table.to_pylist(), strict=True
    )
    for expected, row in pairs:
        assert {k: v for k, v in row.items() if k not in ("scene", "embeddings")} == {
            k: v for k, v in expected.items() if k not in ("scene", "embeddings")
        }
        if row["status"] == "ok":
            assert_close(np.float32(row["scene"]), expected["scene"], 1e-5)
            assert_close(np.float32(row["embeddings"]), expected["embeddings"], 1e-5)
    assert len(load_corpus(out)) == N_FILES + 1
    # resumed: nothing is left
    again = embed_corpus(manifest, out, untrained_yamnet, outputs="both")
    assert (again.done_before, again.embedded) == (N_FILES + 1, 0)
