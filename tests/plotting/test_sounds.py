"""The sounds of a page: embedded excerpts, or links to the files."""

import base64
import io

import pytest
import soundfile

from hear_openl3_yamnet.plotting.sounds import embed_sounds, link_sounds
from tests.plotting.corpus_files import RATE


def test_the_excerpt_of_each_point_is_embedded(scene_map):
    sounds = embed_sounds(scene_map.paths, scene_map.starts, scene_map.durations)
    assert (sounds.of, sounds.missing, sounds.embedded) == ([0, 1, 2, 3], {}, True)
    lengths = []
    for address in sounds.addresses:
        mp3 = base64.b64decode(address.removeprefix("data:audio/mpeg;base64,"))
        samples, rate = soundfile.read(io.BytesIO(mp3))
        assert (rate, samples.ndim) == (RATE, 1)
        lengths.append(len(samples) / rate)
    assert lengths == pytest.approx([1.5, 0.5, 1.5, 6.0], abs=0.1)  # MP3 has frames of 36 ms


def test_sounds_are_linked_from_the_folder_of_the_page(scene_map, folder):
    place = (scene_map.paths, scene_map.starts, scene_map.durations)
    sounds = link_sounds(*place, folder / "pages" / "map.html")
    assert sounds.addresses == [
        "../sounds/a%20b%231%3F.wav",
        "../sounds/b.wav",
        "../sounds/c%2520.wav",
    ]
    assert sounds.of == [0, 1, 2, 1]
    assert (sounds.starts[1], sounds.ends[1]) == (0.25, 0.75)
    assert link_sounds(["gone.wav"], [None], [1.0], folder / "map.html").of == [None]
    assert embed_sounds(["gone.wav"], [None], [1.0]).missing.keys() == {"gone.wav"}
