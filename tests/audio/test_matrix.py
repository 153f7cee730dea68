"""Every kind of file × every kind of damage: what must come out is in `EXPECTED`.

The default run has one subtype of each format, and the codecs that differ most from it. The marker
``slow`` has all of them.
"""

import functools
import re
import tempfile
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import soundfile

from hear_openl3_yamnet.audio.audio_file import AudioFile
from hear_openl3_yamnet.audio.files import load_audio
from hear_openl3_yamnet.errors import AudioFileError
from tests.audio.lengths import stating, stating_nothing
from tests.encoded_audio import FFMPEG_KINDS, SNDFILE_KINDS, by_ffmpeg, by_libsndfile, lag, sound

SAME = "the same samples"
BEGINNING = "the samples of the beginning, or AudioFileError"
CUT = r"truncated|damaged|not audio that can be read|holds no samples"
UNREAD = "would not be read as a whole"

EXPECTED = {
    "whole": SAME,
    **{f"cut at {share} %": CUT for share in (1, 10, 50, 90, 99)},
    "states twice its length": CUT,
    "states half its length": UNREAD,
    "states no length": SAME,
    "twice, joined": rf"{UNREAD}|{CUT}",
}
"""What comes out of a file: samples, or `AudioFileError` with a reason like this."""

CUT_BETWEEN_SAMPLES = {f"cut at {share} %": BEGINNING for share in (1, 10, 50, 90, 99)}
JOINED = {"twice, joined": "at least the samples of both, or AudioFileError"}

EXCEPTIONS = {
    # their headers state no length: only an incomplete sample or frame tells
    **dict.fromkeys(("IRCAM", "PAF", "PVF", "SD2", "XI"), CUT_BETWEEN_SAMPLES | JOINED),
    **dict.fromkeys(("aac", "ac3", "eac3", "amr"), CUT_BETWEEN_SAMPLES | JOINED),
    "MAT4": {"twice, joined": SAME},  # a valid file: MATLAB files hold many variables
    "WVE": {"states half its length": SAME, "twice, joined": JOINED["twice, joined"]},
    ("MAT5", "DOUBLE"): {"twice, joined": "sample 32001 .* is inf"},  # the head of the second
    ("W64", "GSM610"): {"states no length": UNREAD},  # libsndfile reads one block of it,
    ("W64", "MS_ADPCM"): {"states no length": CUT},  # or does not open it
    "HTK": {"states half its length": CUT},  # libsndfile compares the length itself
    "VOC": {"states half its length": rf"{UNREAD}|{CUT}"},  # what follows is taken for a block,
    "mov": {"states half its length": rf"{UNREAD}|{CUT}"},  # or for a box
}
"""By libsndfile's name of a format, or FFmpeg's; or by format and subtype."""


class Whole(NamedTuple):
    form: str
    """libsndfile's name of the format, or FFmpeg's."""
    content: bytes
    rate: int
    fork: bytes | None
    """SD2 has its header in another file."""
    waveform: np.ndarray


@functools.cache
def whole(kind: str, subtype: str) -> Whole:
    with tempfile.TemporaryDirectory() as folder:
        path, fork = Path(folder, "whole"), Path(folder, "._whole")
        if subtype:
            form, rate = kind, by_libsndfile(path, kind, subtype)
            if rate is None:
                pytest.skip("libsndfile does not write it")
        else:
            pytest.importorskip("av", reason="the extra ffmpeg is not installed")
            container, _, rate = FFMPEG_KINDS[kind]
            form = {"ipod": "mov", "mp4": "mov", "3gp": "mov", "webm": "matroska"}.get(
                container, "aac" if container == "adts" else container
            )
            path.write_bytes(by_ffmpeg(kind))
        content = path.read_bytes()
        head = fork.read_bytes() if fork.exists() else None
        return Whole(form, content, rate, head, load_audio(path, rate))


