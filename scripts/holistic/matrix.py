"""Train the student with all teachers, without each of them, and without each kind of sounds.

    python -m scripts.holistic matrix --bank BANK --out RUNS --steps 500

The folder ``--out`` gets a folder for each training: ``all``, ``without-NETWORK`` and
``without-KIND``, as `train` writes them. The bank is read once. `judge` then shows which tasks need
which teacher, and which kind.
"""

from __future__ import annotations

import argparse

from .teach import KINDS
from .train import add_training_arguments, open_bank, train


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_training_arguments(parser)


def main(arguments: argparse.Namespace) -> None:
    """Train all students, one after another."""
    bank = open_bank(arguments.bank)
    teaching = bank.networks if len(bank.networks) > 1 else []
    banks = {"all": bank}
    banks |= {f"without-{name}": bank.without([name]) for name in teaching}
    banks |= {f"without-{kind}": bank.without(kinds=[kind]) for kind in KINDS if bank.has(kind)}
    for name, left in banks.items():
        print(f"== {name}", flush=True)
        train(left, arguments, arguments.out / name)
