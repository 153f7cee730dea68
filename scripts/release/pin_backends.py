"""Write scripts/requirements: what the package needs beside PyTorch or JAX, without TensorFlow.

    python -m scripts.release.pin_backends

The lists follow from pyproject.toml: its dependencies without TensorFlow's, and the extra of the
backend. uv finds the newest versions that go together, for each Python that the package names.
PyTorch's is the one that scripts/test.sh tests.
tests/documents/test_releases.py holds the lists and pyproject.toml together.
"""

import re
import subprocess
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
BACKENDS = ("torch", "jax")

OF_TENSORFLOW = {"tensorflow", "tensorflow-hub", "setuptools"}
"""Dependencies that nothing else needs. setuptools is there for tensorflow-hub."""

TESTED = {
    "torch": re.findall(r"default (torch==\S+)", (ROOT / "scripts/test.sh").read_text("utf-8")),
    "jax": [],
}

OLDEST_PYTHON = "3.10"
HEADER = (
    "# By `python -m scripts.release.pin_backends`. Use: pip install -r scripts/requirements/{}.txt"
)


def requirements_of(backend: str) -> list[str]:
    """Return the package's requirements on a backend alone, as pyproject.toml has them."""
    import tomllib  # since Python 3.11

    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    core = [line for line in project["dependencies"] if Requirement(line).name not in OF_TENSORFLOW]
    return sorted([*core, *project["optional-dependencies"][backend]])


def list_path(backend: str) -> Path:
    """Return the file with the pinned list of a backend."""
    return ROOT / "scripts" / "requirements" / f"{backend}.txt"


def main() -> None:
    for backend in BACKENDS:
        command = ["uv", "pip", "compile", "--universal", "--no-header", "--no-annotate", "--quiet"]
        command += ["--python-version", OLDEST_PYTHON, "-"]
        given = "\n".join([*requirements_of(backend), *TESTED[backend]])
        pinned = subprocess.run(command, input=given, capture_output=True, text=True, check=True)
        # what these need in turn is left to pip: it differs between the builds of PyTorch
        names = {Requirement(line).name for line in requirements_of(backend)}
        lines = [line for line in pinned.stdout.splitlines() if Requirement(line).name in names]
        text = "\n".join([HEADER.format(backend), *lines, ""])
        list_path(backend).parent.mkdir(exist_ok=True)
        list_path(backend).write_text(text, encoding="utf-8")
        print(f"{list_path(backend)}: {len(lines)} lines")


if __name__ == "__main__":
    main()
