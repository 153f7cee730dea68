"""The sounds that training uses, and the sounds that are held back for judging.

Training draws from random streams named ``starter/bank``, and from the programs, methods, kinds,
words and voices called TRAINED here. Training never uses what is called HELD.
"""

from hear_openl3_yamnet.synthesis.events import KINDS
from hear_openl3_yamnet.synthesis.noises import BACKGROUNDS
from hear_openl3_yamnet.synthesis.notes import METHODS
from hear_openl3_yamnet.synthesis.percussion import STROKES

HELD_PROGRAMS = tuple(p for p in range(120) if p % 10 in (3, 6, 9))
"""General MIDI programs, from 0. Programs 120 to 127 are sound effects and are not used."""
TRAINED_PROGRAMS = tuple(p for p in range(120) if p not in HELD_PROGRAMS)
N_PITCHED = 112
"""Programs from this number on have no pitch label: a taiko or a reversed cymbal sounds the same on
every key."""
OFF_KEY = (55, 86)
"""Programs whose sound does not have the pitch of its key. FluidR3's orchestra hit is a chord, and
its lead in fifths is as loud a fourth below the key as at the key. All other pitched programs are
at least 12 dB softer below their key than their loudest partial, except whole octaves below
(tested)."""
HELD_PITCHED_PROGRAMS = tuple(p for p in HELD_PROGRAMS if p < N_PITCHED)
PITCH_LEARN_PROGRAMS = HELD_PITCHED_PROGRAMS[::2]
PITCH_TEST_PROGRAMS = tuple(p for p in HELD_PITCHED_PROGRAMS[1::2] if p not in OFF_KEY)

HELD_METHODS = ("phase-distortion", "blown")
TRAINED_METHODS = tuple(name for name in METHODS if name not in HELD_METHODS)

HELD_KINDS = (
    "propeller", "train", "saw", "ringtone", "car-horn", "reversing-beeper", "owl", "cow",
    "insect", "snore", "pouring", "waves", "coins", "gravel", "fireworks", "paper",
)  # fmt: skip
"""Kinds of events that training never uses."""
TRAINED_KINDS = tuple(name for name in KINDS if name not in HELD_KINDS)

HELD_STROKES = tuple(STROKES)[2::5]
TRAINED_STROKES = tuple(name for name in STROKES if name not in HELD_STROKES)
TRAINED_DRUMS = tuple(range(35, 82))
"""Keys of the General MIDI drum kit."""

TEST_WORDS = (
    "yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go", "zero", "one", "two",
    "three", "four", "five", "six", "seven", "eight", "nine",
)  # fmt: skip
"""Trained words that judging uses in held voices."""
HELD_WORDS = (
    "marble", "window", "garden", "silver", "bottle", "thunder", "picture", "hammer", "yellow",
    "candle", "forest", "pepper", "rocket", "blanket", "justice",
)  # fmt: skip
TRAINED_WORDS = (
    *TEST_WORDS,
    "ten", "eleven", "twelve", "hundred", "dog", "cat", "bird", "bed", "tree", "house", "happy",
    "wow", "marvin", "sheila", "visual", "follow", "forward", "backward", "learn", "apple", "water",
    "music", "paper", "table", "chair", "river", "mountain", "monday", "friday", "sunday", "king",
    "queen", "orange", "purple", "green", "black", "white", "red", "blue", "small", "large",
    "quick", "slow", "summer", "winter", "spring", "autumn", "mother", "father", "sister",
    "brother", "bread", "cheese", "coffee", "sugar", "salt", "knife", "spoon", "fork", "plate",
    "light", "dark", "open", "close", "door", "key", "book", "pencil", "school", "teacher",
    "doctor", "nurse", "train", "plane", "boat", "bicycle", "engine", "travel", "hello", "goodbye",
    "please", "thank", "sorry", "welcome", "morning", "evening", "today", "tomorrow", "never",
    "always", "question", "answer", "number", "letter", "sing", "dance", "jump", "run", "walk",
    "sleep", "dream", "think", "believe", "measure", "treasure", "church", "judge", "shoes",
    "voice", "earth", "mouth", "breath", "smooth", "vision", "jungle", "zebra", "violin", "guitar",
    "trumpet", "piano",
)  # fmt: skip
FOREIGN_WORDS = {
    "de": ("Haus", "Wasser", "zwanzig", "Schule", "fröhlich", "Brücke", "achtzehn", "Licht"),
    "fr": ("maison", "bonjour", "lumière", "quatre", "oiseau", "heureux", "jardin", "fenêtre"),
    "es": ("casa", "cuatro", "perro", "jardín", "zapato", "mujer", "llave", "noche"),
    "it": ("ciao", "bambino", "giorno", "specchio", "quattro", "luce", "vino", "piazza"),
    "pl": ("dziękuję", "woda", "cześć", "szkoła", "jabłko", "książka", "noc", "dom"),
}
"""Words of other languages, by the name of espeak-ng's voice."""

TRAINED_ACCENTS = ("en-us", "en-gb", "en-gb-scotland", "en-gb-x-rp")
TRAINED_VARIANTS = (
    "Alex", "Alicia", "Andrea", "Andy", "Annie", "Denis", "Diogo", "Gene", "Henrique", "Hugo",
    "Jacky", "Lee", "Marco", "Mario", "Michael", "Mike", "adam", "anika", "antonio", "aunty",
    "belinda", "benjamin", "boris", "caleb", "david", "ed", "edward", "grandma", "grandpa",
    "gustave", "iven", "john", "linda", "marcelo", "max", "michel",
)  # fmt: skip
HELD_ACCENTS = ("en-029", "en-gb-x-gbclan", "en-gb-x-gbcwmd")
HELD_VARIANTS = (
    "miguel", "norbert", "pablo", "paul", "pedro", "quincy", "rob", "robert", "sandro", "shelby",
    "steph", "travis", "victor", "zac",
)  # fmt: skip
"""Variants of espeak-ng's voices. The tasks use m1 … m8, f1 … f5, klatt … and croak."""

TYPES = (
    *(f"event:{name}" for name in TRAINED_KINDS),
    *(f"background:{name}" for name in BACKGROUNDS),
    *(f"stroke:{name}" for name in TRAINED_STROKES),
    *(f"drum:{key}" for key in TRAINED_DRUMS),
    *(f"family:{index}" for index in range(15)),
    *(f"method:{name}" for name in TRAINED_METHODS),
    "speech:espeak",
    "speech:formants",
)
"""Classes of the factor ``type``. General MIDI programs come in families of eight."""
PROGRAMS = (*TRAINED_PROGRAMS, *TRAINED_METHODS)
"""Classes of the factor ``program``: instruments and methods of synthesis."""
WORDS = (*TRAINED_WORDS, *(word for words in FOREIGN_WORDS.values() for word in words))
VOICES = TRAINED_VARIANTS
N_PITCHES = 88

CLASSES = {
    "type": len(TYPES),
    "pitch": N_PITCHES,
    "program": len(PROGRAMS),
    "word": len(WORDS),
    "voice": len(VOICES),
}
"""Number of classes of each factor."""
