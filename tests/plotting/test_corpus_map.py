"""Maps of corpora: where the points lie, what they are called, and the page that plays them."""

import base64
import csv
import io
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from matplotlib.figure import Figure
from matplotlib.image import imread
from typer.testing import CliRunner

from hear_openl3_yamnet import OptionError
from hear_openl3_yamnet.commands.app import app
from hear_openl3_yamnet.corpora import embed_corpus, load_corpus
from hear_openl3_yamnet.plotting import map_corpus, plot_map
from hear_openl3_yamnet.plotting.components import principal_components
from hear_openl3_yamnet.plotting.corpus_map import Projection, SceneMap, project
from hear_openl3_yamnet.plotting.groups import COLOURS, MARKS, MOST_GROUPS, NONE, OTHERS, group
from hear_openl3_yamnet.plotting.groups import is_scale as scale_is_meant
from hear_openl3_yamnet.plotting.page import build_page, write_page
from hear_openl3_yamnet.plotting.sounds import embed_sounds, link_sounds
from tests.browser import open_browser
from tests.seeded_audio import clip

RATE = 16_000
# (id, file, label, number, start, duration): names as the malicious and the careless write them
FILES = [
    ("</script><script>document.title='owned'</script>", "a b#1?.wav", "<img src=x>", 1.5, "", ""),
    ("$x_{", "b.wav", "_low", 2.5, 0.25, 0.5),
    ("<img src=x onerror=\"document.title='owned'\">", "c%20.wav", '"><b>&amp;', 3.5, "", ""),
    ("plain", "b.wav", "_low", 4.5, "", ""),
    ("broken", "broken.wav", "_low", 5.5, "", ""),
]
POINTS = [file for file in FILES if file[0] != "broken"]


@pytest.fixture(scope="module")
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


@pytest.fixture(scope="module")
def scene_map(folder):
    return map_corpus(load_corpus(folder / "corpus"))


def in_page(page: str) -> dict:
    (data,) = re.findall(
        r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL
    )
    return json.loads(data)


def test_a_map_has_the_scenes_that_there_are_by_their_first_label(folder, scene_map):
    corpus = load_corpus(folder / "corpus")
    assert scene_map.ids == corpus.ids == [file[0] for file in POINTS]
    assert (scene_map.label, scene_map.labels) == ("kind", [file[2] for file in POINTS])
    points, _ = principal_components(corpus.scene, 2)
    np.testing.assert_array_equal(scene_map.projections["PCA"].points, points)
    assert map_corpus(corpus, "level").labels == [1.5, 2.5, 3.5, 4.5]
    with pytest.raises(OptionError, match="kind, level"):
        map_corpus(corpus, "colour")


def test_files_without_labels_are_told_by_their_folders(tmp_path, untrained_yamnet):
    for name in ("a/1.wav", "a/2.wav", "b/1.wav"):
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, clip("noise", RATE, 0.1), RATE)
    embed_corpus(tmp_path / "in", tmp_path / "out", untrained_yamnet)
    found = map_corpus(load_corpus(tmp_path / "out"))
    assert (found.label, found.labels) == ("folder", ["a", "a", "b"])


def test_labels_have_colours_and_marks_of_their_own():
    labels = [f"label {i:02d}" for i in range(25) for _ in range(25 - i)] + [None, ""]
    groups = group(labels)
    named = groups[:MOST_GROUPS]
    assert [found.name for found in named] == [f"label {i:02d}" for i in range(MOST_GROUPS)]
    assert len({(found.colour, found.mark) for found in named}) == MOST_GROUPS
    assert [found.name for found in groups[MOST_GROUPS:]] == [OTHERS, NONE]
    members = np.concatenate([found.members for found in groups])
    np.testing.assert_array_equal(np.sort(members), np.arange(len(labels)))
    assert len(COLOURS) * len(MARKS) >= MOST_GROUPS


def test_many_numbers_are_a_scale_and_few_are_names():
    assert scale_is_meant([0.5 * i for i in range(13)] + [None])
    assert not scale_is_meant([i % 12 for i in range(100)])
    assert not scale_is_meant([*"abcdefghijklmnop"])
    assert [found.name for found in group([10, 9, None, 10])] == ["9", "10", NONE]


