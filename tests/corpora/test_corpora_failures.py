"""An error with one file, while a corpus is embedded, costs one row and nothing else."""

import os
import subprocess
import sys
import threading

import numpy as np
import pytest
import soundfile

from hear_openl3_yamnet.corpora import load_corpus, tables
from hear_openl3_yamnet.corpora.batching import Embedding, embed_items
from hear_openl3_yamnet.corpora.manifest import read_manifest
from hear_openl3_yamnet.corpora.shards import ShardWriter
from tests.seeded_audio import clip

DECODE = """
import os
from hear_openl3_yamnet.corpora.decoding import decode
from hear_openl3_yamnet.corpora.manifest import Item
error = lambda: decode(Item("locked", "locked.wav", 0), 16_000).row.error
before = error()  # and all that is imported late
if os.geteuid() == 0:
    assert before is None
    os.setgroups([])
    os.setuid(65534)
print(error())
"""


@pytest.mark.skipif(os.name == "nt", reason="permissions are Unix's")
def test_a_file_without_permission(tmp_path):
    path = tmp_path / "locked.wav"
    soundfile.write(path, np.zeros(1600), 16_000)
    path.chmod(0)
    tmp_path.chmod(0o755)
    command = [sys.executable, "-c", DECODE]  # in the folder, whose parents may be closed, too
    run = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
    assert "locked.wav" in run.stdout
    assert "ermission" in run.stdout


def test_a_file_that_vanishes_while_the_run_goes_on(untrained_yamnet, tmp_path):
    for i in range(40):  # more than are decoded ahead
        soundfile.write(tmp_path / f"{i:02d}.wav", 0.1 * np.ones(3200), 16_000)
    listed = read_manifest(tmp_path).items

    def items():
        yield from listed[:-1]
        (tmp_path / "39.wav").unlink()
        yield listed[-1]

    embedding = Embedding(untrained_yamnet, "scene", "float32", tmp_path)
    embedded = list(embed_items(items(), embedding, 2, threading.Event()))
    assert [row.item.id for row in embedded] == [item.id for item in listed]
    assert [row.error is None for row in embedded] == [True] * 39 + [False]
    assert "no such file" in embedded[-1].error


def truncate(path):
    path.write_bytes(path.read_bytes()[:-200_000])


def corrupt(path):
    content = bytearray(path.read_bytes())
    rng = np.random.default_rng(1)
    content[-200_000:-100_000] = rng.bytes(100_000)
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("name", "damage"), [("long.wav", truncate), ("long.flac", truncate), ("long.flac", corrupt)]
)
def test_a_long_file_damaged_late_is_one_failure(name, damage, untrained_yamnet, tmp_path):
    files, out = tmp_path / "files", tmp_path / "out"
    files.mkdir()
    out.mkdir()
    sound = 0.2 * np.random.default_rng(2).standard_normal(65 * 16_000)  # streamed from 60 s on
    soundfile.write(files / name, sound, 16_000)
    damage(files / name)
    soundfile.write(files / "short.wav", 0.5 * clip("notes", 16_000, 1), 16_000)
    items = read_manifest(files).items
    labels = read_manifest(files).labels
    description = tables.describe(untrained_yamnet, "both", "float32", labels.schema)
    columns = tables.schema(description, labels.schema)
    writer = ShardWriter(out, 1, columns, labels.take, 10)
    embedding = Embedding(untrained_yamnet, "both", "float32", out)
    for row in embed_items(items, embedding, 2, threading.Event()):
        writer.add(row)
    writer.flush()
    long, short = load_corpus(out).table.to_pylist()
    assert (long["status"], short["status"]) == ("failed", "ok")
    assert long["scene"] is long["embeddings"] is None
    assert name in long["error"]
    assert [path.name for path in out.iterdir()] == ["part-00001-0000000000.parquet"]
