"""Phonemes of English for a formant synthesiser, and its vocabulary.

Vowels: means of men's voices in Peterson and Barney, Control methods used in a study of the vowels,
JASA 24(2), 1952, table II. Consonants: after Klatt, Software for a cascade/parallel formant
synthesizer, JASA 67(3), 1980, tables II and III, simplified.
"""

from dataclasses import dataclass

__all__ = ["HIGHEST_FREQUENCY", "PHONEMES", "WORDS", "Segment"]

HIGHEST_FREQUENCY = 12_000
"""Highest modelled frequency [Hz]."""

_Formants = tuple[float, float, float]


@dataclass(frozen=True)
class Segment:
    """A segment of a phoneme: its length, three formants [Hz] at its start and end, and levels."""

    seconds: float
    first: _Formants
    last: _Formants
    voicing: float = 0.0
    aspiration: float = 0.0
    frication: float = 0.0
    centre: float = 4000.0  # Hz, of the frication


_VOWELS: dict[str, _Formants] = {
    "IY": (270, 2290, 3010),
    "IH": (390, 1990, 2550),
    "EH": (530, 1840, 2480),
    "AE": (660, 1720, 2410),
    "AA": (730, 1090, 2440),
    "AO": (570, 840, 2410),
    "UH": (440, 1020, 2240),
    "UW": (300, 870, 2240),
    "AH": (640, 1190, 2390),
    "ER": (490, 1350, 1690),
}
_SHORT = {"IH", "UH", "AH", "EH"}
_DIPHTHONGS = {
    "EY": ("EH", "IY"),
    "AY": ("AA", "IH"),
    "OW": ("AO", "UW"),
    "AW": ("AA", "UH"),
    "OY": ("AO", "IY"),
}
_LABIAL: _Formants = (250, 900, 2200)
_ALVEOLAR: _Formants = (250, 1700, 2600)
_PALATAL: _Formants = (280, 1900, 2500)
_VELAR: _Formants = (250, 2000, 2400)


def _steady(formants: _Formants, seconds: float, **levels: float) -> Segment:
    return Segment(seconds, formants, formants, **levels)


def _fricative(place: _Formants, centre: float, level: float, voicing: float = 0.0) -> tuple:
    seconds = 0.07 if voicing else 0.11
    return (_steady(place, seconds, voicing=voicing, frication=level, centre=centre),)


def _stop(place: _Formants, centre: float, level: float, voiced: bool) -> tuple:
    closure = _steady(place, 0.05, voicing=0.12 if voiced else 0.0)
    burst = _steady(place, 0.012, frication=level, centre=centre, voicing=0.2 if voiced else 0.0)
    breath = _steady(place, 0.035, aspiration=0.5, frication=0.05, centre=centre)
    return (closure, burst) if voiced else (closure, burst, breath)


PHONEMES: dict[str, tuple[Segment, ...]] = {
    **{
        name: (_steady(formants, 0.11 if name in _SHORT else 0.15, voicing=1.0),)
        for name, formants in _VOWELS.items()
    },
    **{
        name: (Segment(0.2, _VOWELS[first], _VOWELS[last], voicing=1.0),)
        for name, (first, last) in _DIPHTHONGS.items()
    },
    "W": (_steady((290, 610, 2150), 0.07, voicing=0.7),),
    "Y": (_steady((260, 2070, 3020), 0.06, voicing=0.7),),
    "R": (_steady((310, 1060, 1380), 0.08, voicing=0.7),),
    "L": (_steady((310, 1050, 2880), 0.08, voicing=0.6),),
    "M": (_steady((250, 1100, 2100), 0.08, voicing=0.4),),
    "N": (_steady((250, 1600, 2600), 0.08, voicing=0.4),),
    "NG": (_steady((250, 2000, 2500), 0.08, voicing=0.4),),
    "HH": (_steady((500, 1500, 2500), 0.07, aspiration=0.7),),
    "S": _fricative(_ALVEOLAR, 6500, 0.6),
    "SH": _fricative(_PALATAL, 3300, 0.6),
    "F": _fricative(_LABIAL, 8000, 0.2),
    "TH": _fricative(_ALVEOLAR, 8500, 0.14),
    "Z": _fricative(_ALVEOLAR, 6500, 0.35, voicing=0.3),
    "ZH": _fricative(_PALATAL, 3300, 0.35, voicing=0.3),
    "V": _fricative(_LABIAL, 8000, 0.1, voicing=0.4),
    "DH": _fricative(_ALVEOLAR, 8500, 0.08, voicing=0.4),
    "P": _stop(_LABIAL, 1000, 0.5, voiced=False),
    "T": _stop(_ALVEOLAR, 4800, 0.7, voiced=False),
    "K": _stop(_VELAR, 2100, 0.7, voiced=False),
    "B": _stop(_LABIAL, 900, 0.3, voiced=True),
    "D": _stop(_ALVEOLAR, 4200, 0.4, voiced=True),
    "G": _stop(_VELAR, 1900, 0.4, voiced=True),
}
"""Phonemes in ARPAbet, each of one to three segments."""

WORDS = {
    "backward": "B AE K W ER D",
    "bed": "B EH D",
    "bird": "B ER D",
    "cat": "K AE T",
    "dog": "D AO G",
    "down": "D AW N",
    "eight": "EY T",
    "five": "F AY V",
    "follow": "F AA L OW",
    "forward": "F AO R W ER D",
    "four": "F AO R",
    "go": "G OW",
    "happy": "HH AE P IY",
    "house": "HH AW S",
    "learn": "L ER N",
    "left": "L EH F T",
    "marvin": "M AA R V IH N",
    "nine": "N AY N",
    "no": "N OW",
    "off": "AO F",
    "on": "AA N",
    "one": "W AH N",
    "right": "R AY T",
    "seven": "S EH V AH N",
    "sheila": "SH IY L AH",
    "six": "S IH K S",
    "stop": "S T AA P",
    "three": "TH R IY",
    "tree": "T R IY",
    "two": "T UW",
    "up": "AH P",
    "visual": "V IH ZH UW AH L",
    "wow": "W AW",
    "yes": "Y EH S",
    "zero": "Z IH R OW",
}
"""The vocabulary of Speech Commands (Warden, 2018, arXiv:1804.03209) in ARPAbet."""