def test_a_map_is_drawn_with_a_legend_or_with_a_scale(scene_map):
    axes = plot_map(scene_map, axes=Figure().add_subplot())
    _, names = axes.get_legend_handles_labels()
    assert sorted(name.strip() for name in names) == sorted({file[2] for file in POINTS})
    axes.figure.canvas.draw()
    with pytest.raises(OptionError, match="PCA"):
        plot_map(scene_map, "LDA", Figure().add_subplot())
    many = random_map(40, [float(i) for i in range(39)] + [None])
    scaled = plot_map(many, axes=Figure().add_subplot())
    np.testing.assert_array_equal(scaled.collections[1].get_array(), np.arange(39))


def random_map(n: int, labels: list) -> SceneMap:
    points = np.random.default_rng(1).normal(size=(n, 2))
    return SceneMap(
        projections={"PCA": Projection(points, ("x", "y"))},
        ids=[str(i) for i in range(n)],
        label="level",
        labels=labels,
        paths=["gone.wav"] * n,
        starts=[None] * n,
        durations=[1.0] * n,
        source="random",
    )


@pytest.mark.parametrize("n", [1, 2, 4])
def test_few_scenes_have_a_map_without_umap(n):
    projections = project(np.random.default_rng(1).normal(size=(n, 8)))
    assert list(projections) == ["PCA"]
    assert np.isfinite(projections["PCA"].points).all()


