"""In every command: what happens to one input costs that input alone, is named with its cause, the
rest is done, and the exit status says so. `tag` takes one file; tests/road/test_tagging.py has its
outputs. `export` and `weights convert` have one input, too; tests/weights has `weights export`.
"""

import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hear_openl3_yamnet.commands.shared import each_input
from hear_openl3_yamnet.corpora import embed_corpus, load_corpus
from hear_openl3_yamnet.errors import HearError, MachineError, MissingExtraError, OptionError
from hear_openl3_yamnet.weights.registry import registry_path
from tests.evaluation.heareval_results import write_result, write_text
from tests.labelled.recordings import write_tones
from tests.program import run
from tests.seeded_audio import clip

YAMNET = ["--model", "yamnet", "--weights", "random:1"]


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def write_audio(*names):
    for name in names:
        Path(name).parent.mkdir(exist_ok=True)
        soundfile.write(name, 0.5 * clip("notes", 16_000, 0.3), 16_000)


def three_files():
    write_audio("in/a.wav", "in/c.wav")
    Path("in/b.wav").write_text("no sound")
    return ["in/a.wav", "in/b.wav", "in/c.wav"]


def embed():
    done = run("embed", *three_files(), "-o", "out", *YAMNET)
    assert {path.name for path in Path("out").iterdir()} == {"a.npz", "c.npz"}
    return done, "Error: in/b.wav: not audio"


def plot_of_two():
    three_files()
    done = run("plot", "--compare", "in/a.wav", "in/b.wav", *YAMNET)  # one picture of both
    assert not list(Path().glob("*.png"))
    return done, "Error: in/b.wav: not audio"


def corpus_embed():
    three_files()
    done = run("corpus", "embed", "in", "out", *YAMNET)
    corpus = load_corpus("out")
    assert corpus.ids == ["a.wav", "c.wav"]
    (failure,) = corpus.failures.to_pylist()
    assert failure["error"].startswith("in/b.wav: not audio")
    return done, "1 files in out failed; their rows say why"


def corpus_export():
    write_audio("in/a.wav", "in/c.wav")
    rows = [("a", "in/a.wav"), ("../b", "in/a.wav"), ("b" * 250, "in/a.wav"), ("c", "in/c.wav")]
    Path("all.csv").write_text("id,path\n" + "".join(f"{id_},{path}\n" for id_, path in rows))
    assert run("corpus", "embed", "all.csv", "corpus", *YAMNET).returncode == 0
    done = run("corpus", "export", "corpus", "out")
    assert {path.name for path in Path("out").iterdir()} == {"a.embedding.npy", "c.embedding.npy"}
    assert "2 of 4 files are not exported" in done.stderr
    assert "File name too long" in done.stderr
    return done, "../b: The id '../b' leads to a place outside the folder"


def plot_corpus():
    write_audio("in/a.wav", "in/b.wav", "in/c.wav")
    assert run("corpus", "embed", "in", "corpus", *YAMNET).returncode == 0
    Path("in/b.wav").write_text("no sound any more")
    done = run("plot", "corpus", "corpus", "-o", "map")
    assert {path.name for path in Path().glob("map.*")} == {"map.png", "map.html"}
    assert "map.html (2 sounds, in the page)" in done.stdout
    assert "1 of 3 points have no sound" in done.stderr
    return done, "Error: in/b.wav: not audio"


def study():
    write_tones(Path("tones"))
    Path("tones/low/s0_0.wav").write_text("no sound")
    Path("tones/low/._s0_1.wav").touch()
    done = run("study", "tones", "-o", "out", "--models", "yamnet-starter", "--heads", "published")
    assert "tones: 23 clips" in done.stdout
    assert Path("out/winner.json").exists()
    assert "1 clips cannot be read and are left out" in done.stderr
    assert "1 skipped, hidden (low/._s0_1.wav)" in done.stderr
    return done, "Error: tones/low/s0_0.wav: not audio"


def manifest_of_tones() -> Path:
    names = write_tones(Path("tones"))
    rows = "".join(f"{name},{name.split('/')[0]}\n" for name in [*names, "low/gone.wav"])
    path = Path("tones/clips.csv")
    path.write_text(f"path,label\n{rows}")
    return path


def study_of_a_manifest():
    manifest = manifest_of_tones()
    done = run("study", manifest, "-o", "out", "--models", "yamnet-starter", "--heads", "published")
    assert "clips.csv: 24 clips" in done.stdout
    assert Path("out/winner.json").exists()
    return done, "Error: tones/low/gone.wav: no such file"


def tasks_from_a_manifest():
    done = run("tasks", "from", manifest_of_tones(), "tasks")
    assert "24 clips" in done.stdout
    return done, "Left out: low/gone.wav: tones/low/gone.wav: no such file"


def tasks_make():
    Path("tasks/synth_words-v1-small").mkdir(parents=True)
    names = ["--task", "synth_words", "--task", "synth_strokes"]
    done = run("tasks", "make", "tasks", "--size", "small", "--sample-rate", 8000, *names)
    assert Path("tasks/synth_strokes-v1-small/task_metadata.json").exists()
    return done, "synth_words-v1-small is in the way"


