"""Every Python block of README.md and docs runs, and every command in them exists.

Pages run from top to bottom in a folder with the sounds that they name: first the commands, then
the blocks. Seeded weights take the place of the published ones. Five tests in other files ask for
the blocks that need other surroundings (`runs_blocks_of`). The others run here.
"""

import csv
import hashlib
import json
import os
import re
import shlex

import pytest
import soundfile
import typer.main
from typer.testing import CliRunner

from hear_openl3_yamnet.commands.app import app
from hear_openl3_yamnet.weights.registry import registry_path
from tests import seeded_audio
from tests.code_blocks import blocks, commands, others, pages, run, text_of
from tests.documents import test_readme  # noqa: F401 (these modules ask for blocks)
from tests.evaluation.heareval_results import write_result
from tests.export import test_exporting  # noqa: F401
from tests.integrations import test_plug_in  # noqa: F401
from tests.plotting import test_plot_command  # noqa: F401
from tests.road import test_streaming  # noqa: F401
from tests.study import test_study_command  # noqa: F401

# pages whose commands run here; those of other pages run in the tests of the commands
COMMANDS_RUN = ["../README.md", "tag.md", "corpora.md"]
EXAMPLES = {
    "HZ": "16000",
    "N": "0",
    "WHO": "auto",
}  # values for words of a synopsis that are not names
ENGINE_OF_RAY = "--engine ray"  # needs a cluster; test_corpora_ray.py starts one on this machine


def own_blocks(page):
    return [block for block in others(page) if block.executed]


