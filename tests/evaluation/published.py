"""Rows of HEAR's leaderboard, copied from the published file, with ranks counted from all its rows.

For each task, in the file's order: OpenL3's score and rank, YAMNet's score and rank, and how many
models have a score. Equal scores share the mean of their places.
"""

NAN = float("nan")

ROWS = {
    "Beehive": (0.604021996, 5, 0.466483414, 14, 16),
    "Beijing Opera": (0.974556744, 1, 0.940514195, 17.5, 34),
    "CREMA-D": (0.549740589, 20, 0.45334937, 28, 33),
    "DCASE 2016 task 2": (0.832779646, 6, 0.008316008, 31, 33),
    "ESC-50": (0.750500011, 14, 0.8375, 11, 34),
    "FSD50K": (0.446962625, 11, NAN, NAN, 31),
    "GTZAN genre": (0.878999996, 8, 0.846999991, 12, 33),
    "GTZAN music/speech": (0.968589747, 8, 0.968589747, 8, 33),
    "Gunshot triangulation": (0.949404768, 2, 0.732142857, 32, 34),
    "LibriCount": (0.641433573, 17, 0.652622378, 12.5, 34),
    "MAESTRO 5 h": (0.016502469, 18, 0, 30, 31),
    "Mridangam stroke": (0.966605771, 9, NAN, NAN, 33),
    "Mridangam tonic": (0.936935115, 4, NAN, NAN, 33),
    "NSynth pitch 50 h": (0.731034458, 13, 0.320935965, 30, 34),
    "NSynth pitch 5 h": (0.560000002, 11, 0.158000007, 32, 34),
    "Speech Commands 5 h": (0.679550111, 23, 0.288752556, 33, 34),
    "Speech Commands full": (0.763394654, 19, 0.410429448, 32, 34),
    "Vocal Imitation": (0.078120478, 26, 0.084709451, 21, 34),
    "VoxLingua107 top 10": (0.33129791, 14, 0.201649484, 27, 34),
}

# the best score of some tasks, and its model
BEST = {
    "Beijing Opera": (0.974556744, "OpenL3"),
    "DCASE 2016 task 2": (0.925373137, "CP-JKU PaSST 2lvl+mel"),
    "ESC-50": (0.966499996, "RedRice ced_base"),
    "MAESTRO 5 h": (0.469076937, "GURA Cat H+w+C"),
    "NSynth pitch 5 h": (0.878000021, "GURA Avg Hubert+Crepe"),
    "NSynth pitch 50 h": (0.899999976, "CREPE"),
    "Speech Commands full": (0.977914095, "IUT-CSE MLP (keyword)"),
}
