"""Write tasks of real recordings in HEAR's format.

    python -m scripts.measure.real_tasks PACKAGES OUT --digits FOLDER [--task NAME …]

PACKAGES is a folder with unpacked packages of Debian 12:

    apt-get download hydrogen-drumkits ktuberling-data klettres-data gcin-voice \
        asterisk-moh-opsound-wav asterisk-core-sounds-{en,es,fr,it,ru}-wav
    for package in *.deb; do dpkg-deb -x "$package" PACKAGES; done

FOLDER is that of the Free Spoken Digit Dataset, with DIGIT_SPEAKER_INDEX.wav. Each task is written
as a manifest into OUT/manifests, and made of it as `hear-openl3-yamnet tasks from` does. A task
whose package is missing is named and left out. The same recordings give the same tasks.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from hear_openl3_yamnet.errors import HearError
from hear_openl3_yamnet.labelled.reading import read_dataset
from hear_openl3_yamnet.tasks.recordings import make_task_from

from .events import write_mixtures
from .scenes import SCENES
from .sources import MissingSourceError, Recording, Sources

EVENTS = "real_events"


def main() -> None:
    arguments = parse_arguments()
    sources = Sources(arguments.packages, arguments.digits)
    failed = False
    for name in arguments.task or [*SCENES, EVENTS]:
        try:
            print(make(name, sources, arguments.out, arguments.sample_rate), flush=True)
        except (HearError, MissingSourceError) as error:
            print(f"{name} is left out: {error}", file=sys.stderr)
            failed = True
    sys.exit(failed)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("packages", type=Path, metavar="PACKAGES")
    parser.add_argument("out", type=Path, metavar="OUT")
    parser.add_argument("--digits", type=Path, metavar="FOLDER")
    parser.add_argument("--task", action="append", choices=[*SCENES, EVENTS], help="default: all")
    parser.add_argument(
        "--sample-rate",
        type=int,
        action="append",
        metavar="HZ",
        help="default: 16000 and 48000, those of this package's models",
    )
    return parser.parse_args()


def make(name: str, sources: Sources, out: Path, sample_rates: Sequence[int] | None) -> str:
    """Make one task, and say what became of it."""
    division, n_folds = "folds", 5
    if name == EVENTS:
        manifest, division = write_mixtures(sources, out / "mixtures"), "trainvaltest"
    else:
        recordings, n_folds = SCENES[name](sources)
        manifest = write_manifest(out / "manifests" / f"{name}.jsonl", recordings)
    dataset = read_dataset(manifest, group="group", n_folds=n_folds)
    written = make_task_from(dataset, out, name, sample_rates or (16_000, 48_000), division)
    lines = [
        f"{written.path}: {written.n_clips} clips, {dataset.seconds() / 60:.1f} min, "
        f"{len(dataset.labels)} labels, {len({clip.group for clip in dataset.clips})} groups"
    ]
    lines += [f"  left out: {clip}: {cause}" for clip, cause in written.left_out.items()]
    return "\n".join(lines)


def write_manifest(path: Path, recordings: Sequence[Recording]) -> Path:
    """Write recordings as a manifest."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps(recording.row(), ensure_ascii=False) for recording in recordings]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


if __name__ == "__main__":
    main()
