"""The tasks of whole clips: which recordings, with which labels and groups."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable

from .sources import Recording, Sources

N_EACH = 10
"""Recordings of each digit by each speaker."""

Scene = tuple[list[Recording], int]
"""Recordings, and the number of folds."""


def digits(sources: Sources) -> Scene:
    """Ten digits, of unseen speakers."""
    found = sources.digits()
    return [Recording(p, digit, speaker) for p, digit, speaker, i in found if i < N_EACH], 6


def speakers(sources: Sources) -> Scene:
    """Six speakers, by unseen digits."""
    found = sources.digits()
    return [Recording(p, speaker, digit) for p, digit, speaker, i in found if i < N_EACH], 5


_WORDS = {
    "astronaut": r"astronaut\w*|astronote",
    "broccoli": r"broc+ol+i",
    "hotel": r"hotel",
    "monster": r"monst\w+",
    "oasis": r"oasis",
    "olive": r"oliven?",
    "oregano": r"oregano|origan",
    "pepperoni": r"pepperoni|pebberoni",
    "pyramid": r"pyramide?",
    "radar": r"radar",
    "salami": r"salami",
    "satellite": r"satell?ite?",
}
"""Words that sound alike in many languages, and the names of their files."""


def words(sources: Sources) -> Scene:
    """Twelve words that many languages share, in unseen languages by unseen speakers."""
    found = [
        Recording(path, word, language)
        for path, language, name in sources.ktuberling()
        for word, pattern in _WORDS.items()
        if re.fullmatch(pattern, name)
    ]
    return _of_several_groups(_once(found)), 5


_LANGUAGES = ("ca", "da", "de", "el", "en", "fr", "gl", "lt", "nn", "ru", "sl", "uk")
N_WORDS = 40


def languages(sources: Sources) -> Scene:
    """Twelve languages, each by its speaker, in unseen words."""
    found = defaultdict(list)
    for path, language, name in sources.ktuberling():
        if language in _LANGUAGES:
            found[language].append(Recording(path, language, name))
    return [one for own in found.values() for one in own[:N_WORDS]], 5


_LETTERS = tuple("abfklmnost")
"""Letters whose names are alike in most languages of Latin script."""


def letters(sources: Sources) -> Scene:
    """Ten letters, in unseen languages by unseen speakers."""
    found = sources.letters()
    chosen = [Recording(p, letter, lang) for p, lang, letter in found if letter in _LETTERS]
    return _of_several_groups(_once(chosen)), 5


N_PROMPTS = 80
EXCERPT_S = 0.3


def voices(sources: Sources) -> Scene:
    """Five sets of telephone prompts, by 0.3 s of unseen ones. One woman speaks two sets."""
    by_voice = defaultdict(dict)
    for path, voice, name in sources.prompts():
        if path.stat().st_size > 32_000:  # 2 s at 8 kHz, so that 0.3 s can be taken from it
            by_voice[voice][name] = path
    common = sorted(set.intersection(*map(set, by_voice.values())))[:N_PROMPTS]
    return [
        Recording(own[name], voice, name, 0.5, EXCERPT_S)
        for voice, own in by_voice.items()
        for name in common
    ], 5


DRUMS = {
    "kick": r"kick|bass ?drum",
    "snare": r"snare",
    "semi-open hat": r"semi ?open",
    "closed hat": r"(hat|hh)\b.*(clos|\bcl\b|pedal|\bpd\b)|(clos|pedal).*(hat|hh)",
    "open hat": r"(hat|hh)\b.*\bop|open.*(hat|hh)|\bohh",
    "cymbal": r"crash|ride|cymbal|splash|china",
    "tom": r"\btom",
}
"""Kinds of drums, and what kits call them. The first one that fits counts. Semi-open hats are no
kind."""

N_OF_KIND = 12
"""Strokes of a kind from one kit at the most."""


def kind_of_drum(instrument: str) -> str | None:
    """Return the kind of an instrument by its name."""
    name = instrument.lower().replace("-", " ").replace("_", " ")
    kind = next((kind for kind, pattern in DRUMS.items() if re.search(pattern, name)), None)
    return None if kind == "semi-open hat" else kind


def drums(sources: Sources) -> Scene:
    """Six kinds of drums, of unseen kits."""
    found: list[Recording] = []
    counts: Counter[tuple[str, str]] = Counter()
    for path, kit, instrument in sources.drums():
        kind = kind_of_drum(instrument)
        if kind and counts[kit, kind] < N_OF_KIND:
            counts[kit, kind] += 1
            found.append(Recording(path, kind, kit))
    return _once(found), 6


N_SYLLABLES = 60


def tones(sources: Sources) -> Scene:
    """Collect the tones of Mandarin, by two speakers, of unseen syllables."""
    found = defaultdict(list)
    for path, syllable, tone, _ in sources.tones():
        if tone:
            found[syllable].append(Recording(path, f"tone {tone}", syllable))
    whole = [own for own in found.values() if len({r.label for r in own}) == 4]
    step = len(whole) / N_SYLLABLES
    chosen = [whole[int(i * step)] for i in range(N_SYLLABLES)] if step > 1 else whole
    return [recording for own in chosen for recording in own], 5


def _once(recordings: Iterable[Recording]) -> list[Recording]:
    """Keep each file once."""
    return list({recording.path: recording for recording in recordings}.values())


def _of_several_groups(recordings: list[Recording]) -> list[Recording]:
    """Keep the labels that three groups have."""
    groups = defaultdict(set)
    for recording in recordings:
        groups[recording.label].add(recording.group)
    return [recording for recording in recordings if len(groups[recording.label]) >= 3]


SCENES: dict[str, Callable[[Sources], Scene]] = {
    "real_digits": digits,
    "real_speakers": speakers,
    "real_words": words,
    "real_languages": languages,
    "real_letters": letters,
    "real_voices": voices,
    "real_drums": drums,
    "real_tones": tones,
}
