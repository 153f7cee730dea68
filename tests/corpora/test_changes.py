"""A file that was replaced since it was embedded is embedded anew when the run resumes."""

import os
import shutil

import numpy as np
import pyarrow.parquet as pq
import pytest
import soundfile

from hear_openl3_yamnet.corpora import embed_corpus, load_corpus
from hear_openl3_yamnet.corpora.decoding import decode, stream
from hear_openl3_yamnet.corpora.manifest import Item
from hear_openl3_yamnet.corpora.shards import shard_paths
from hear_openl3_yamnet.errors import AudioFileError
from tests.seeded_audio import clip


def write(path, seed, seconds=0.3):
    soundfile.write(path, 0.5 * clip("notes", 16_000, seconds, seed=seed), 16_000)


@pytest.fixture
def corpus(tmp_path, untrained_yamnet):
    """Five files, one of them damaged, in shards of two."""
    files, out = tmp_path / "files", tmp_path / "out"
    files.mkdir()
    for i in range(5):
        write(files / f"{i}.wav", i)
    (files / "3.wav").write_bytes(b"no sound")

    def embed(**options):
        return embed_corpus(files, out, untrained_yamnet, shard_rows=2, **options)

    embed()
    return files, out, embed


def rows(out):
    return {row["id"]: row for row in load_corpus(out).table.to_pylist()}


def test_a_file_of_another_size_or_time_is_embedded_anew_and_no_other(corpus):
    files, out, embed = corpus
    before = rows(out)
    write(files / "0.wav", 9, seconds=0.4)
    write(files / "2.wav", 8)  # of the same size
    os.utime(files / "2.wav", (1, 1))
    summary = embed()
    assert (summary.done_before, summary.changed, summary.embedded) == (3, 2, 2)
    assert "2 changed since" in str(summary)
    after = rows(out)
    assert {id_ for id_ in before if before[id_] != after[id_]} == {"0.wav", "2.wav"}
    assert after["0.wav"]["duration"] == pytest.approx(0.4)
    assert after["2.wav"]["modified"] == 1
    assert len(load_corpus(out)) == 5
    assert embed().changed == 0


def test_a_failed_file_that_was_mended_is_embedded_without_being_asked_for(corpus):
    files, out, embed = corpus
    shutil.copy(files / "4.wav", files / "3.wav")
    summary = embed()
    assert (summary.changed, summary.embedded, summary.total_failed) == (1, 1, 0)
    assert rows(out)["3.wav"]["status"] == "ok"


def test_a_file_that_is_gone_keeps_its_row(corpus, tmp_path, untrained_yamnet):
    files, out, embed = corpus
    before = rows(out)
    (files / "1.wav").unlink()
    assert embed().changed == 0
    assert rows(out) == before
    manifest = tmp_path / "all.csv"
    manifest.write_text("id,path\n" + "".join(f"{i}.wav,files/{i}.wav\n" for i in range(5)))
    assert embed_corpus(manifest, out, untrained_yamnet).changed == 0
    assert rows(out) == before


def test_a_file_that_was_missing_and_is_there_now(tmp_path, untrained_yamnet):
    (tmp_path / "all.csv").write_text("id,path\na,a.wav\nb,b.wav\n")
    write(tmp_path / "a.wav", 1)
    first = embed_corpus(tmp_path / "all.csv", tmp_path / "out", untrained_yamnet)
    assert (first.embedded, first.failed) == (1, 1)
    write(tmp_path / "b.wav", 2)
    second = embed_corpus(tmp_path / "all.csv", tmp_path / "out", untrained_yamnet)
    assert (second.done_before, second.changed, second.embedded) == (1, 1, 1)


def test_all_excerpts_and_row_parts_of_a_changed_file_go(tmp_path, untrained_yamnet, monkeypatch):
    from hear_openl3_yamnet.corpora import rows as parts

    monkeypatch.setattr(parts, "MOST_VALUES", 10 * 1024)
    (tmp_path / "all.csv").write_text("id,path,start\na,x.wav,0\nb,x.wav,0.5\nc,y.wav,\n")
    write(tmp_path / "x.wav", 1, seconds=1)
    write(tmp_path / "y.wav", 2, seconds=1)
    out = tmp_path / "out"
    embed_corpus(tmp_path / "all.csv", out, untrained_yamnet, outputs="timestamps")
    kept = [p for p in shard_paths(out) if pq.read_table(p)["id"][0].as_py() == "c"]
    before = [path.read_bytes() for path in kept]
    write(tmp_path / "x.wav", 3, seconds=0.9)
    summary = embed_corpus(tmp_path / "all.csv", out, untrained_yamnet, outputs="timestamps")
    assert (summary.changed, summary.embedded) == (2, 2)
    assert [path.read_bytes() for path in kept] == before
    parts_of = load_corpus(out).table.group_by("id").aggregate([("part", "count_distinct")])
    assert dict(zip(*parts_of.to_pydict().values(), strict=True)) == {"a": 3, "b": 1, "c": 3}


def test_a_file_that_is_written_while_it_is_read_fails(tmp_path):
    sound = 0.2 * np.random.default_rng(2).standard_normal(65 * 16_000)  # streamed from 60 s on
    soundfile.write(tmp_path / "long.wav", sound, 16_000)
    row, _, _ = decode(Item("long", str(tmp_path / "long.wav"), 0), 16_000)
    blocks = stream(row, 16_000)
    next(blocks)
    os.utime(tmp_path / "long.wav", (1, 1))
    with pytest.raises(AudioFileError, match="was written, replaced or removed while it was read"):
        list(blocks)
