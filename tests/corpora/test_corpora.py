"""Every file of a corpus has a row, whatever is wrong with it. A run that was ended goes on."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import numpy as np
import polars
import pyarrow as pa
import pyarrow.csv
import pytest
import soundfile

from hear_openl3_yamnet import OptionError, get_scene_embeddings, get_timestamp_embeddings
from hear_openl3_yamnet.audio.files import load_audio, resample
from hear_openl3_yamnet.corpora import (
    embed_corpus,
    export_hear,
    export_projector,
    load_corpus,
    rows,
    tables,
)
from hear_openl3_yamnet.corpora.manifest import Item, read_manifest
from hear_openl3_yamnet.corpora.shards import shard_path, write_shard
from hear_openl3_yamnet.errors import CorpusError
from hear_openl3_yamnet.files import is_partial
from tests.comparing import assert_close, numpy
from tests.seeded_audio import clip

YAMNET = ["--model", "yamnet", "--weights", "random:1"]
BAD = {
    "empty.wav": "an empty file (0 bytes)",
    "gone.wav": "no such file",
    "nan.wav": "sample 5 of channel 0 is nan",
    "pipe.wav": "not a regular file",
    "text.flac": "not audio that can be read",
    "truncated.wav": "truncated",
}


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    for i in range(12):
        rate = (16_000, 44_100, 48_000)[i % 3]
        soundfile.write(folder / f"{i:02d}.wav", 0.5 * clip("notes", rate, 0.2 + 0.3 * i), rate)
    long = np.stack([0.3 * clip("chirp", 44_100, 65.0)] * 2, axis=1)
    soundfile.write(folder / "long.flac", long, 44_100)
    soundfile.write(folder / "eight.wav", 0.1 * np.ones((19_200, 8)), 192_000)
    (folder / "empty.wav").touch()
    (folder / "gone.wav").symlink_to("nowhere.wav")
    broken = np.full(1000, 0.1)
    broken[5] = np.nan
    soundfile.write(folder / "nan.wav", broken, 16_000, subtype="FLOAT")
    os.mkfifo(folder / "pipe.wav")
    (folder / "text.flac").write_text("no sound\n" * 40)
    whole = (folder / "03.wav").read_bytes()
    (folder / "truncated.wav").write_bytes(whole[: len(whole) // 2])
    (folder / "sub").mkdir()
    (folder / "sub" / "loop").symlink_to("..")
    name = os.fsencode(folder / "sub") + b"/caf\xe9.wav"
    Path(os.fsdecode(name)).write_bytes(whole)
    return folder


@pytest.fixture(scope="module")
def out(files, untrained_yamnet, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("out")
    summary = embed_corpus(files, folder, untrained_yamnet, outputs="both", shard_rows=5)
    assert (summary.embedded, summary.failed, summary.left) == (15, len(BAD), 0)
    return folder


def test_every_file_is_a_row_in_order(out):
    corpus = load_corpus(out)
    ids = corpus.table["id"].to_pylist()
    assert ids == sorted(ids)
    assert len(ids) == len(corpus) == 15 + len(BAD)
    assert "sub/caf\\xe9.wav" in corpus.ids
    failures = {row["id"]: row["error"] for row in corpus.failures.to_pylist()}
    assert failures.keys() == BAD.keys()
    for name, cause in BAD.items():
        assert cause in failures[name]
    assert json.loads((out / "_summary.json").read_text())["total_failed"] == len(BAD)


def test_rows_have_the_values_of_direct_calls(files, out, untrained_yamnet):
    for row in load_corpus(out).table.to_pylist():
        if row["status"] == "failed":
            continue
        path = os.fsdecode(os.fsencode(files / row["id"]).replace(rb"\xe9", b"\xe9"))
        audio = load_audio(path, 16_000)[None]
        embeddings, times = map(numpy, get_timestamp_embeddings(audio, untrained_yamnet))
        assert_close(np.float32(row["embeddings"]), embeddings[0], 1e-5)
        np.testing.assert_array_equal(np.float32(row["timestamps"]), times[0])
        scene = numpy(get_scene_embeddings(audio, untrained_yamnet))
        assert_close(np.float32(row["scene"]), scene[0], 1e-5)


def test_other_programs_read_the_shards(out):
    pattern = str(out / "part-*.parquet")
    ids = load_corpus(out).table["id"].to_pylist()
    assert polars.read_parquet(pattern)["id"].to_list() == ids
    found = duckdb.sql(f"select id, len(scene) from '{pattern}' where status = 'ok'").fetchall()
    assert {size for _, size in found} == {1024}
    assert len(found) == 15


def test_a_second_run_does_nothing_and_a_retry_only_the_failures(files, out, untrained_yamnet):
    again = embed_corpus(files, out, untrained_yamnet, outputs="both")
    assert (again.done_before, again.embedded, again.failed) == (15 + len(BAD), 0, 0)
    again = embed_corpus(files, out, untrained_yamnet, outputs="both", retry_failed=True)
    assert (again.done_before, again.embedded, again.failed) == (15, 0, len(BAD))
    ids = load_corpus(out).table["id"].to_pylist()
    assert len(ids) == len(set(ids)) == 15 + len(BAD)


def test_another_configuration_is_refused(files, out, untrained_yamnet):
    with pytest.raises(OptionError, match=r"differs in: .*outputs(?s:.*)there: (?s:.*)this run: "):
        embed_corpus(files, out, untrained_yamnet)


def test_exports(out, tmp_path):
    corpus = load_corpus(out)
    assert export_hear(corpus, tmp_path / "hear") == 15
    stem = tmp_path / "hear" / "02.wav"
    embeddings = np.load(f"{stem}.embedding.npy")
    times = json.loads(Path(f"{stem}.timestamps.json").read_text())
    assert embeddings.shape == (len(times), 1024)
    written = {path.name for path in (tmp_path / "hear").iterdir() if path.is_file()}
    names = [id_ for id_ in corpus.ids if "/" not in id_]
    assert written == {
        f"{id_}.{kind}" for id_ in names for kind in ("embedding.npy", "timestamps.json")
    }
    assert export_projector(corpus, tmp_path / "projector") == 15
    vectors = np.loadtxt(tmp_path / "projector" / "vectors.tsv", delimiter="\t")
    np.testing.assert_allclose(vectors, corpus.scene, rtol=1e-5)
    metadata = (tmp_path / "projector" / "metadata.tsv").read_text().splitlines()
    assert metadata[0].startswith("id\tpath")
    assert len(metadata) == 16


def test_a_manifest_has_excerpts_and_labels(files, untrained_yamnet, tmp_path):
    manifest = files.parent / f"{tmp_path.name}.csv"
    table = pa.table(
        {
            "id": ["b", "a", "late"],
            "path": [f"{files.name}/05.wav"] * 3,
            "start": [0.5, None, 9.0],
            "duration": [0.7, None, None],
            "species": ["owl", "lark", "owl"],
        }
    )
    pyarrow.csv.write_csv(table, manifest)
    embed_corpus(manifest, tmp_path / "out", untrained_yamnet)
    found = load_corpus(tmp_path / "out").table.to_pylist()
    assert [(row["id"], row["status"], row["species"]) for row in found] == [
        ("b", "ok", "owl"),
        ("a", "ok", "lark"),
        ("late", "failed", "owl"),
    ]
    samples, rate = soundfile.read(files / "05.wav", dtype="float32")
    first = round(0.5 * rate)
    excerpt = resample(samples[first : first + round(0.7 * rate)], rate, 16_000)
    scene = untrained_yamnet.scene_embeddings([excerpt])[0]
    assert_close(np.float32(found[0]["scene"]), scene, 1e-5)


def test_wrong_inputs_are_refused(tmp_path):
    with pytest.raises(OptionError, match="holds no audio files"):
        read_manifest(tmp_path)
    with pytest.raises(OptionError, match="no such folder, glob"):
        read_manifest(tmp_path / "missing")
    with pytest.raises(CorpusError, match="holds no corpus"):
        load_corpus(tmp_path)


def start(files: Path, out: Path) -> subprocess.Popen:
    command = [sys.executable, "-m", "hear_openl3_yamnet", "corpus", "embed", files, out]
    command += [*YAMNET, "--timestamps", "--shard-rows", "1"]
    return subprocess.Popen(list(map(str, command)), stderr=subprocess.PIPE, text=True)


def wait_for_shard(run: subprocess.Popen, out: Path) -> None:
    while run.poll() is None and not list(out.glob("part-*")):
        time.sleep(0.005)


@pytest.mark.slow
def test_a_killed_run_goes_on_and_an_interrupted_one_says_how(files, untrained_yamnet, tmp_path):
    run = start(files, tmp_path)
    wait_for_shard(run, tmp_path)
    run.kill()
    run.communicate()
    n_before = len(list(tmp_path.glob("part-*.parquet")))
    assert 0 < n_before < 15 + len(BAD)

    run = start(files, tmp_path)
    while len(list(tmp_path.glob("part-*.parquet"))) == n_before and run.poll() is None:
        time.sleep(0.005)
    run.send_signal(signal.SIGINT)
    _, said = run.communicate()
    assert run.returncode in (130, 1)  # 1: it had finished, with failures
    if run.returncode == 130:
        assert "The same command continues where it stopped" in said
    rest = embed_corpus(files, tmp_path, untrained_yamnet, outputs="timestamps")
    assert rest.total_ok == 15
    assert rest.total_failed == len(BAD)
    ids = load_corpus(tmp_path).table["id"].to_pylist()
    assert ids == sorted(set(ids))
    assert len(ids) == 15 + len(BAD)
    assert not [path for path in tmp_path.iterdir() if is_partial(path)]


def test_long_files_are_several_rows(files, untrained_yamnet, tmp_path, monkeypatch):
    whole, parted = tmp_path / "whole", tmp_path / "parted"
    embed_corpus(files / "long.flac", whole, untrained_yamnet, outputs="both")
    monkeypatch.setattr(rows, "MOST_VALUES", 600 * 1024)
    embed_corpus(files / "long.flac", parted, untrained_yamnet, outputs="both")
    (expected,) = load_corpus(whole).table.to_pylist()
    corpus = load_corpus(parted)
    found = corpus.table.to_pylist()
    assert [(row["id"], row["part"]) for row in found] == [("long.flac", i) for i in range(3)]
    assert {len(row["embeddings"]) for row in found[:-1]} == {600}
    for name in ("timestamps", "embeddings"):
        assert [value for row in found for value in row[name]] == expected[name]
    assert len(corpus) == 1
    assert corpus.ids == ["long.flac"]
    np.testing.assert_array_equal(corpus.scene, [np.float32(expected["scene"])])
    export_hear(corpus, tmp_path / "hear")
    exported = np.load(tmp_path / "hear" / "long.flac.embedding.npy")
    np.testing.assert_array_equal(exported, np.float32(expected["embeddings"]))
    again = embed_corpus(files / "long.flac", parted, untrained_yamnet, outputs="both")
    assert (again.done_before, again.embedded) == (1, 0)


READ_SCENES = """
import resource, sys
from hear_openl3_yamnet.corpora import load_corpus, reading
reading.MOST_IN_MEMORY = 2**20
corpus = load_corpus(sys.argv[1])
corpus.ids
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
before = peak()
scene = corpus.scene
assert scene.shape == (30_000, 1024), scene.shape
assert [scene[i, 3] for i in (0, 14_999, 29_999)] == [0, 7, 14]
print((peak() - before) / 1024)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is KB on Linux")
def test_scenes_of_a_large_corpus_are_mapped(tmp_path):
    description = {"outputs": "scene", "scene_size": 1024, "float_type": "float32"}
    columns = tables.schema(description, pa.schema([]))
    for number in range(15):  # 123 MB in all
        scene = np.full(1024, number, np.float32)
        items = [Item(f"{number}/{i}", "nowhere", i) for i in range(2000)]
        table = tables.to_table(
            [rows.Row(item, scene=scene) for item in items], columns, pa.table({})
        )
        write_shard(shard_path(tmp_path, 1, 2000 * number), columns, [table])
    command = [sys.executable, "-c", READ_SCENES, str(tmp_path)]
    environment = {**os.environ, "ARROW_DEFAULT_MEMORY_POOL": "system"}
    run = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert run.returncode == 0, run.stderr
    assert float(run.stdout) < 80  # MB: some shards
