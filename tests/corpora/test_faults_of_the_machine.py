"""A fault of the machine ends a run with one typed error. Nothing is half-written, and the same
call goes on. A fault of one file costs one row.
"""

import contextlib
import os
import tempfile
import threading
from pathlib import Path

import pytest
import soundfile

from hear_openl3_yamnet.audio.files import resample
from hear_openl3_yamnet.corpora import decoding, embed_corpus, load_corpus, trial
from hear_openl3_yamnet.corpora.batching import Embedding, embed_items
from hear_openl3_yamnet.corpora.manifest import read_manifest
from hear_openl3_yamnet.corpora.shards import shard_paths
from hear_openl3_yamnet.errors import CorpusError, MachineError
from hear_openl3_yamnet.files import is_partial
from tests.program import run
from tests.seeded_audio import clip
from tests.unprivileged import unprivileged

resource = pytest.importorskip("resource", reason="limits are Unix's")

YAMNET = ["--model", "yamnet", "--weights", "random:1"]


@pytest.fixture
def tmp_path():
    """A folder that everybody can reach; pytest's own is closed."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        yield Path(folder)


@pytest.fixture
def files(tmp_path, monkeypatch):
    """Six short files and a longer one, last."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").mkdir()
    for i in range(7):
        sound = 0.5 * clip("notes", 44_100, 5.0 if i == 6 else 0.2, seed=i)
        soundfile.write(tmp_path / "in" / f"{i}.wav", sound, 44_100)
    return tmp_path / "in"


@contextlib.contextmanager
def limited(what, most):
    soft, hard = resource.getrlimit(what)
    resource.setrlimit(what, (most, hard))
    try:
        yield
    finally:
        resource.setrlimit(what, (soft, hard))


def assert_whole_and_nothing_else(out):
    assert not [path for path in out.iterdir() if is_partial(path)]
    for path in shard_paths(out):
        assert path.stat().st_size > 1000
    ids = load_corpus(out).table["id"].to_pylist()
    assert len(ids) == len(set(ids))


def test_out_is_a_file(files, untrained_yamnet):
    with open("taken", "wb"):
        pass
    for out in ("taken", "taken/below"):
        with pytest.raises(CorpusError, match=r"taken.*: (a file|cannot be written)"):
            embed_corpus("in", out, untrained_yamnet)
        done = run("corpus", "embed", "in", out, *YAMNET)
        assert done.returncode == 1
        assert done.stderr.splitlines()[-1].startswith("Error: taken")


def test_out_cannot_be_written_to(files, untrained_yamnet, tmp_path):
    (tmp_path / "closed").mkdir(mode=0o555)
    with unprivileged():
        for out in ("closed", "closed/new"):
            with pytest.raises(CorpusError, match=r"cannot be written to .*ermission denied"):
                embed_corpus("in", out, untrained_yamnet)
    assert list((tmp_path / "closed").iterdir()) == []


def test_the_disk_is_full(files, untrained_yamnet, tmp_path):
    out = tmp_path / "out"
    # the embeddings of the longer file do not fit: a file may not grow beyond 200 KB
    with (
        limited(resource.RLIMIT_FSIZE, 200_000),
        pytest.raises(CorpusError, match=r"out: cannot be written to \(.*; the same command"),
    ):
        embed_corpus(files, out, untrained_yamnet, outputs="timestamps", shard_rows=1)
    assert_whole_and_nothing_else(out)
    assert 0 < len(shard_paths(out)) < 7
    rest = embed_corpus(files, out, untrained_yamnet, outputs="timestamps", shard_rows=1)
    assert (rest.total_ok, rest.total_failed) == (7, 0)
    assert_whole_and_nothing_else(out)


