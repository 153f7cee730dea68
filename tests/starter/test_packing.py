"""`python -m scripts.starter pack`: each recording once, in Opus files that `distill` reads."""

import io
import json
import shutil
import zipfile

import numpy as np
import pytest
import soundfile

from scripts.starter import pack

pytestmark = pytest.mark.skipif(
    shutil.which("opusenc") is None, reason="needs opusenc (Debian: opus-tools)"
)


def tone(hertz, seconds, rate):
    return (0.3 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate))[:, None]


def as_bytes(samples, rate, **kind):
    file = io.BytesIO()
    soundfile.write(file, samples, rate, **kind)
    return file.getvalue()


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    """Two sources. Each recording is a tone of its own, so that it is known again."""
    folder = tmp_path_factory.mktemp("recordings")
    dogs, birds = folder / "dogs", folder / "birds"
    dogs.mkdir()
    birds.mkdir()
    wav = as_bytes(tone(300, 0.5, 44_100) * [1, 0.5], 44_100, format="WAV")
    (dogs / "stereo.wav").write_bytes(wav)
    (dogs / "a copy.wav").write_bytes(wav)
    (dogs / "silent.wav").write_bytes(as_bytes(np.zeros(8000), 8000, format="WAV"))
    (dogs / "damaged.wav").write_bytes(wav[:20])
    (dogs / "notes.txt").write_text("no sound")
    with zipfile.ZipFile(dogs / "more.zip", "w") as archive:
        archive.writestr("deep/inside.wav", as_bytes(tone(500, 0.5, 8000), 8000, format="WAV"))
    ogg = as_bytes(tone(800, 0.5, 16_000), 16_000, format="OGG", subtype="VORBIS")
    (birds / "qt.rcc").write_bytes(b"qres" + bytes(100) + ogg + bytes(50))
    (birds / "long.flac").write_bytes(as_bytes(tone(1200, 5.0, 8000), 8000, format="FLAC"))
    return folder


@pytest.fixture
def run(monkeypatch, recordings, tmp_path):
    """Run the command on both sources; return the rows of its index, and their samples."""
    from scripts.starter.__main__ import main

    def run(*options):
        folders = [str(recordings / name) for name in ("dogs", "birds")]
        command = ["starter", "pack", *folders, "--out", str(tmp_path), "--files", "2", *options]
        monkeypatch.setattr("sys.argv", command)
        main()
        rows = []
        for part in json.loads((tmp_path / "index.json").read_text()):
            audio, rate = soundfile.read(tmp_path / part["file"])
            assert rate == pack.SAMPLE_RATE
            rows += [(source, audio[at : at + n]) for source, at, n in part["excerpts"]]
        return rows

    return run


def pitch(samples):
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return np.argmax(spectrum) * pack.SAMPLE_RATE / len(samples)


def test_each_recording_is_packed_once_with_its_source(run, capsys):
    found = sorted((source, round(pitch(x), -2), len(x) / 48_000) for source, x in run())
    expected = [("birds", 800, 0.5), ("birds", 1200, 5.0), ("dogs", 300, 0.5), ("dogs", 500, 0.5)]
    assert [row[:2] for row in found] == [row[:2] for row in expected]
    assert [row[2] for row in found] == pytest.approx([row[2] for row in expected], abs=0.01)
    assert "damaged.wav: " in capsys.readouterr().out


def test_of_a_long_recording_excerpts_are_packed(run):
    found = [len(x) for source, x in run("--longest", "2", "--each", "1") if source == "birds"]
    assert sorted(found) == pytest.approx([24_000, 48_000, 48_000], abs=500)


def test_a_source_is_not_more_than_its_share(run):
    sources = [source for source, _ in run("--seconds", "0.4")]
    assert sorted(sources) == ["birds", "dogs"]  # the first recording of each is enough


def test_distillation_reads_what_was_packed(run, tmp_path):
    pytest.importorskip("torch")
    from scripts.starter.windows import read_sounds

    packed = sorted((source, len(x)) for source, x in run())
    parts = list(read_sounds(tmp_path))
    assert len(parts) == 2
    read = [row for part in parts for row in zip(part.sources, part.lengths, strict=True)]
    assert sorted(read) == packed