@pytest.mark.slow  # umap-learn compiles for half a minute
def test_umap_keeps_neighbours_together_and_is_the_same_twice():
    rng = np.random.default_rng(1)
    centres = rng.normal(size=(3, 32))
    scenes = np.repeat(centres, 12, axis=0) + 0.05 * rng.normal(size=(36, 32))
    points = project(scenes)["UMAP"].points
    distances = np.linalg.norm(points[:, None] - points[None], axis=2)
    np.fill_diagonal(distances, np.inf)
    assert np.all(distances.argmin(axis=1) // 12 == np.arange(36) // 12)
    np.testing.assert_array_equal(project(scenes)["UMAP"].points, points)


def test_sounds_are_embedded_as_the_parts_that_points_stand_for(scene_map):
    sounds = embed_sounds(scene_map.paths, scene_map.starts, scene_map.durations)
    assert (sounds.of, sounds.n_missing, sounds.embedded) == ([0, 1, 2, 3], 0, True)
    lengths = []
    for address in sounds.addresses:
        mp3 = base64.b64decode(address.removeprefix("data:audio/mpeg;base64,"))
        samples, rate = soundfile.read(io.BytesIO(mp3))
        assert (rate, samples.ndim) == (RATE, 1)
        lengths.append(len(samples) / rate)
    assert lengths == pytest.approx([1.5, 0.5, 1.5, 6.0], abs=0.1)  # MP3 has frames of 36 ms


def test_sounds_are_linked_from_where_the_page_lies(scene_map, folder):
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
    assert embed_sounds(["gone.wav"], [None], [1.0]).n_missing == 1


def test_a_page_is_one_file_and_names_are_no_code(scene_map):
    sounds = link_sounds(scene_map.paths, scene_map.starts, scene_map.durations, Path("map.html"))
    page = build_page(scene_map, sounds, "</title><script>1</script>")
    assert in_page(page)["ids"] == scene_map.ids
    assert in_page(page)["labels"] == scene_map.labels
    assert page.count("<script") == page.count("</script>") == 2
    without_data = re.sub(r'id="data">.*?<', "<", page)
    assert not re.search(r"<link|<iframe|<img|\ssrc=|https?://", without_data)
    assert "default-src 'none'" in page
    assert page == build_page(scene_map, sounds, "</title><script>1</script>")


def test_the_command_writes_picture_and_page(folder, tmp_path):
    done = CliRunner().invoke(
        app, ["plot", "corpus", str(folder / "corpus"), "-o", str(tmp_path / "new" / "map.html")]
    )
    assert done.exit_code == 0, done.output
    assert "(4 sounds, in the page)" in done.output
    assert {path.name for path in (tmp_path / "new").iterdir()} == {"map.png", "map.html"}
    assert imread(tmp_path / "new" / "map.png").shape[:2] == (726, 990)
    page = (tmp_path / "new" / "map.html").read_text("utf-8")
    assert in_page(page)["label"] == "kind"
    assert str(folder) not in page  # it may be sent to others


def test_the_command_says_what_is_missing(folder, tmp_path, untrained_yamnet):
    corpus = tmp_path / "corpus"
    shutil.copy(folder / "sounds" / "b.wav", tmp_path)
    embed_corpus(tmp_path / "b.wav", corpus, untrained_yamnet)
    (tmp_path / "b.wav").unlink()
    done = CliRunner().invoke(app, ["plot", "corpus", str(corpus), "-o", str(tmp_path / "m")])
    assert done.exit_code == 0, done.output
    assert "1 of 1 audio files are not found" in done.output
    wrong = CliRunner().invoke(app, ["plot", "corpus", str(corpus), "--label", "x"])
    assert isinstance(wrong.exception, OptionError)


@pytest.mark.parametrize("limit", ["20", "0"], ids=["embedded", "linked"])
def test_the_page_plays_in_a_browser(folder, tmp_path, limit):
    done = CliRunner().invoke(
        app,
        ["plot", "corpus", str(folder / "corpus"), "-o", f"{tmp_path}/map", "--embed-below", limit],
    )
    assert done.exit_code == 0, done.output
    with open_browser() as browser:
        page = browser.new_page(viewport={"width": 1100, "height": 700})
        page.set_default_timeout(120_000)
        trouble, asked = [], []
        page.on("pageerror", lambda error: trouble.append(str(error)))
        page.on("console", lambda message: trouble.append(message.text))
        page.on("dialog", lambda dialog: trouble.append(dialog.message))
        page.on("request", lambda request: asked.append(request.url.split(":")[0]))
        page.goto((tmp_path / "map.html").as_uri())
        seen = tour(page)
        assert set(seen) == {file[0] for file in POINTS}
        spot = seen["$x_{"]
        page.mouse.move(5, 300)
        assert page.is_hidden("#tip")
        page.mouse.move(*spot)  # hover
        assert page.text_content("#tip-id") == "$x_{"
        assert page.text_content("#tip-label") == "kind: _low"
        page.mouse.click(*spot)
        assert page.text_content("#said") == "Playing $x_{"
        wait_until_played(page, to=0.5 if limit == "20" else 0.75)
        assert page.text_content("#said") == ""
        page.screenshot(path=tmp_path / "map.screen.png")
        assert shows_colours(tmp_path / "map.screen.png")
        legend(page, spot)
        assert page.title() == "corpus: a map of its scenes"
        assert trouble == []
        assert set(asked) <= {"file", "data"}


def test_a_narrow_page_keeps_the_point_that_keys_went_to(scene_map, tmp_path):
    place = (scene_map.paths, scene_map.starts, scene_map.durations)
    path = tmp_path / "map.html"
    path.write_text(build_page(scene_map, embed_sounds(*place), "narrow"), "utf-8")
    with open_browser() as browser:
        page = browser.new_page(viewport={"width": 1000, "height": 700})
        page.set_default_timeout(120_000)
        page.goto(path.as_uri())
        assert page.get_attribute("#said", "title") == page.text_content("#said")
        height = footer_height(page)
        page.focus("#map")
        page.keyboard.press("ArrowRight")
        let_resizes_be_seen(page)
        assert footer_height(page) == height
        id_ = page.text_content("#tip-id")
        assert id_ in scene_map.ids
        assert page.is_visible("#tip")
        page.set_viewport_size({"width": 640, "height": 800})
        let_resizes_be_seen(page)
        assert page.is_visible("#tip")
        page.keyboard.press("Enter")
        assert page.text_content("#said") == f"Playing {id_}"
        wait_until_played(page, to=0.4)


def test_a_sound_begins_where_its_own_point_says(folder, tmp_path):
    """The first of two sounds begins at 5 s. The second is chosen before the first has loaded."""
    sound = str(folder / "sounds" / "b.wav")
    two = SceneMap(
        projections={"PCA": Projection(np.array([[0.0, 0.0], [1.0, 0.0]]), ("x", "y"))},
        ids=["late", "whole"],
        label="",
        labels=[None, None],
        paths=[sound, sound],
        starts=[5.0, None],
        durations=[0.5, None],
        source="",
    )
    sounds = write_page(two, tmp_path / "map.html", "two", embed_below=0)
    assert sounds.starts == [5.0, None]
    with open_browser() as browser:
        page = browser.new_page()
        page.goto((tmp_path / "map.html").as_uri())
        page.mouse.click(5, 5)  # sounds play after a real click only
        page.evaluate(
            """() => {
                window.begins = [];
                const player = document.getElementById("player");
                const map = document.getElementById("map");
                player.addEventListener("seeking", () => window.begins.push(player.currentTime));
                for (const key of ["ArrowLeft", "Enter", "ArrowRight", "Enter"])
                    map.dispatchEvent(new KeyboardEvent("keydown", { key }));
            }"""
        )
        assert page.text_content("#said") == "Playing whole"
        wait_until_at(page, 0.2)
        assert page.evaluate("window.begins") == []
        page.focus("#map")
        page.keyboard.press("ArrowLeft")
        page.keyboard.press("Enter")
        wait_until_at(page, 5.2)
        assert page.evaluate("window.begins") == [5]


def test_without_pyarrow_the_extra_is_named():
    program = (
        "import sys; sys.modules['pyarrow'] = None; sys.argv[1:] = ['plot', 'corpus', 'out']\n"
        "from hear_openl3_yamnet.commands.app import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 1
    assert 'pip install "hear-openl3-yamnet[corpora]"' in done.stderr
    assert "Traceback" not in done.stderr


def let_resizes_be_seen(page) -> None:
    """Wait for two frames: resizes are told between layout and paint."""
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def footer_height(page) -> float:
    return page.evaluate("document.querySelector('footer').getBoundingClientRect().height")


def tour(page) -> dict[str, tuple[float, float]]:
    """Go from point to point by the arrow keys; return where each is."""
    page.focus("#map")
    spots = {}
    for key in [
        "Right",
        "Right",
        "Right",
        "Left",
        "Left",
        "Left",
        "Up",
        "Up",
        "Down",
        "Down",
        "Down",
    ]:
        page.keyboard.press(f"Arrow{key}")
        spots[page.text_content("#tip-id")] = page.evaluate(
            """() => {
                const stage = document.getElementById("stage").getBoundingClientRect();
                const tip = document.getElementById("tip");
                return [stage, tip.offsetWidth, tip.offsetHeight, tip.offsetLeft, tip.offsetTop];
            }"""
        )
    # the tip stands 16 pixels beside its point, on the side where there is room
    found = {}
    for id_, (stage, width, height, left, top) in spots.items():
        for x in (left - 16, left + width + 16):
            for y in (top - 16, top + height + 16):
                place = (stage["x"] + x, stage["y"] + y)
                page.mouse.move(*place)
                if page.is_visible("#tip") and page.text_content("#tip-id") == id_:
                    found[id_] = place
    return found


def wait_until_played(page, to: float) -> None:
    """Wait until the player has come to a time, and stopped there by itself."""
    for paused, time in player_states(page):
        if paused and time >= to:
            assert time < 5  # the file goes on up to 6 s
            return


def wait_until_at(page, to: float) -> None:
    """Wait until the player has come to a time."""
    for _, time in player_states(page):
        if time >= to:
            return


def player_states(page) -> Iterator[tuple[bool, float]]:
    """Return again and again whether the player is paused, and at which time, for a minute."""
    for _ in range(600):
        yield page.evaluate(
            """() => {
                const player = document.getElementById("player");
                return [player.paused, player.currentTime];
            }"""
        )
        page.wait_for_timeout(100)
    raise AssertionError(f"waited for a minute; the page says: {page.text_content('#said')}")


def shows_colours(screenshot: Path) -> bool:
    pixels = np.round(255 * imread(screenshot)[..., :3]).astype(int).reshape(-1, 3)
    wanted = [[int(colour[i : i + 2], 16) for i in (1, 3, 5)] for colour in COLOURS[:3]]
    return all((np.abs(pixels - colour).max(axis=1) < 30).sum() > 50 for colour in wanted)


def legend(page, spot) -> None:
    """Choose another label in the legend: the point is no longer found by the mouse."""
    names = page.locator("#legend button span").all_text_contents()
    assert sorted(names) == sorted({file[2] for file in POINTS})
    button = page.locator("#legend button", has_text="<img src=x>")
    button.click()
    assert button.get_attribute("aria-pressed") == "true"
    page.mouse.move(*spot)
    assert page.is_hidden("#tip")
    button.click()
    page.mouse.move(spot[0] + 1, spot[1])
    assert page.is_visible("#tip")
