"""Shards are complete or absent, an error names a damaged one, and one run at a time writes."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hear_openl3_yamnet.corpora import embed_corpus, load_corpus, rows, tables
from hear_openl3_yamnet.corpora.manifest import Item
from hear_openl3_yamnet.corpora.shards import (
    drop,
    locked,
    read_done,
    remove_leftovers,
    shard_path,
    write_shard,
)
from hear_openl3_yamnet.errors import CorpusError
from hear_openl3_yamnet.files import partial_path

DESCRIPTION = {"outputs": "scene", "scene_size": 4, "float_type": "float32", "labels": {}}


@pytest.fixture
def shard(tmp_path):
    """A shard of one file that was embedded and one that failed."""
    columns = tables.schema(DESCRIPTION, pa.schema([]))
    embedded = rows.Row(Item("a", "a.wav", 0), scene=[1, 2, 3, 4])
    failed = rows.Row(Item("b", "b.wav", 1)).fail("no sound")
    path = shard_path(tmp_path, 1, 0)
    write_shard(path, columns, [tables.to_table([embedded, failed], columns, pa.table({}))])
    return path


def damage_pages(path):
    """Overwrite all pages, and leave the footer with the schema as it is."""
    content = bytearray(path.read_bytes())
    end = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
    content[4:end] = b"\xff" * (end - 4)
    path.write_bytes(content)
    assert pq.ParquetFile(path).schema_arrow.names[0] == "id"


def damage_footer(path):
    path.write_bytes(path.read_bytes()[:-8] + b"\xff" * 8)


READERS = {
    "read_done": lambda path: read_done(path.parent),
    "drop": lambda path: drop(path.parent, {"b"}),
    "ids": lambda path: load_corpus(path.parent).ids,
    "scene": lambda path: load_corpus(path.parent).scene,
    "table": lambda path: load_corpus(path.parent).table,
    "failures": lambda path: load_corpus(path.parent).failures,
    "length": lambda path: len(load_corpus(path.parent)),
    "batches": lambda path: list(load_corpus(path.parent).batches()),
}


@pytest.mark.parametrize("damage", [damage_pages, damage_footer])
@pytest.mark.parametrize("read", READERS.values(), ids=READERS)
def test_a_damaged_shard_is_named(shard, damage, read):
    damage(shard)
    with pytest.raises(CorpusError) as caught:
        read(shard)
    assert str(caught.value).startswith(f"{shard}: damaged")
    assert "Delete it" in str(caught.value)


def test_a_column_that_does_not_exist_is_no_damage(shard):
    with pytest.raises(pa.ArrowInvalid, match="nowhere"):
        list(load_corpus(shard.parent).batches(["nowhere"]))


def test_a_shard_of_others_is_refused(tmp_path):
    pq.write_table(pa.table({"id": ["a"]}), shard_path(tmp_path, 1, 0))
    with pytest.raises(CorpusError, match="this package did not write this shard"):
        read_done(tmp_path)


def test_an_id_in_two_shards_is_refused(shard):
    shard_path(shard.parent, 2, 0).write_bytes(shard.read_bytes())
    with pytest.raises(CorpusError, match="another shard holds the id 'a', too"):
        read_done(shard.parent)


def test_rows_can_be_dropped(shard):
    assert read_done(shard.parent) == ({"a"}, {"b"}, 1)
    drop(shard.parent, {"c"})
    assert read_done(shard.parent) == ({"a"}, {"b"}, 1)
    drop(shard.parent, {"b"})
    assert read_done(shard.parent) == ({"a"}, set(), 1)
    drop(shard.parent, {"a"})
    assert not shard.exists()


def test_a_shard_that_fails_to_be_written_leaves_the_old_one(shard):
    before = shard.read_bytes()
    table = pq.read_table(shard)

    def tables_until_the_disk_is_full():
        yield table
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_shard(shard, table.schema, tables_until_the_disk_is_full())
    assert shard.read_bytes() == before
    assert list(shard.parent.iterdir()) == [shard]


def test_what_killed_runs_left_behind_is_removed(shard):
    partial_path(shard).write_bytes(b"half a shard")
    remove_leftovers(shard.parent)
    assert list(shard.parent.iterdir()) == [shard]


def test_the_lock_ends_with_its_block(tmp_path):
    lock = locked(tmp_path)
    with lock, pytest.raises(CorpusError, match="another run is writing"), locked(tmp_path):
        pass
    with locked(tmp_path):
        pass


def test_the_lock_ends_with_an_error_in_its_block(tmp_path):
    def fail(lock):
        with lock:
            raise RuntimeError

    lock = locked(tmp_path)
    with pytest.raises(RuntimeError):
        fail(lock)
    with locked(tmp_path):
        pass


def test_a_run_finds_another_in_its_folder(untrained_yamnet, tmp_path):
    (tmp_path / "a.wav").touch()
    with locked(tmp_path / "out"), pytest.raises(CorpusError, match="another run is writing"):
        embed_corpus(tmp_path, tmp_path / "out", untrained_yamnet)
