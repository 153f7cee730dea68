"""All places that name the version, or the versions of Python, agree."""

import re
import subprocess
from pathlib import Path

import pytest

import hear_openl3_yamnet

ROOT = Path(__file__).parents[2]


def read(name):
    return (ROOT / name).read_text(encoding="utf-8")


def test_changelog_and_citation_name_the_version():
    version = hear_openl3_yamnet.__version__
    assert re.search(rf"^## .*{re.escape(version)}", read("CHANGELOG.md"), re.MULTILINE)
    assert f"\nversion: {version}\n" in read("CITATION.cff")


def test_a_tag_names_the_version_of_its_commit():
    def git(*arguments):
        return subprocess.run(
            ["git", "-C", ROOT, *arguments], capture_output=True, text=True, check=False
        ).stdout

    tags = git("tag", "--list", "v*").split()
    if not tags:
        pytest.skip("nothing has been released, or this is no clone")
    for tag in tags:
        source = git("show", f"{tag}:src/hear_openl3_yamnet/version.py")
        assert f'__version__ = "{tag[1:]}"' in source


def test_the_workflow_runs_on_every_python_that_the_package_names():
    named = re.findall(r'"Programming Language :: Python :: (3\.\d+)"', read("pyproject.toml"))
    matrix = re.search(r"python: \[(.*)\]", read(".github/workflows/tests.yml"))
    assert re.findall(r"3\.\d+", matrix[1]) == named
