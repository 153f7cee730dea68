"""The command ``search``, and its page as text and in a browser."""

import re

import numpy as np
import pytest
import soundfile

from hear_openl3_yamnet.corpora.nearest import Found
from hear_openl3_yamnet.files import is_partial
from hear_openl3_yamnet.plotting.found_page import write_found
from tests import program
from tests.browser import open_browser
from tests.plotting.corpus_files import POINTS


@pytest.fixture(scope="module")
def searched(folder, tmp_path_factory):
    """What the command prints and writes, for a file of the corpus as the query."""
    page = tmp_path_factory.mktemp("search") / "found.html"
    query = folder / "sounds" / "c%20.wav"
    done = program.run("search", folder / "corpus", query, "--top", 3, "-o", page)
    assert done.returncode == 0, done.stderr
    return done, page


def test_the_nearest_sounds_are_listed(searched):
    done, page = searched
    head, first, *others, written = done.stdout.splitlines()
    assert head.split() == ["cosine", "sound"]
    assert first == "1.0000  " + POINTS[2][0]  # the query itself
    cosines = [float(line.split()[0]) for line in [first, *others]]
    assert len(cosines) == 3
    assert cosines == sorted(cosines, reverse=True)
    assert written == f"{page} (4 sounds, in the page)"
    assert not any(map(is_partial, page.parent.iterdir()))


def test_the_page_has_no_script_and_names_are_not_code(searched):
    page = searched[1].read_text("utf-8")
    assert "default-src 'none'; style-src 'sha256-" in page
    assert not re.search(r"<script|<img|<link|<iframe|https?://", page)
    assert page.count("<audio ") == 4
    assert len(re.findall(r'src="data:audio/mpeg;base64,', page)) == 4


def test_the_page_plays_in_a_browser(searched):
    with open_browser() as browser:
        page = browser.new_page()
        page.set_default_timeout(120_000)
        trouble = []
        page.on("pageerror", lambda error: trouble.append(str(error)))
        page.on("console", lambda message: trouble.append(message.text))
        page.goto(searched[1].as_uri())
        assert page.title() == "Nearest to c%20.wav"
        lengths = page.evaluate(
            """() => Promise.all([...document.querySelectorAll("audio")].map((audio) =>
            new Promise((done, failed) => {
              audio.onloadedmetadata = () => done(audio.duration);
              audio.onerror = () => failed(audio.error.message);
              audio.load();
            })))"""
        )
        assert lengths[0] == pytest.approx(1.5, abs=0.1)
        assert min(lengths) > 0.4
        assert trouble == []


def test_large_sounds_are_linked_with_their_excerpt(tmp_path):
    soundfile.write(tmp_path / "a&b.wav", np.zeros(16000), 16000)
    sound = str(tmp_path / "a&b.wav")
    found = [
        Found(0.9, "excerpt", sound, 0.25, 0.5, None),
        Found(0.8, "moment", sound, None, None, 2.0),
        Found(0.7, "gone", str(tmp_path / "gone.wav"), None, 1.0, None),
    ]
    sounds = write_found(sound, found, tmp_path / "found.html", "here", embed_below=0)
    assert not sounds.embedded
    page = (tmp_path / "found.html").read_text("utf-8")
    players = re.findall(r'<audio controls preload="none" src="([^"]*)">', page)
    assert players == ["a%26b.wav", "a%26b.wav#t=0.250,0.750", "a%26b.wav#t=1.000,3.000"]
    assert "moment at 2.00 s" in page
    assert page.count("not found from here") == 1


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["CORPUS", "QUERY", "-o", "found.txt"], 2, "-o takes names in .html"),
        (["gone", "QUERY"], 1, "gone holds no corpus"),
        (["CORPUS", "gone.wav"], 1, "gone.wav: no such file"),
    ],
)
def test_the_command_says_what_is_wrong(folder, arguments, status, message):
    places = {"CORPUS": folder / "corpus", "QUERY": folder / "sounds" / "b.wav"}
    done = program.run("search", *[places.get(word, word) for word in arguments])
    assert done.returncode == status
    assert message in done.stderr
