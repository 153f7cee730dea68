"""What names the version, and the Pythons, says the same."""

import re
from pathlib import Path

import hear_openl3_yamnet

ROOT = Path(__file__).parent.parent


def read(name):
    return (ROOT / name).read_text(encoding="utf-8")


def test_changelog_and_citation_name_the_version():
    version = hear_openl3_yamnet.__version__
    assert re.search(rf"^## .*{re.escape(version)}", read("CHANGELOG.md"), re.MULTILINE)
    assert f"\nversion: {version}\n" in read("CITATION.cff")


def test_the_workflow_runs_on_every_python_that_the_package_names():
    named = re.findall(r'"Programming Language :: Python :: (3\.\d+)"', read("pyproject.toml"))
    matrix = re.search(r"python: \[(.*)\]", read(".github/workflows/tests.yml"))
    assert re.findall(r"3\.\d+", matrix[1]) == named
