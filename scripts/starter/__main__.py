"""Render the training sounds, train the starter weights, judge them and register them.

The steps from nothing to new weights in this package, in order: render, train, judge, register,
report. docs/starter.md has the commands with their options.
"""

import argparse
from importlib import import_module

COMMANDS = ("render", "train", "judge", "recordings", "register", "report")
"""Each is a module of this package with `add_arguments` and `main`."""


def main() -> None:
    """Run one command."""
    parser = argparse.ArgumentParser(
        prog="python -m scripts.starter",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name in COMMANDS:
        module = import_module(f"{__package__}.{name}")
        about = module.__doc__ or ""
        command = commands.add_parser(
            name,
            help=about.splitlines()[0],
            description=about,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.add_arguments(command)
        command.set_defaults(run=module.main)
    arguments = parser.parse_args()
    arguments.run(arguments)


if __name__ == "__main__":
    main()
