"""The page of a map, as text and in a browser."""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread
from typer.testing import CliRunner

from hear_openl3_yamnet.commands.app import app
from hear_openl3_yamnet.plotting.groups import COLOURS
from hear_openl3_yamnet.plotting.page import build_page, write_page
from hear_openl3_yamnet.plotting.scene_map import Projection, SceneMap
from hear_openl3_yamnet.plotting.sounds import embed_sounds, link_sounds
from tests.browser import open_browser
from tests.plotting.corpus_files import POINTS
from tests.plotting.page_data import in_page


def test_a_page_is_one_file_and_names_are_not_code(scene_map):
    sounds = link_sounds(scene_map.paths, scene_map.starts, scene_map.durations, Path("map.html"))
    page = build_page(scene_map, sounds, "</title><script>1</script>")
    assert in_page(page)["ids"] == scene_map.ids
    assert in_page(page)["labels"] == scene_map.labels
    assert page.count("<script") == page.count("</script>") == 2
    without_data = re.sub(r'id="data">.*?<', "<", page)
    assert not re.search(r"<link|<iframe|<img|\ssrc=|https?://", without_data)
    assert "default-src 'none'" in page
    assert page == build_page(scene_map, sounds, "</title><script>1</script>")


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


def test_a_narrow_page_keeps_the_point_that_the_keys_chose(scene_map, tmp_path):
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


def let_resizes_be_seen(page) -> None:
    """Wait for two frames. The page learns of a new size between layout and paint."""
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def footer_height(page) -> float:
    return page.evaluate("document.querySelector('footer').getBoundingClientRect().height")


def tour(page) -> dict[str, tuple[float, float]]:
    """Go from point to point with the arrow keys, and return where each one is."""
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
    # the tip is 16 pixels beside its point, on the side with enough space
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
    """Wait until the player has reached a time and has stopped there by itself."""
    for paused, time in player_states(page):
        if paused and time >= to:
            assert time < 5  # the file has 6 s
            return


def wait_until_at(page, to: float) -> None:
    """Wait until the player has reached a time."""
    for _, time in player_states(page):
        if time >= to:
            return


def player_states(page) -> Iterator[tuple[bool, float]]:
    """Yield for a minute whether the player is paused, and its time."""
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
