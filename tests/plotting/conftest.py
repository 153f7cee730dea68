"""A corpus for maps and pages, embedded once."""

import csv
from pathlib import Path

import pytest
import soundfile

from hear_openl3_yamnet.corpora import embed_corpus, load_corpus
from hear_openl3_yamnet.plotting import map_corpus
from tests.plotting.corpus_files import FILES, RATE
from tests.seeded_audio import clip


@pytest.fixture(scope="package")
def folder(tmp_path_factory, untrained_yamnet) -> Path:
    """A manifest, its files in a subfolder, and the corpus made of them."""
    place = tmp_path_factory.mktemp("map")
    (place / "sounds").mkdir()
    for i, name in enumerate(["a b#1?.wav", "b.wav", "c%20.wav"]):
        sound = 0.4 * clip(("notes", "chirp", "noise")[i], RATE, (1.5, 6.0, 1.5)[i])
        soundfile.write(place / "sounds" / name, sound, RATE)
    (place / "sounds" / "broken.wav").write_text("no sound")
    with (place / "clips.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "path", "kind", "level", "start", "duration"])
        for id_, name, *rest in FILES:
            writer.writerow([id_, f"sounds/{name}", *rest])
    embed_corpus(place / "clips.csv", place / "corpus", untrained_yamnet)
    return place


@pytest.fixture(scope="package")
def scene_map(folder):
    return map_corpus(load_corpus(folder / "corpus"))
