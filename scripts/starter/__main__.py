"""Make the shipped weights again, and judge them.

Run the commands in this order; docs/starter.md gives the options that were used.
"""

import argparse
import sys
from importlib import import_module

COMMANDS = {
    "render": "render the sounds that the networks are trained on",
    "train": "train one network",
    "judge": "compare trained weights with baselines on eight tasks",
    "recordings": "compare them on two small tasks of recorded sounds",
    "pack": "pack recordings, to distil on",
    "synthesize": "synthesize sounds, to distil on",
    "distill": "distil OpenL3-lite from an OpenL3",
    "register": "enter the weights' digests and sizes into weights/registry.json",
    "report": "print tables of the scores and draw the learning curves",
}
"""Each command is the module of its name, with `add_arguments` and `main`."""

_PROGRAM = "python -m scripts.starter"


def main() -> None:
    """Run one command. Only its module is imported."""
    parser = argparse.ArgumentParser(
        prog=_PROGRAM,
        description=__doc__,
        epilog="commands:\n" + "\n".join(f"  {n:<12} {about}" for n, about in COMMANDS.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("command", choices=COMMANDS, metavar="COMMAND", help="see below")
    name = parser.parse_args(sys.argv[1:2]).command
    module = import_module(f"{__package__}.{name}")
    command = argparse.ArgumentParser(
        prog=f"{_PROGRAM} {name}",
        description=module.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    module.add_arguments(command)
    module.main(command.parse_args(sys.argv[2:]))


if __name__ == "__main__":
    main()
