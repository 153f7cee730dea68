"""Maps of corpora: the points, their labels and colours, and the command."""

import shutil
import subprocess
import sys

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
from hear_openl3_yamnet.plotting.groups import COLOURS, MARKS, MOST_GROUPS, NONE, OTHERS, group
from hear_openl3_yamnet.plotting.groups import is_scale as scale_is_meant
from hear_openl3_yamnet.plotting.scene_map import Projection, SceneMap, project
from tests.plotting.corpus_files import POINTS, RATE
from tests.plotting.page_data import in_page
from tests.seeded_audio import clip


def test_a_map_has_the_embedded_scenes_with_their_first_label(folder, scene_map):
    corpus = load_corpus(folder / "corpus")
    assert scene_map.ids == corpus.ids == [file[0] for file in POINTS]
    assert (scene_map.label, scene_map.labels) == ("kind", [file[2] for file in POINTS])
    points, _ = principal_components(corpus.scene, 2)
    np.testing.assert_array_equal(scene_map.projections["PCA"].points, points)
    assert map_corpus(corpus, "level").labels == [1.5, 2.5, 3.5, 4.5]
    with pytest.raises(OptionError, match="kind, level"):
        map_corpus(corpus, "colour")


def test_files_without_labels_are_labelled_by_their_folders(tmp_path, untrained_yamnet):
    for name in ("a/1.wav", "a/2.wav", "b/1.wav"):
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, clip("noise", RATE, 0.1), RATE)
    embed_corpus(tmp_path / "in", tmp_path / "out", untrained_yamnet)
    found = map_corpus(load_corpus(tmp_path / "out"))
    assert (found.label, found.labels) == ("folder", ["a", "a", "b"])


def test_each_label_has_its_own_colour_and_mark():
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
    assert done.exit_code == 1, done.output
    assert "1 of 1 points have no sound" in done.output
    wrong = CliRunner().invoke(app, ["plot", "corpus", str(corpus), "--label", "x"])
    assert isinstance(wrong.exception, OptionError)


def test_without_pyarrow_the_extra_is_named():
    program = (
        "import sys; sys.modules['pyarrow'] = None; sys.argv[1:] = ['plot', 'corpus', 'out']\n"
        "from hear_openl3_yamnet.commands.app import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 1
    assert 'pip install "hear-openl3-yamnet[corpora]"' in done.stderr
    assert "Traceback" not in done.stderr
