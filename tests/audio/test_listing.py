"""Of all that is in a folder, nothing is left out without its name and the reason."""

import os
import sys

import pytest

from hear_openl3_yamnet.audio import listing
from hear_openl3_yamnet.audio.listing import list_audio, needs_extra, readable_endings
from tests.unprivileged import unprivileged


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").mkdir()
    return tmp_path / "in"


@pytest.fixture
def no_ffmpeg(monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)


def make(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def test_files_are_read_by_their_endings(folder):
    heard = ["a.wav", "b.FLAC", "c.sph", "d.voc", "e.sd2", "sub/deep/f.Opus"]
    make(folder, *heard, "notes.txt", "noending")
    names, skipped = list_audio("in")
    assert names == [name.replace("/", os.sep) for name in heard]
    assert skipped.counts == {listing.OTHER: 2}
    assert skipped.names == {listing.OTHER: ["noending", "notes.txt"]}
    assert not skipped.has_losses


def test_hidden_files_and_folders_are_counted(folder):
    make(folder, "x.wav", "._x.wav", ".Trash/old.wav", ".git/a/b.wav")
    names, skipped = list_audio("in")
    assert names == ["x.wav"]
    assert skipped.names == {listing.HIDDEN: [".Trash", "._x.wav", ".git"]}
    assert not skipped.has_losses


@pytest.mark.parametrize("ending", ["aac", "wma", "mp4", "amr", "webm", "m4a"])
def test_sound_that_needs_the_extra_is_a_loss_and_named(folder, no_ffmpeg, ending):
    make(folder, "x.wav", f"y.{ending}")
    names, skipped = list_audio("in")
    assert names == ["x.wav"]
    assert skipped.has_losses
    (line,) = skipped.lines()
    assert line == (
        f'1 skipped, audio that needs: pip install "hear-openl3-yamnet[ffmpeg]" (y.{ending})'
    )
    assert needs_extra(f"y.{ending.upper()}")
    assert not needs_extra("x.wav")


def test_sound_that_nothing_reads_is_a_loss_and_named(folder):
    make(folder, "x.wav", "y.ape", "z.WV")
    names, skipped = list_audio("in")
    assert names == ["x.wav"]
    assert skipped.has_losses
    assert list(skipped.lines()) == ["2 skipped, audio of kinds that are not read (y.ape, z.WV)"]


def test_with_the_extra_it_is_read(folder, monkeypatch):
    monkeypatch.setattr(listing, "find_spec", lambda name: name == "av")
    make(folder, "x.wav", "y.m4a", "z.WebM")
    assert list_audio("in")[0] == ["x.wav", "y.m4a", "z.WebM"]
    assert ".amr" in readable_endings()
    assert not needs_extra("y.m4a")


def test_a_folder_without_permission_is_a_loss_and_named(folder):
    make(folder, "open/a.wav", "locked/b.wav", "closed/deep/c.wav")
    (folder / "locked").chmod(0)
    (folder / "closed").chmod(0o444)  # its names are seen, and nothing below it
    with unprivileged():
        names, skipped = list_audio("in")
    (folder / "locked").chmod(0o700)
    (folder / "closed").chmod(0o700)
    assert names == [os.path.join("open", "a.wav")]
    assert sorted(skipped.names[listing.LOCKED]) == [
        f"{os.path.join('closed', 'deep')}: Permission denied",
        "locked: Permission denied",
    ]
    assert skipped.has_losses


@pytest.mark.skipif(os.name == "nt", reason="links need privileges on Windows")
def test_links(folder, tmp_path):
    make(tmp_path / "elsewhere", "a.wav")
    make(folder, "sub/b.wav")
    (folder / "again").symlink_to("sub")
    (folder / "away").symlink_to("../elsewhere")
    (folder / "sub" / "up").symlink_to("..")
    (folder / "itself").symlink_to("itself")
    (folder / "unmounted").symlink_to("/nowhere/recordings")
    (folder / "gone.wav").symlink_to("nowhere.wav")
    names, skipped = list_audio("in")
    assert names == ["away/a.wav", "gone.wav", "sub/b.wav"]  # what opens gone.wav says what it is
    assert skipped.names == {listing.BROKEN_LINK: ["itself", "unmounted"]}
    assert skipped.has_losses


def test_names_are_kept_up_to_a_number_and_shown_up_to_another(folder):
    make(folder, *(f"{i:03d}.txt" for i in range(150)), "a.wav")
    _, skipped = list_audio("in")
    assert skipped.total == 150
    assert len(skipped.names[listing.OTHER]) == 100
    assert list(skipped.lines()) == [
        "150 skipped, not audio by their endings (000.txt, 001.txt, 002.txt, …)"
    ]
