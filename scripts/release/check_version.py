"""Check that a commit is ready to be published as the version that its tag names.

    python -m scripts.release.check_version v0.1.0

The exit status is 1 if version.py, CHANGELOG.md or CITATION.cff say something else or lack its day.
"""

import argparse
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tag", help="vX.Y.Z")
    if problems := faults(parser.parse_args().tag):
        raise SystemExit("\n".join(problems))


def faults(tag: str, root: Path = ROOT) -> list[str]:
    """Return what keeps a tag from being published."""
    version, day = tag.removeprefix("v"), r"(\d{4}-\d\d-\d\d)"
    heading, cited = rf"## {re.escape(version)} \({day}\)", rf"date-released: '?{day}'?"
    lines = {
        "src/hear_openl3_yamnet/version.py": rf'__version__ = "{re.escape(version)}"',
        "CHANGELOG.md": heading,
        "CITATION.cff": f"version: {re.escape(version)}",
    }
    texts = {name: (root / name).read_text("utf-8") for name in lines}
    problems = [] if tag == f"v{version}" else [f"the tag {tag} is not vX.Y.Z"]
    problems += [
        f"{name} has no line of the form {line}"
        for name, line in lines.items()
        if not re.search(f"^{line}$", texts[name], re.MULTILINE)
    ]
    dated = re.search(f"^{heading}$", texts["CHANGELOG.md"], re.MULTILINE)
    released = re.search(f"^{cited}$", texts["CITATION.cff"], re.MULTILINE)
    if not (dated and released and dated[1] == released[1]):
        problems.append("CITATION.cff needs the line `date-released:` with the day of CHANGELOG.md")
    return problems


if __name__ == "__main__":
    main()
