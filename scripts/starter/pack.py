"""Pack recordings into a few small Opus files, on which `distill` trains.

    apt-get install opus-tools
    python -m scripts.starter pack FOLDER… --out PACK --seconds 400

Each folder is one source: an unpacked package, or any folder of recordings. Excerpts of a few
seconds are taken, spread over the folder's files, up to ``--seconds``, so that no source is most of
the pack. Recordings in Qt's resource files (``.rcc``) and in archives (``.wz``, ``.zip``) are found
too. Teacher and student hear the same decoded audio, so that the loss of the codec is no error of
the distillation.
"""

from __future__ import annotations

import argparse
import io
import itertools
import json
import subprocess
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

SAMPLE_RATE = 48_000
SUFFIXES = (".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3")
ARCHIVES = (".wz", ".zip")
PEAK = 0.7


def carve_ogg(data: bytes) -> Iterator[bytes]:
    """Yield the Ogg streams that a file contains uncompressed."""
    at = data.find(b"OggS")
    stream: list[bytes] = []
    while at >= 0 and at + 27 <= len(data):
        kind, n_segments = data[at + 5], data[at + 26]
        end = at + 27 + n_segments + sum(data[at + 27 : at + 27 + n_segments])
        if kind & 2:
            stream = []
        stream.append(data[at:end])
        if kind & 4 and len(stream) > 1:
            yield b"".join(stream)
            stream = []
        at = data.find(b"OggS", end)


def sounds(folder: Path) -> Iterator[tuple[str, object]]:
    """Yield the name of each recording in a folder, and what soundfile can open."""
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or path.is_symlink():
            continue
        suffix = path.suffix.lower()
        if suffix in SUFFIXES:
            yield path.name, path
        elif suffix == ".rcc":
            for i, data in enumerate(carve_ogg(path.read_bytes())):
                yield f"{path.name}#{i}", io.BytesIO(data)
        elif suffix in ARCHIVES and zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                for name in sorted(archive.namelist()):
                    if Path(name).suffix.lower() in SUFFIXES:
                        yield name, io.BytesIO(archive.read(name))


def excerpts(
    opened: object, longest: float, each: float, rng: np.random.Generator
) -> list[np.ndarray]:
    """Read a recording as a whole, or excerpts of `each` seconds if it is longer than `longest`."""
    import soundfile
    from scipy.signal import resample_poly

    with soundfile.SoundFile(opened) as file:
        rate, length = file.samplerate, file.frames
        spans = [(0, length)]
        if length > longest * rate:
            n = max(1, round(longest / each))
            edges = np.linspace(0, length, n + 1).astype(int)
            size = int(each * rate)
            spans = [
                (int(rng.integers(a, max(a + 1, b - size))), size)
                for a, b in itertools.pairwise(edges)
            ]
        pieces = []
        for first, size in spans:
            file.seek(first)
            audio = file.read(size, dtype="float32", always_2d=True).mean(axis=1)
            if rate != SAMPLE_RATE:
                divisor = int(np.gcd(rate, SAMPLE_RATE))
                audio = resample_poly(audio, SAMPLE_RATE // divisor, rate // divisor)
            audio = trimmed(audio)
            if audio is not None:
                pieces.append(audio)
    return pieces


def trimmed(audio: np.ndarray) -> np.ndarray | None:
    """Cut silence off both ends, and scale the peak to `PEAK`. Return None if nothing is left."""
    if len(audio) == 0 or not np.isfinite(audio).all():
        return None
    peak = float(np.abs(audio).max())
    loud = np.flatnonzero(np.abs(audio) > 2e-3 * peak)
    if peak < 1e-4 or len(loud) < 0.02 * SAMPLE_RATE:
        return None
    return (audio[loud[0] : loud[-1] + 1] * (PEAK / peak)).astype(np.float32)


def gather(
    folder: Path, seconds: float, longest: float, each: float, seed: int
) -> list[np.ndarray]:
    """Take excerpts of a folder's recordings, up to so many seconds; copies are taken once."""
    rng = np.random.default_rng([seed, *folder.name.encode()])
    found = list(sounds(folder))
    taken: list[np.ndarray] = []
    total, seen = 0.0, set()
    for i in rng.permutation(len(found)):
        if total >= seconds:
            break
        try:
            pieces = excerpts(found[i][1], longest, each, rng)
        except Exception as error:
            print(f"  {found[i][0]}: {error}")
            continue
        for piece in pieces:
            key = hash(np.round(piece[:4800] * 1000).astype(np.int16).tobytes())
            if key not in seen:
                seen.add(key)
                taken.append(piece)
                total += len(piece) / SAMPLE_RATE
    print(f"{folder.name}: {len(taken)} excerpts of {len(found)} files, {total:.0f} s", flush=True)
    return taken


def write(pieces: Sequence[tuple], out: Path, n_files: int, bitrate: int) -> None:
    """Write excerpts into `n_files` files, which can be decoded side by side, and their index.

    Each piece is the name of its source, its samples and, if it has any, its labels.
    """
    import soundfile

    out.mkdir(parents=True, exist_ok=True)
    index = []
    for i in range(n_files):
        part = pieces[i::n_files]
        if not part:
            continue
        at, rows = 0, []
        for source, audio, *labels in part:
            rows.append([source, at, len(audio), *labels])
            at += len(audio)
        wav, name = out / f"part-{i:02d}.wav", f"part-{i:02d}.opus"
        soundfile.write(wav, np.concatenate([piece[1] for piece in part]), SAMPLE_RATE, "PCM_16")
        command = ["opusenc", "--quiet", "--bitrate", str(bitrate), "--music", str(wav)]
        subprocess.run([*command, str(out / name)], check=True)
        wav.unlink()
        index.append({"file": name, "excerpts": rows})
    (out / "index.json").write_text(json.dumps(index))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("folders", type=Path, nargs="+", metavar="FOLDER")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=400.0, help="of each folder, at most")
    parser.add_argument("--longest", type=float, default=10.0, help="seconds of a file, at most")
    parser.add_argument("--each", type=float, default=4.0, help="seconds of an excerpt")
    parser.add_argument("--files", type=int, default=16)
    parser.add_argument("--bitrate", type=int, default=20, help="kbit/s")
    parser.add_argument("--seed", type=int, default=0)


def main(arguments: argparse.Namespace) -> None:
    """Pack the given folders."""
    pieces = [
        (folder.name, audio)
        for folder in arguments.folders
        for audio in gather(
            folder, arguments.seconds, arguments.longest, arguments.each, arguments.seed
        )
    ]
    order = np.random.default_rng(arguments.seed).permutation(len(pieces))
    write([pieces[i] for i in order], arguments.out, arguments.files, arguments.bitrate)
    total = sum(len(audio) for _, audio in pieces) / SAMPLE_RATE
    size = sum(path.stat().st_size for path in arguments.out.iterdir())
    print(f"{len(pieces)} excerpts, {total:.0f} s, {size / 1e6:.1f} MB in {arguments.out}")
