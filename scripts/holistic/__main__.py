"""Train one small network that several networks have taught.

Run the commands in this order; docs/holistic.md gives the options that were used.
"""

import os
import sys

from scripts.starter.__main__ import run

COMMANDS = {
    "labelled": "pack sounds with labels",
    "collect": "collect the teachers' published weights in one folder",
    "teach": "compute what the teachers say of varied windows, once",
    "train": "train the student on it",
    "matrix": "train it without each teacher and without each kind of sounds",
    "judge": "compare students with the networks that taught them",
    "synthetic": "compare them on the starters' synthetic tasks",
}
"""Each command is the module of its name, with `add_arguments` and `main`."""

if __name__ == "__main__":
    if sys.argv[1:2] not in (["judge"], ["synthetic"]):  # which run on any backend
        os.environ.setdefault("KERAS_BACKEND", "torch")
    run("scripts.holistic", __doc__, COMMANDS, sys.argv[1:])