@pytest.fixture(scope="module")
def as_published(tmp_path_factory, seeded_files):
    """A registry and a cache with every published file, of seeded weights."""
    folder = tmp_path_factory.mktemp("as_published")
    rows = [("index", "mid", "display_name"), *((i, f"/m/{i}", f"Class {i}") for i in range(521))]
    with open(folder / "classes.csv", "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
    sources = {**seeded_files, None: folder / "classes.csv"}
    registry = json.loads(registry_path().read_text())
    for entry in registry["files"].values():
        if entry["url"]:
            source = sources[entry["network"]]
            digest = hashlib.sha256(source.read_bytes()).hexdigest()
            entry["digests"], entry["content_sha256"] = [f"sha256:{digest}"], digest
        else:
            source = registry_path().with_name(entry["file"])
        os.symlink(source, folder / entry["file"])
    (folder / "registry.json").write_text(json.dumps(registry))
    return folder


@pytest.fixture
def readers_folder(tmp_path, monkeypatch, as_published):
    """The current folder, with the files that the pages name."""
    monkeypatch.setenv("HEAR_OPENL3_YAMNET_CACHE", str(as_published))
    monkeypatch.setenv("HEAR_OPENL3_YAMNET_REGISTRY", str(as_published / "registry.json"))
    names = ["speech.wav", "street.wav", "music.mp3", "recordings/a.wav", "sounds/birds/b.flac"]
    for seed, path in enumerate(tmp_path / name for name in names):
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, seeded_audio.clip("notes", 16000, 0.3, seed=seed), 16000)
    (tmp_path / "clips.csv").write_text("id,path\nfirst,speech.wav\nsecond,street.wav\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


# --- Python ------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", pages())
def test_every_block_is_found(page):
    text = text_of(page)
    fences = re.findall(r"^[ >]*(?:```+|~~~+)[ {]*(?:code-block\}? )?py", text, re.M | re.I)
    found = blocks(page)
    assert len(found) == len(fences), "tests.code_blocks does not find a Python block"
    reasons = re.findall(r"^<!-- not executed: (\w.+) -->$", text, re.M)
    assert len(reasons) == sum(not block.executed for block in found)
    assert len(reasons) == text.count("<!-- not executed")
    for reason in reasons:  # the page gives the same reason
        prose = " ".join(text.split())
        assert re.search(rf"tests do not run this block, because it {re.escape(reason)}", prose)


@pytest.mark.parametrize("page", [page for page in pages() if own_blocks(page)])
def test_blocks_run(page, readers_folder):
    if page == "corpora.md":
        succeed(commands(page)[0])
    namespace = {"__name__": "__main__"}
    for block in own_blocks(page):
        if page != "corpora.md" or "import ray" not in block.code:  # below
            assert run(block, namespace) == (block.output or ""), block.heading
    if page == "tag.md":
        tags = namespace["tags"]
        assert len(tags.top(3)) == 3
        assert tags.scores.shape == (len(tags.timestamps), 521)
    if page == "corpora.md":
        assert namespace["table"]["id"].to_list() == ["a.wav"]
        assert [row[0] for row in namespace["found"].fetchall()] == ["a.wav"]


@pytest.mark.slow  # starts Ray
def test_the_block_of_pandas_and_ray_runs(readers_folder):
    pytest.importorskip("pandas")
    ray = pytest.importorskip("ray")
    succeed(commands("corpora.md")[0])
    (block,) = [block for block in own_blocks("corpora.md") if "import ray" in block.code]
    namespace = {}
    try:
        run(block, namespace)
        assert namespace["frame"]["id"].to_list() == ["a.wav"]
        assert [row["id"] for row in namespace["dataset"].take_all()] == ["a.wav"]
    finally:
        ray.shutdown()


# --- commands ----------------------------------------------------------------------------------


def find(words: list[str]):
    """Return the command of a line, and the words after it."""
    command, words = typer.main.get_command(app), words[1:]
    while words and hasattr(command, "commands"):
        # `plot AUDIO` is short for `plot clip AUDIO`
        short = command.name == "plot" and words[0] not in command.commands
        name = "clip" if short else words.pop(0)
        assert name in command.commands, f"there is no command {name}"
        command = command.commands[name]
    return command, words


def parse(words: list[str]) -> None:
    """Parse a command like the command line, without running it. Raise if it does not exist."""
    command, words = find(words)
    assert not hasattr(command, "commands"), f"{command.name} is not all of a command"
    if any("[" in word for word in words):
        words = an_example(words)
    with command.make_context(command.name, words):
        pass


def an_example(synopsis: list[str]) -> list[str]:
    """Turn a synopsis, such as ``IN [MORE…] [--seed N]``, into a call with all its arguments."""
    words = [word.strip("[]").removesuffix("…") for word in synopsis]
    return [EXAMPLES.get(word, word) for word in words if word]


@pytest.mark.parametrize("line", {line: 0 for page in pages() for line in commands(page)})
def test_commands_exist(line):
    parse(shlex.split(line))


@pytest.mark.parametrize("page", pages())
def test_commands_named_in_a_sentence_exist(page):
    for line in re.findall("`(hear-openl3-yamnet [^`]+)`", text_of(page)):
        command, words = find(shlex.split(line))
        options = {name for option in command.params for name in option.opts}
        assert options >= {word for word in words if word.startswith("-")}, line


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("hear-openl3-yamnet listen a.wav", "there is no command listen"),
        ("hear-openl3-yamnet tasks mkae tasks", "there is no command mkae"),
        ("hear-openl3-yamnet tasks", "tasks is not all of a command"),
        ("hear-openl3-yamnet tag a.wav --tpo 5", "No such option"),
        ("hear-openl3-yamnet tag a.wav --top five", "valid int"),
        ("hear-openl3-yamnet export a.onnx --format onxn", "onxn"),
        ("hear-openl3-yamnet embed a.wav", "(?i)missing"),
        ("hear-openl3-yamnet plot a.wav b.wav", "(?i)extra argument"),
        ("hear-openl3-yamnet tasks make tasks [--sede N]", "No such option"),
    ],
)
def test_wrong_commands_are_noticed(line, message):
    with pytest.raises(Exception, match=message):
        parse(shlex.split(line))


def succeed(line: str) -> None:
    done = CliRunner().invoke(app, shlex.split(line)[1:])
    assert done.exit_code == 0, f"{line}\n{done.output}\n{done.exception!r}"


@pytest.mark.parametrize("page", COMMANDS_RUN)
def test_commands_run(page, readers_folder):
    if page == "../README.md":  # evaluate's input
        write_result(readers_folder / "embeddings", "yamnet", "esc50-v2.0.0-full", 0.8)
    for line in commands(page):
        if ENGINE_OF_RAY not in line:
            succeed(line)


def test_the_pages_are_found():
    assert {"../README.md", "../weights/README.md", "corpora.md", "study/README.md"} <= set(pages())
    assert not any(page.startswith("_build") for page in pages())
    assert len({line for page in pages() for line in commands(page)}) > 25
