"""What can be meant in one way is read. All else is a ManifestError that says what to change."""

import os
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hear_openl3_yamnet import HearError, OptionError
from hear_openl3_yamnet.audio import listing
from hear_openl3_yamnet.corpora.manifest import printable, read_manifest
from hear_openl3_yamnet.errors import ManifestError, MissingExtraError
from tests.unprivileged import unprivileged


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write_text(content: bytes | str, name: str = "m.csv") -> str:
    with open(name, "wb") as file:
        file.write(content.encode() if isinstance(content, str) else content)
    return name


def write_parquet(**columns) -> str:
    pq.write_table(pa.table(columns), "m.parquet")
    return "m.parquet"


def rows(source: str) -> list[tuple]:
    manifest = read_manifest(source)
    return [
        (item.id, item.path and os.path.relpath(item.path), item.start, item.duration)
        for item in manifest.items
    ]


@pytest.mark.parametrize(
    "content",
    [
        "id,path,start\na,x.wav,1.5\nb,y.wav,\n",
        "\ufeffid,path,start\r\na,x.wav,1.5\r\nb,y.wav,\r\n",  # as spreadsheets save it
        "id;path;start\na;x.wav;1.5\nb;y.wav; \n",
        "id\tpath\tstart\na\tx.wav\t 1.5\nb\ty.wav\t\n",
        'start|"path"|id\n1.5|x.wav|"a"\n|y.wav|b\n',
    ],
)
@pytest.mark.parametrize("name", ["m.csv", "m.tsv"])
def test_text_with_any_separator(folder, content, name):
    assert rows(write_text(content, name)) == [
        ("a", "x.wav", 1.5, None),
        ("b", "y.wav", None, None),
    ]


def test_parquet_with_any_types(folder):
    places = pa.array([b"caf\xe9.wav", b"y.wav"])
    assert rows(write_parquet(id=[7, 8], path=places, start=pa.array([1, None]))) == [
        ("7", os.fsdecode(b"caf\xe9.wav"), 1.0, None),
        ("8", "y.wav", None, None),
    ]
    texts = pa.array(["a", "b"]).dictionary_encode()
    large = pa.array(["x.wav", None], pa.large_string())
    times = pa.array(["0.5", " "], pa.large_string())
    assert rows(write_parquet(id=texts, path=large, duration=times)) == [
        ("a", "x.wav", None, 0.5),
        ("b", "", None, None),  # no path: it costs this row alone
    ]


def test_labels_are_kept_as_they_are(folder):
    labels = {
        "empty": pa.array([None, None]),
        "coded": pa.array(["owl", "lark"]).dictionary_encode(),
        "several": [["a", "b"], []],
        "nested": [{"x": 1}, None],
    }
    found = read_manifest(write_parquet(id=["a", "b"], path=["x", "y"], **labels)).labels
    assert found.to_pylist() == [
        {"empty": None, "coded": "owl", "several": ["a", "b"], "nested": {"x": 1}},
        {"empty": None, "coded": "lark", "several": [], "nested": None},
    ]
    assert found.schema.field("empty").type == pa.string()  # as when it is filled in later
    assert found.schema.field("coded").type == pa.string()


def test_a_label_that_is_empty_for_a_megabyte_has_the_type_of_what_comes_then(folder):
    n_rows = 200_000
    text = "".join(f"{i},x.wav,\n" for i in range(n_rows))
    labels = read_manifest(write_text(f"id,path,kind\n{text}last,y.wav,owl\n")).labels
    assert labels["kind"][n_rows].as_py() == "owl"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "first line of a manifest must name the columns id and path"),
        ("id,file\na,b\n", "must name the columns id and path.*Received: 'id,file'"),
        ("id,path\n", "has no rows"),
        ("id,path,kind,kind\na,b,1,2\n", "several columns have the name 'kind'. Rename"),
        ("id,path,path\na,b,c\n", "several columns have the name 'path'"),
        ("id,path,kind\na,b,1\nb,c\n", "Row #3: Expected 3 columns, got 2: b,c"),
        ("id,path\na,b\nb,c,d\n", "Row #3: Expected 2 columns, got 3: b,c,d"),
        ("id,path\na,b\na,c\n", "'a' is given twice, in the rows 1 and 2.*make them unique"),
        ("id,path\na,b\n,c\n", "row 2 has no id"),
        ("id,path,start\na,b,1\nb,b,0:01\n", "row 2 has the start '0:01'; expected seconds"),
        ("id;path;duration\na;b;0,5\n", "row 1 has the duration '0,5'; expected seconds"),
        ("id,path\na,b\n".encode("utf-16"), "not UTF-8. Save it as UTF-8"),
        (b"id,path,kind\na,b,caf\xe9\n", "column kind is not UTF-8. Save the file as UTF-8"),
        (b"id,path\ncaf\xe9,b\n", "invalid UTF8"),
    ],
)
def test_text_that_is_refused(folder, content, words):
    with pytest.raises(ManifestError, match=words) as caught:
        read_manifest(write_text(content))
    assert str(caught.value).startswith("m.csv: ")


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"id": ["a"], "file": ["b"]}, "no column path.*Received: id, file"),
        ({"id": [["a"]], "path": ["b"]}, "the column id has the type list<element: string>"),
        ({"id": ["a"], "path": [{"x": 1}]}, "the column path has the type struct<x: int64>"),
        ({"id": [b"\xe9"], "path": ["b"]}, r"row 1 has the id b'\\xe9'; expected text in UTF-8"),
        ({"id": ["a", None], "path": ["b", "b"]}, "row 2 has no id"),
        ({"id": ["a"], "path": ["b"], "start": ["0:01"]}, "row 1 has the start '0:01'"),
        (
            {"id": ["a"], "path": ["b"], "start": pa.array([3], pa.timestamp("s"))},
            "the column start has the type timestamp",
        ),
        ({"id": pa.array([], pa.string()), "path": pa.array([], pa.string())}, "has no rows"),
    ],
)
def test_parquet_that_is_refused(folder, columns, words):
    with pytest.raises(ManifestError, match=words):
        read_manifest(write_parquet(**columns))


