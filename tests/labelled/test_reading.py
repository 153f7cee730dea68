"""Labelled recordings: folders, manifests, tasks in HEAR's format, and what is refused."""

import csv
import json

import numpy as np
import pytest
import soundfile

from hear_openl3_yamnet.errors import AudioFileError, MissingExtraError, OptionError
from hear_openl3_yamnet.labelled.dataset import DatasetError
from hear_openl3_yamnet.labelled.reading import read_dataset
from hear_openl3_yamnet.labelled.task_folders import find_tasks, read_task
from tests.labelled.recordings import (
    RATE,
    write_event_manifest,
    write_events,
    write_scenes,
    write_tones,
)

SPEAKER = r"/(s\d+)_"


@pytest.fixture(scope="module")
def tones(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tones")
    write_tones(folder)
    return folder


def rows_of(folder, **more):
    """The rows of a manifest: a clip, its label, and its speaker."""
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.wav"))
    return [
        {"path": name, "label": name.split("/")[0], "speaker": name.split("/")[1][:2], **more}
        for name in names
    ]


def write_csv(path, rows):
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return path


def write_jsonl(path, rows):
    path.write_text("\n".join(map(json.dumps, rows)) + "\n", encoding="utf-8")
    return path


def write_parquet(path, rows):
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet

    pyarrow.parquet.write_table(pa.Table.from_pylist(rows), path)
    return path


WRITERS = {".csv": write_csv, ".jsonl": write_jsonl, ".parquet": write_parquet}


def speakers_are_apart(dataset):
    groups = np.array([clip.group for clip in dataset.clips])
    return all(not set(groups[fold.test]) & set(groups[fold.train]) for fold in dataset.folds)


def test_a_folder_has_a_subfolder_for_each_class(tones):
    dataset = read_dataset(tones, group_from=SPEAKER)
    assert dataset.labels == ("high", "low")
    assert len(dataset.clips) == 24
    assert {clip.group for clip in dataset.clips} == {f"s{i}" for i in range(6)}
    assert len(dataset.folds) == 5
    assert speakers_are_apart(dataset)
    np.testing.assert_array_equal(dataset.targets().sum(axis=0), [12, 12])
    assert dataset.clips[0].audio(RATE).shape == (RATE // 2,)
    assert dataset.seconds() == pytest.approx(12)


def test_without_groups_each_clip_is_one(tones):
    dataset = read_dataset(tones)
    assert len({clip.group for clip in dataset.clips}) == 24


def test_labels_can_be_in_the_names_of_files(tones, tmp_path):
    for path in tones.rglob("*.wav"):
        (tmp_path / f"{path.parent.name}-{path.name}").symlink_to(path)
    dataset = read_dataset(tmp_path, label_from="^([a-z]+)-", group_from="-(s[0-9]+)_")
    assert dataset.labels == ("high", "low")
    assert len({clip.group for clip in dataset.clips}) == 6


@pytest.mark.parametrize("ending", WRITERS)
def test_a_manifest_names_paths_labels_and_groups(tones, ending):
    path = WRITERS[ending](tones / f"clips{ending}", rows_of(tones))
    dataset = read_dataset(path, group="speaker")
    of_folder = read_dataset(tones, group_from=SPEAKER)
    assert [clip.name for clip in dataset.clips] == [clip.name for clip in of_folder.clips]
    assert dataset.digest() == of_folder.digest()
    assert speakers_are_apart(dataset)


def test_numbers_are_labels_and_groups_too(tones):
    rows = rows_of(tones)
    for row in rows:
        row |= {"class": len(row["label"]), "speaker": int(row["speaker"][1:])}
    path = write_jsonl(tones / "numbers.jsonl", rows)
    dataset = read_dataset(path, label="class", group="speaker")
    assert dataset.labels == ("3", "4")
    assert {clip.group for clip in dataset.clips} == set("012345")


def test_rows_can_be_excerpts(tones, tmp_path):
    rng = np.random.default_rng(0)
    samples = rng.uniform(-0.5, 0.5, 6 * RATE).astype(np.float32)
    soundfile.write(tmp_path / "long.wav", samples, RATE, subtype="FLOAT")
    rows = [
        {"path": "long.wav", "label": "ab"[i % 2], "day": i, "start": i * 1.0, "duration": 0.5}
        for i in range(6)
    ]
    path = write_csv(tmp_path / "clips.csv", rows)
    refused("at least 3 groups.*Received: long.wav", path)  # the excerpts of a file are alike
    dataset = read_dataset(path, group="day")
    np.testing.assert_array_equal(
        dataset.clips[3].audio(RATE), samples[3 * RATE : round(3.5 * RATE)]
    )
    assert dataset.clips[3].seconds() == pytest.approx(0.5)
    assert len({clip.digest() for clip in dataset.clips}) == 6
    rows[5]["start"] = 7.0
    dataset = read_dataset(write_csv(path, rows), group="day", readable=True)
    assert len(dataset.clips) == 5
    assert "no samples after 6 s" in dataset.unreadable[0]


def test_a_task_of_hear_has_its_own_splits(tmp_path):
    write_scenes(tmp_path)
    write_events(tmp_path)
    tones = read_dataset(tmp_path / "tones")
    assert tones.metric == "accuracy"
    assert tones.labels == ("low", "high")
    names = [clip.name for clip in tones.clips]
    (split,) = tones.folds[1].inner
    for numbers, of in ((tones.folds[1].test, 1), (split.valid, 2), (split.train, 0)):
        assert [names[i] for i in numbers] == [f"fold0{of}/fold0{of}{i}.wav" for i in range(8)]
    beeps = read_dataset(tmp_path / "beeps")
    assert beeps.metric == "onset F"
    assert beeps.tolerance_ms == 200
    assert len(beeps.folds) == 1
    assert beeps.folds[0].train is None
    assert [path.name for path in find_tasks(tmp_path)] == ["beeps", "tones"]


def test_rows_with_an_end_are_events(tmp_path):
    path = write_event_manifest(tmp_path)
    dataset = read_dataset(path, group="recorder")
    assert (dataset.metric, dataset.labels) == ("onset F", ("high", "low"))
    assert [clip.name for clip in dataset.clips] == [f"{i}.wav" for i in range(6)]
    assert dataset.clips[0].answer == (
        {"label": "low", "start": 500.0, "end": 1000.0},
        {"label": "high", "start": 2250.0, "end": 2750.0},
    )
    assert [clip.group for clip in dataset.clips] == ["r0", "r1", "r2"] * 2
    assert len(dataset.folds) == 3
    for fold in dataset.folds:
        (split,) = fold.inner
        parts = [{dataset.clips[i].group for i in numbers} for numbers in (
            split.train, split.valid, fold.test
        )]  # fmt: skip
        assert sorted(group for part in parts for group in part) == ["r0", "r1", "r2"]


def test_a_file_may_have_no_event(tmp_path):
    path = write_event_manifest(tmp_path)
    soundfile.write(tmp_path / "quiet.wav", np.zeros(RATE), RATE)
    path.write_text(path.read_text() + "quiet.wav,,,,r0\n")
    quiet = read_dataset(path, group="recorder").clips[-1]
    assert (quiet.name, quiet.answer) == ("quiet.wav", ())


def test_a_task_can_be_limited_to_a_share_of_its_clips(tmp_path):
    write_scenes(tmp_path)
    task = read_task(tmp_path / "tones")
    assert [len(answers) for answers in task.limited(0.3).answers.values()] == [2, 2, 2]
    assert len(task.limited(0.01).dataset().clips) == 3


# --- refused -----------------------------------------------------------------------------------


def refused(match, source, error=DatasetError, **options):
    with pytest.raises(error, match=match):
        read_dataset(source, **options)


def test_places_that_hold_no_recordings_are_refused(tmp_path):
    refused("no such folder", tmp_path / "nowhere")
    refused("contains no audio files", tmp_path)
    (tmp_path / "clips.txt").write_text("a.wav")
    refused("no such manifest", tmp_path / "clips.txt")
    write_scenes(tmp_path / "tasks")
    (tmp_path / "tasks/tones/16000").rename(tmp_path / "elsewhere")
    refused("name one of them, such as .*tones", tmp_path / "tasks")
    refused("no folder of audio", tmp_path / "tasks/tones")


def test_a_file_outside_all_classes_is_refused(tmp_path):
    write_tones(tmp_path)
    (tmp_path / "low/s0_0.wav").rename(tmp_path / "s0_0.wav")
    refused("s0_0.wav is in no subfolder", tmp_path)


def test_too_few_labels_groups_and_clips_are_refused(tones, tmp_path):
    rows = rows_of(tones)

    def manifest(rows):
        return write_csv(tones / "few.csv", rows)

    lows = [row for row in rows if row["label"] == "low"]
    refused("all clips have the label 'low'", manifest(lows))
    of_two = [row for row in rows if row["speaker"] in ("s0", "s1")]
    refused("at least 3 groups.*Received: s0, s1", manifest(of_two), group="speaker")
    refused(
        r"Labels of one group: 'mid' \(1 clip\)", manifest([{**rows[0], "label": "mid"}, *rows[1:]])
    )
    one_speaker = [{**row, "label": "mid"} if row["speaker"] == "s1" else row for row in rows]
    refused(r"'mid' \(4 clips\)", manifest(one_speaker), group="speaker")
    refused("is given 2 times", manifest([rows[0], *rows]))


@pytest.mark.parametrize("ending", WRITERS)
def test_missing_and_empty_columns_are_refused(tones, ending):
    path = tones / f"broken{ending}"
    write = WRITERS[ending]
    rows = rows_of(tones)
    refused(
        "has no column genre. Its columns: path, label, speaker", write(path, rows), label="genre"
    )
    refused("has no column site", path, group="site")
    no_path = [{key: row[key] for key in ("label", "speaker")} for row in rows]
    refused("has no column path", write(path, no_path))
    empty = [{**row, "label": "" if i in (1, 4) else row["label"]} for i, row in enumerate(rows)]
    refused(r"label is empty in 2 of 24 rows \(2, 5\)", write(path, empty))
    empty = [{**row, "speaker": None} for row in rows]
    refused(
        r"speaker is empty in 24 of 24 rows \(1, 2, 3, 4, 5 …\)",
        write(path, empty),
        group="speaker",
    )


def test_damaged_manifests_are_refused(tmp_path):
    for ending in WRITERS:
        path = tmp_path / f"damaged{ending}"
        path.write_bytes(b'\xff\xfe{"path": [')
        refused("cannot be read as a manifest", path)
        path.write_bytes(b"")
        refused("cannot be read|has no rows", path)
    (tmp_path / "list.jsonl").write_text('{"path": "a.wav", "label": "a"}\n["b.wav", "b"]\n')
    refused("line 2 is not an object", tmp_path / "list.jsonl")


def test_rows_that_name_nothing_are_refused(tones):
    rows = rows_of(tones)
    path = tones / "wrong.jsonl"
    several = [{**rows[0], "label": ["low", "loud"]}]
    refused("texts or numbers", write_jsonl(path, several))
    for start in ("soon", -1, "inf"):
        refused("no seconds as its start", write_jsonl(path, [{**rows[0], "start": start}]))
    refused("no seconds as its duration", write_jsonl(path, [{**rows[0], "duration": 0}]))


@pytest.mark.parametrize(
    ("row", "match"),
    [
        ("0.wav,,1,2,r0", "row 13 is no event.*Received: '', '1', '2'"),
        ("0.wav,low,1,,r0", "row 13 is no event"),
        ("0.wav,low,2,1,r0", "a start and a later end.*Received: 'low', '2', '1'"),
        ("0.wav,low,soon,1,r0", "no seconds as its start"),
        ("0.wav,low,1,2,r1", "row 13 gives 0.wav the group 'r1', and a row before it 'r0'"),
        ("0.wav,low,1,2,", "the column recorder is empty"),
    ],
)
def test_rows_that_are_no_events_are_refused(tmp_path, row, match):
    path = write_event_manifest(tmp_path)
    path.write_text(path.read_text() + row + "\n")
    refused(match, path, group="recorder")


def test_events_of_too_few_groups_are_refused(tmp_path):
    path = write_event_manifest(tmp_path, 2)
    refused("at least 3 groups", path, group="recorder")
    refused("label_from does not go with it", path, OptionError, label_from="(.)")
    path.write_text("path,label,start,end\n0.wav,,,\n1.wav,,,\n")
    refused("no file has an event", path)


def test_recordings_that_cannot_be_read_are_left_out_and_named(tmp_path):
    write_tones(tmp_path)
    (tmp_path / "low/s0_0.wav").write_bytes(b"no sound")
    cut = tmp_path / "low/s0_1.wav"
    cut.write_bytes(cut.read_bytes()[:-100])  # its header is good
    (tmp_path / "low/._s0_0.wav").touch()
    assert len(read_dataset(tmp_path).clips) == 24
    dataset = read_dataset(tmp_path, readable=True)
    assert len(dataset.clips) == 22
    assert [error.partition(":")[0] for error in dataset.unreadable] == [
        str(tmp_path / "low/s0_0.wav"),
        str(cut),
    ]
    assert dataset.skipped.total == 1
    for name in ("low", "high"):
        for path in (tmp_path / name).glob("s*.wav"):
            path.write_bytes(b"no sound")
    refused("none of 24 clips can be read", tmp_path, readable=True)


def test_a_recording_that_is_removed_later_is_named(tmp_path):
    write_tones(tmp_path)
    dataset = read_dataset(tmp_path)
    dataset.clips[12].file().unlink()
    with pytest.raises(AudioFileError, match=r"low/s0_0\.wav: no such file"):
        dataset.clips[12].audio(RATE)


def test_options_that_do_not_go_together_are_refused(tones, tmp_path):
    path = write_csv(tones / "options.csv", rows_of(tones))
    refused("group or group_from", path, OptionError, group="speaker", group_from="(s.)")
    refused("has no columns", tones, OptionError, group="speaker")
    refused("has no columns", tones, OptionError, label="label")
    refused("not a regular expression", tones, OptionError, group_from="(s")
    refused("must have one capture", tones, OptionError, group_from="s.")
    refused("must have one capture", tones, OptionError, label_from="(s)(.)")
    refused("group_from=.* does not match high", tones, group_from="(x.)")
    refused("n_folds must be at least 3", tones, OptionError, n_folds=2)
    write_scenes(tmp_path)
    refused("has its own labels and splits", tmp_path / "tones", OptionError, group_from="(.)")


def test_parquet_without_pyarrow_says_what_to_install(tones, monkeypatch):
    import sys

    path = tones / "clips.parquet"
    path.write_bytes(b"PAR1")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    refused("corpora", path, MissingExtraError)


def test_damaged_tasks_are_refused(tmp_path):
    with pytest.raises(DatasetError, match="not a task in HEAR's format"):
        read_task(tmp_path)
    write_scenes(tmp_path)
    (tmp_path / "tones/labelvocabulary.csv").write_text("idx,label\n0,low\n")
    refused("vocabulary lacks high", tmp_path / "tones")
