"""Judge starter weights on recordings that are in Debian's packages.

    apt-get install hydrogen-drumkits asterisk-core-sounds-{en,es,fr,it,ru}-wav
    python -m scripts.starter recordings --openl3 FILE… --yamnet FILE…

The two tasks are small. The first asks which drum of a kit is struck; the probe is tested on other
kits than it is trained on. The second asks which of five voices speaks (telephone, 8 kHz); the
probe is trained on ten digits and tested on letters. Baselines and probes are those of `judge`.
"""

import argparse
import re
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from hear_openl3_yamnet.audio.files import load_audio

from .judge import FRONT_ENDS, judge
from .probe_tasks import N_SAMPLES, SAMPLE_RATE, Clips, ProbeTask
from .report import table

KITS = (
    "BJA_Pacific", "Millo_MultiLayered2", "ForzeeStereo", "VariBreaks",
    "ColomboAcousticDrumkit", "Millo_MultiLayered3", "The Black Pearl 1.0", "Millo-Drums_v.1",
)  # fmt: skip
"""Kits of recorded drums whose file names say the drum. The probe is trained on the first four."""
DRUMS = {
    "kick": r"bd|bassdrum|.*kick",
    "snare": r"sn|sd_|.*snare",
    "hi-hat": r"hh|ho_|.*hat",
    "tom": r"tm|.*tom|t\d_|ft_",
    "cymbal": r"rd|ride|rc_|crash|cra_|cc_|china|paisteride",
}
"""Patterns of the file names of each drum, without case. The first match counts."""
VOICES = (
    "en_US_f_Allison",
    "es_MX_f_Allison",
    "fr_CA_f_June",
    "it_IT_m_Carlo",
    "ru_RU_f_IvrvoiceRU",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("--openl3", type=Path, nargs="+", help="one file for each training seed")
    parser.add_argument("--yamnet", type=Path, nargs="+", help="one file for each training seed")
    parser.add_argument(
        "--share",
        type=Path,
        default=Path("/usr/share"),
        help="where packages install; default: %(default)s",
    )


def main(arguments: argparse.Namespace) -> None:
    """Judge the given weights and print tables."""
    tasks = {"drums": drums(arguments.share), "voices": voices(arguments.share)}
    for task in tasks.values():
        print(f"{task.title}: {len(task.train[1])} training clips, {len(task.test[1])} test clips")
    files = {name: getattr(arguments, name) for name in FRONT_ENDS if getattr(arguments, name)}
    titles = {name: task.title for name, task in tasks.items()}
    report = {"tasks": titles, "scores": judge(tasks, files)}
    for network in files:
        print(f"\n{table(report, network)}")


def drums(share: Path) -> ProbeTask:
    """Make the task of drums."""
    folder = share / "hydrogen/data/drumkits"
    halves = [_labelled(folder / kit for kit in kits) for kits in (KITS[:4], KITS[4:])]
    return ProbeTask(f"{len(DRUMS)} parts of drum kits, other kits", *halves)


def _labelled(kits: Iterable[Path]) -> Clips:
    clips, labels = [], []
    for kit in kits:
        for path in sorted(kit.iterdir()):
            fits = [i for i, name in enumerate(DRUMS.values()) if re.match(name, path.name, re.I)]
            if fits and path.suffix in (".wav", ".flac", ".aiff"):
                clips.append(_second(path))
                labels.append(fits[0])
    return clips, labels


def voices(share: Path) -> ProbeTask:
    """Make the task of voices."""
    folder = share / "asterisk/sounds"
    halves = [
        ([_second(path) for path, _ in pairs], [label for _, label in pairs])
        for pairs in (
            [(folder / v / f"digits/{d}.wav", i) for i, v in enumerate(VOICES) for d in range(10)],
            [
                (path, i)
                for i, v in enumerate(VOICES)
                for path in sorted((folder / v / "letters").glob("?.wav"))
            ],
        )
    ]
    return ProbeTask(f"{len(VOICES)} voices, other words", *halves)


def _second(path: Path) -> np.ndarray:
    """Read the first second of a recording and scale it to the peak of the other tasks' clips."""
    samples = load_audio(path, SAMPLE_RATE)[:N_SAMPLES]
    samples = np.pad(samples, (0, N_SAMPLES - len(samples)))
    return 0.9 * samples / max(1e-6, np.abs(samples).max())