def test_parquet_that_is_damaged_or_has_a_name_twice(folder):
    with pytest.raises(ManifestError, match=r"m\.parquet: the manifest cannot be read"):
        read_manifest(write_text("no Parquet", "m.parquet"))
    columns = [pa.array(["1"])] * 4
    pq.write_table(pa.table(columns, names=["id", "path", "kind", "kind"]), "m.parquet")
    with pytest.raises(ManifestError, match="several columns have the name 'kind'"):
        read_manifest("m.parquet")


def test_a_manifest_in_a_folder_with_an_equals_sign_gains_no_columns(folder):
    (folder / "kind=owl").mkdir()
    write_parquet(id=["a"], path=["x.wav"])
    os.rename("m.parquet", "kind=owl/m.parquet")
    assert read_manifest("kind=owl/m.parquet").labels.column_names == []


def test_names_that_are_escaped_alike_have_two_ids(folder):
    (folder / "in").mkdir()
    for name in (b"caf\xe9.wav", rb"caf\xe9.wav"):
        with open(os.path.join(b"in", name), "wb"):
            pass
    ids = [item.id for item in read_manifest("in").items]
    assert sorted(ids) == [r"caf\xe9.wav", r"caf\xe9.wav~"]
    assert printable("\ud800 \udce9") == r"\ud800 \xe9"  # the first stands for no byte


def touch(*names):
    for name in names:
        os.makedirs(os.path.dirname(name), exist_ok=True)
        with open(name, "wb"):
            pass


def test_a_glob_reads_each_folder_once_and_names_locked_ones(folder):
    touch("in/a/x.wav", "in/b/y.wav", "in/locked/z.wav", "in/other/w.txt")
    os.symlink("..", "in/a/loop")
    os.symlink("..", "in/b/loop")  # two of them keep Python's own glob busy for ever
    os.symlink("b", "in/c")
    os.chmod("in/locked", 0)
    with unprivileged():
        manifest = read_manifest("in/**/*.wav")
        flat = read_manifest("in/[ab]/*.wav")
        deep = read_manifest("*/[a-l]*/../a/*.wav")
    os.chmod("in/locked", 0o700)
    assert [item.id for item in manifest.items] == ["a/x.wav", "b/y.wav"]
    assert manifest.skipped.names == {listing.LOCKED: ["locked: Permission denied"]}
    assert [item.id for item in flat.items] == ["a/x.wav", "b/y.wav"]
    assert flat.skipped.total == 0  # the locked one does not match
    assert [item.id for item in deep.items] == ["in/a/x.wav"]
    assert deep.skipped.names == {listing.LOCKED: ["in/locked: Permission denied"]}


def test_sources_without_audio_say_what_is_there(folder):
    touch("in/a.txt", "in/.b.wav")
    with pytest.raises(OptionError, match=r"no audio files(?s:.*)1 skipped, hidden \(.b.wav\)"):
        read_manifest("in")
    with pytest.raises(OptionError, match="no such folder, glob"):
        read_manifest("missing")


def test_if_all_files_need_an_extra_it_is_said_once(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    manifest = write_text("id,path\na,x.m4a\nb,y.AMR\n")
    with pytest.raises(MissingExtraError, match=r"all 2 files.*hear-openl3-yamnet\[ffmpeg\]"):
        read_manifest(manifest)
    some = write_text("id,path\na,x.m4a\nb,y.wav\n")
    assert len(read_manifest(some).items) == 2
    touch("in/x.m4a")
    with pytest.raises(HearError, match="hear-openl3-yamnet\\[ffmpeg\\]"):
        read_manifest("in")
