"""The content of audio files of every kind that libsndfile and FFmpeg write."""

import io
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soundfile
from scipy.signal import correlate

SNDFILE_KINDS = [
    (form, subtype)
    for form in soundfile.available_formats()
    if form != "RAW"  # has no header
    for subtype in soundfile.available_subtypes(form)
]
"""Formats and subtypes of libsndfile. Some of them it can only read."""

_NOT_WRITTEN = (soundfile.LibsndfileError, ValueError)  # unimplemented, or only at other rates


class Encoding(NamedTuple):
    """How FFmpeg writes a kind of file: container, codec, and the rate in Hz."""

    container: str
    codec: str
    rate: int


FFMPEG_KINDS = {
    "m4a": Encoding("ipod", "aac", 16_000),
    "alac": Encoding("ipod", "alac", 16_000),
    "mp4": Encoding("mp4", "aac", 44_100),
    "mov": Encoding("mov", "pcm_s24le", 16_000),
    "3gp": Encoding("3gp", "libopencore_amrnb", 8_000),
    "webm": Encoding("webm", "libopus", 48_000),
    "mka": Encoding("matroska", "pcm_s16le", 16_000),
    "wma": Encoding("asf", "wmav2", 44_100),
    "aac": Encoding("adts", "aac", 16_000),
    "ac3": Encoding("ac3", "ac3", 44_100),
    "eac3": Encoding("eac3", "eac3", 48_000),
    "amr": Encoding("amr", "libopencore_amrnb", 8_000),
}
"""By the ending of the name."""

_BIT_RATES = {"libopencore_amrnb": 12_200, "ac3": 192_000, "eac3": 192_000}
"""Bits per second, where it is not 64 000."""


def sound(rate: int, seconds: float = 2.0) -> np.ndarray:
    """Return a tone that rises from 200 to 2000 Hz, with noise: no part equals another."""
    times = np.arange(round(rate * seconds)) / rate
    tone = 0.3 * np.sin(2 * np.pi * (200 * times + 900 * times**2 / seconds))
    return tone + 0.01 * np.random.default_rng(0).standard_normal(len(times))


def by_libsndfile(
    path: Path, form: str, subtype: str, samples: np.ndarray | None = None
) -> int | None:
    """Write samples, or else `sound`, at the first rate that a format allows.

    Returns
    -------
    int or None
        The rate in the header: some formats have a rate of their own. None if libsndfile does not
        write this kind.
    """
    samples = sound(16_000) if samples is None else samples
    for rate in (16_000, 8_000):
        try:
            soundfile.write(path, samples, rate, subtype, format=form)
        except _NOT_WRITTEN:
            continue
        return soundfile.info(path).samplerate
    return None


class _Pipe(io.RawIOBase):
    """What a program writes to a pipe: it cannot go back to state the length."""

    def __init__(self):
        self.content = bytearray()

    def writable(self):
        return True

    def write(self, block):
        self.content += block
        return len(block)


def by_ffmpeg(
    kind: str | Encoding,
    samples: np.ndarray | None = None,
    *,
    pictures: bool = False,
    n_tracks: int = 1,
    to_pipe: bool = False,
    **options: str,
) -> bytes:
    """Write a file of `FFMPEG_KINDS`.

    Parameters
    ----------
    kind : str or Encoding
    samples : np.ndarray [shape=(n_samples,) or (n_samples, n_channels)], optional
        Default: `sound`.
    pictures : bool
        Add a video track before the audio.
    n_tracks : int
        Audio tracks. Each is twice as loud as the one before it.
    to_pipe : bool
        Write without going back.
    **options : str
        Options of FFmpeg's muxer.
    """
    import av

    container, codec, rate = FFMPEG_KINDS[kind] if isinstance(kind, str) else kind
    samples = sound(rate) if samples is None else samples
    file = _Pipe() if to_pipe else io.BytesIO()
    options = {"fflags": "+bitexact"} | options  # no random numbers in the headers
    with av.open(file, "w", format=container, options=options) as output:
        if pictures:
            video = output.add_stream("libvpx" if container == "webm" else "mpeg4", rate=10)
            video.width, video.height, video.pix_fmt = 32, 32, "yuv420p"
        layout = "stereo" if samples.ndim == 2 else "mono"
        tracks = [output.add_stream(codec, rate=rate, layout=layout) for _ in range(n_tracks)]
        for track in tracks:
            track.bit_rate = _BIT_RATES.get(codec, 64_000)
        if pictures:
            grey = np.full((48, 32), 128, np.uint8)  # 32 × 32 pixels, and their colours
            for _ in range(10):
                output.mux(video.encode(av.VideoFrame.from_ndarray(grey, format="yuv420p")))
            output.mux(video.encode(None))
        for i, track in enumerate(tracks):
            _encode(output, track, 2**i * samples, rate, layout)
    return bytes(file.content if isinstance(file, _Pipe) else file.getvalue())


def _encode(output, track, samples, rate, layout):
    import av

    context = track.codec_context
    planes = np.ascontiguousarray(np.atleast_2d(samples.T), np.float32)
    frame = av.AudioFrame.from_ndarray(planes, format="fltp", layout=layout)
    frame.sample_rate, frame.pts, frame.time_base = rate, 0, Fraction(1, rate)
    sample_format = context.codec.audio_formats[0].name
    resampler = av.AudioResampler(sample_format, layout, rate, context.frame_size or 1024)
    for part in (*resampler.resample(frame), *resampler.resample(None), None):
        output.mux(track.encode(part))


def lag(decoded: np.ndarray, written: np.ndarray, most: int = 4_000) -> tuple[int, float]:
    """Return by how many samples a codec delays, up to `most`, and the correlation at that delay.

    The delay is below 0 if the first samples are missing.
    """
    middle = written[most:-most]
    correlations = correlate(np.pad(decoded, (0, 2 * most)), middle, mode="valid", method="fft")
    first = int(np.argmax(correlations[: 2 * most]))
    part = decoded[first : first + len(middle)]
    return first - most, float(np.corrcoef(part, middle[: len(part)])[0, 1])