def evaluate():
    write_result(Path("in"), "first", "task", 0.5)
    write_result(Path("in"), "third", "task", 0.7)
    broken = write_text(Path("in"), "second", "task", "{")
    done = run("evaluate", "in", "-o", "out")
    table = Path("out/evaluation.csv").read_text()
    assert "first" in table
    assert "third" in table
    assert "1 of 3 files are not compared" in done.stderr
    return done, f"Error: {broken.resolve()}: not valid JSON"


def weights_import():
    shipped = [
        registry_path().with_name(f"starter-{n}.safetensors") for n in ("yamnet", "openl3-mel128")
    ]
    for path in shipped:
        shutil.copy(path, path.name)
    Path("wrong.h5").write_text("no weights")
    done = run("weights", "import", shipped[0].name, "wrong.h5", shipped[1].name)
    assert done.stdout.count("recognised by its digest") == 2
    return done, "Error: wrong.h5 has neither the digest nor the name"


def weights_fetch():
    done = run("weights", "fetch", "yamnet-starter", "nowhere", "openl3-mel128-starter")
    assert [line.split(":")[0] for line in done.stdout.splitlines()] == [
        "yamnet-starter",
        "openl3-mel128-starter",
    ]
    return done, "nowhere"


CASES = [
    embed,
    plot_of_two,
    corpus_embed,
    corpus_export,
    plot_corpus,
    study,
    study_of_a_manifest,
    tasks_from_a_manifest,
    evaluate,
    weights_import,
    weights_fetch,
]


@pytest.mark.parametrize(
    "case",
    [*CASES, pytest.param(tasks_make, marks=pytest.mark.slow)],
    ids=lambda case: case.__name__,
)
def test_one_input_costs_itself(case):
    done, message = case()
    assert done.returncode == 1
    assert message in done.stderr
    assert "Traceback" not in done.stderr


# --- the one place ------------------------------------------------------------------------------

ERRORS = st.sampled_from(
    [
        None,
        HearError("is not what it should be"),
        OptionError("is an option that does not exist"),
        OSError(5, "Input/output error"),
        RuntimeError("out of luck"),
        MemoryError(),
        KeyError("x"),
        UnicodeEncodeError("utf-8", "\udce9", 0, 1, "surrogates not allowed"),
        RecursionError("too deep"),
        AssertionError(),
    ]
)


@given(st.lists(ERRORS))
def test_whatever_is_raised_names_its_input_and_no_other(errors):
    done = []

    def do(number):
        if errors[number] is not None:
            raise errors[number]
        done.append(number)

    n_failed = each_input(range(len(errors)), do)
    assert done == [i for i, error in enumerate(errors) if error is None]
    assert n_failed == len(errors) - len(done)


@pytest.mark.parametrize("error", [MachineError("the disk is full"), MissingExtraError("no av")])
def test_what_all_inputs_would_meet_ends_the_run(error):
    begun = []

    def do(number):
        begun.append(number)
        raise error

    with pytest.raises(type(error)):
        each_input(range(3), do)
    assert begun == [0]


def test_an_interrupt_ends_the_run():
    def interrupt(_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        each_input("ab", interrupt)


# --- corpora of any mixture ---------------------------------------------------------------------


def good(path, seed):
    soundfile.write(path, 0.5 * clip("notes", 16_000, 0.1, seed=seed), 16_000)


def cut(path, seed):
    good(path, seed)
    path.write_bytes(path.read_bytes()[:500])


def not_finite(path, _):
    soundfile.write(path, np.full(1000, np.inf), 16_000, subtype="FLOAT")


KINDS = {
    "good": good,
    "empty": lambda path, _: path.touch(),
    "text": lambda path, _: path.write_text("no sound"),
    "cut": cut,
    "not finite": not_finite,
    "nowhere": lambda path, _: path.symlink_to("nowhere"),
    "itself": lambda path, _: path.symlink_to(path.name),
    "folder": lambda path, _: None,  # named by the manifest, and not there
}


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(sorted(KINDS)), min_size=1, max_size=8))
def test_any_mixture_has_a_row_for_each_file(untrained_yamnet, tmp_path_factory, kinds):
    folder = tmp_path_factory.mktemp("mixture")
    for i, kind in enumerate(kinds):
        KINDS[kind](folder / f"{i}.wav", i)
    (folder / "all.csv").write_text(
        "id,path\n" + "".join(f"{i},{i}.wav\n" for i in range(len(kinds)))
    )
    summary = embed_corpus(folder / "all.csv", folder / "out", untrained_yamnet)
    rows = load_corpus(folder / "out").table.to_pylist()
    assert [row["id"] for row in rows] == [str(i) for i in range(len(kinds))]
    assert [row["status"] == "ok" for row in rows] == [kind == "good" for kind in kinds]
    assert all(f"{row['id']}.wav" in row["error"] for row in rows if row["status"] == "failed")
    assert (summary.embedded, summary.failed) == (
        kinds.count("good"),
        len(rows) - kinds.count("good"),
    )