def damaged(file: Whole, kind: str, damage: str) -> bytes:
    match damage.split():
        case ["cut", "at", share, "%"]:
            return file.content[: int(float(share) / 100 * len(file.content))]
        case ["states", "no", "length"]:
            if file.form in ("mov", "matroska", "asf"):
                options = {"movflags": "frag_keyframe+empty_moov"} if file.form == "mov" else {}
                content = by_ffmpeg(kind, to_pipe=True, **options)
            else:
                content = stating_nothing(file.form, file.content)
        case ["states", times, *_]:
            content = stating(file.form, file.content, {"half": 0.5, "twice": 2}[times])
        case ["twice,", "joined"]:
            content = 2 * file.content
        case _:
            content = file.content
    return content or pytest.skip("the format has no such file")


def check_reason(reason: str, expected: str) -> None:
    if "AudioFileError" not in expected:
        assert expected != SAME, reason
        assert re.match(expected, reason), reason


def check(folder: Path, kind: str, subtype: str, damage: str) -> None:
    file = whole(kind, subtype)
    path = folder / "sound"
    path.write_bytes(damaged(file, kind, damage))
    if file.fork:
        (folder / "._sound").write_bytes(file.fork)
    exceptions = EXCEPTIONS.get((kind, subtype)) or EXCEPTIONS.get(file.form, {})
    expected = exceptions.get(damage, EXPECTED[damage])
    try:
        waveform = load_audio(path, file.rate)
    except AudioFileError as error:
        check_reason(str(error).removeprefix(f"{path}: "), expected)
        return
    n = len(file.waveform)
    if expected == SAME:
        # in fragments, MPEG-4 does not say how many samples at the beginning the codec adds
        delay = lag(waveform, file.waveform)[0] if (file.form, damage[:9]) == FRAGMENTS else 0
        np.testing.assert_allclose(waveform[delay:][:n], file.waveform, atol=2e-3)
        assert len(waveform) <= n + 2_048
    elif expected == BEGINNING:
        assert len(waveform) <= n
        # a codec hears what comes next: its last frame differs
        sure = max(0, len(waveform) - 2_048)
        np.testing.assert_allclose(waveform[:sure], file.waveform[:sure], atol=1e-6)
    elif expected == JOINED["twice, joined"]:
        assert len(waveform) >= 2 * n
    else:
        pytest.fail(f"{len(waveform)} of {n} samples were read; expected an error: {expected}")


OTHER_CODECS = {
    ("WAV", "GSM610"),  # not seekable
    ("AU", "G721_32"),  # not seekable
    ("WAV", "IMA_ADPCM"),
    ("CAF", "ALAC_16"),
    ("OGG", "OPUS"),
    ("PAF", "PCM_24"),  # ten samples in a block
}


def in_default_run(form: str, subtype: str) -> bool:
    return subtype == soundfile.default_subtype(form) or (form, subtype) in OTHER_CODECS


FRAGMENTS = ("mov", "states no")
LIBSNDFILE = [
    pytest.param(*kind, marks=[pytest.mark.slow] * (not in_default_run(*kind)))
    for kind in SNDFILE_KINDS
]
ALL = pytest.mark.parametrize(
    ("kind", "subtype"), [*LIBSNDFILE, *[(kind, "") for kind in FFMPEG_KINDS]]
)


@ALL
@pytest.mark.parametrize("damage", EXPECTED)
def test_a_file_is_read_whole_or_refused_with_the_reason(tmp_path, kind, subtype, damage):
    check(tmp_path, kind, subtype, damage)


@ALL
def test_a_whole_file_has_the_sound_that_was_written(kind, subtype):
    file = whole(kind, subtype)
    written = sound(FFMPEG_KINDS[kind].rate if not subtype else 16_000)
    assert lag(file.waveform, written)[1] > 0.9
    assert abs(len(file.waveform) - len(written)) <= (1_024 if subtype else 4_096)


@ALL
def test_an_excerpt_is_a_slice_of_the_whole(tmp_path, kind, subtype):
    file = whole(kind, subtype)
    (tmp_path / "sound").write_bytes(file.content)
    if file.fork:
        (tmp_path / "._sound").write_bytes(file.fork)
    with AudioFile(tmp_path / "sound") as opened:
        left = opened.skip(5_001)
        excerpt = opened.read_mono(3_000)
    assert left == (len(file.waveform) - 5_001 if subtype else None)
    np.testing.assert_allclose(excerpt, file.waveform[5_001:8_001], atol=1e-6)
