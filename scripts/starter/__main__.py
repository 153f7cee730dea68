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


def run(package: str, about: str | None, commands: dict[str, str], arguments: list[str]) -> None:
    """Run one command of a package of scripts. Only its module is imported."""
    program = f"python -m {package}"
    parser = argparse.ArgumentParser(
        prog=program,
        description=about,
        epilog="commands:\n" + "\n".join(f"  {n:<12} {text}" for n, text in commands.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("command", choices=commands, metavar="COMMAND", help="see below")
    name = parser.parse_args(arguments[:1]).command
    module = import_module(f"{package}.{name}")
    command = argparse.ArgumentParser(
        prog=f"{program} {name}",
        description=module.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    module.add_arguments(command)
    module.main(command.parse_args(arguments[1:]))


def main() -> None:
    """Run one command of this package."""
    run("scripts.starter", __doc__, COMMANDS, sys.argv[1:])


if __name__ == "__main__":
    main()