def test_the_embeddings_of_a_long_file_find_no_room(files, untrained_yamnet, tmp_path):
    long = 0.3 * clip("chirp", 16_000, 65.0)  # streamed from 60 s on
    soundfile.write(files / "long.flac", long, 16_000)
    with (
        limited(resource.RLIMIT_FSIZE, 1_500_000),
        pytest.raises(CorpusError, match="embeddings of a long file cannot be kept"),
    ):
        embed_corpus(files, tmp_path / "out", untrained_yamnet, outputs="timestamps")
    assert len(load_corpus(tmp_path / "out")) == 7  # those before it are written


def test_no_file_can_be_opened(files, untrained_yamnet, tmp_path):
    embedding = Embedding(untrained_yamnet, "scene", "float32", tmp_path)
    items = read_manifest(files).items
    assert len(list(embed_items(items, embedding, 1, threading.Event()))) == 7  # all is imported
    with (
        limited(resource.RLIMIT_NOFILE, 3),
        pytest.raises(MachineError, match=r"No file can be embedded.*Too many open files"),
    ):
        list(embed_items(items, embedding, 1, threading.Event()))


def test_a_library_that_fails_for_every_file(files, untrained_yamnet, tmp_path, monkeypatch):
    def fail(*_):
        raise RuntimeError("cannot cache function: no locator available")

    monkeypatch.setattr(decoding, "resample", fail)
    monkeypatch.setattr(trial, "resample", fail)
    out = tmp_path / "out"
    with pytest.raises(MachineError, match=r"No file can be embedded.*RuntimeError: cannot cache"):
        embed_corpus(files, out, untrained_yamnet)
    assert shard_paths(out) == []
    monkeypatch.undo()
    assert embed_corpus(files, out, untrained_yamnet).embedded == 7


def test_a_network_without_memory_for_anything(files, untrained_yamnet, tmp_path, monkeypatch):
    def fail(*_):
        raise MemoryError("8 GB for a tensor")

    monkeypatch.setattr(type(untrained_yamnet), "scene_embeddings", fail)
    with pytest.raises(MachineError, match="MemoryError: 8 GB for a tensor"):
        embed_corpus(files, tmp_path / "out", untrained_yamnet)
    assert [p.name for p in (tmp_path / "out").iterdir() if not p.name.startswith(".")] == []


@pytest.mark.parametrize("error", [RuntimeError("out of luck"), MemoryError(), KeyError("x")])
def test_what_no_code_foresees_costs_one_row(files, untrained_yamnet, tmp_path, monkeypatch, error):
    def resample_or_fail(waveform, *rates):
        if len(waveform) > 100_000:
            raise error
        return resample(waveform, *rates)

    monkeypatch.setattr(decoding, "resample", resample_or_fail)
    summary = embed_corpus(files, tmp_path / "out", untrained_yamnet)
    assert (summary.embedded, summary.failed) == (6, 1)
    (failure,) = load_corpus(tmp_path / "out").failures.to_pylist()
    assert failure["id"] == "6.wav"
    assert failure["error"] == f"{type(error).__name__}: {error}"


def test_the_summary_and_the_exit_status_say_what_is_left_out(files, tmp_path):
    (files / "locked").mkdir(mode=0o700)
    (files / "locked").chmod(0)
    (files / "notes.txt").touch()
    (files / "._0.wav").touch()
    out = tmp_path / "out"
    out.mkdir()
    out.chmod(0o777)
    with unprivileged():
        done = run("corpus", "embed", "in", "out", *YAMNET)
    (files / "locked").chmod(0o700)
    assert done.returncode == 1
    assert "7 files embedded" in done.stdout
    assert ", 0 failed, 0 done before, 3 skipped" in done.stdout
    assert done.stderr.splitlines() == [
        "1 skipped, hidden (._0.wav)",
        "1 skipped, not audio by their endings (notes.txt)",
        "1 skipped, folders that cannot be read (locked: Permission denied)",
    ]
    os.rmdir(files / "locked")
    done = run("corpus", "embed", "in", "out", *YAMNET)
    assert done.returncode == 0
    assert "7 done before, 2 skipped" in done.stdout
