"""All places that name the version, or the versions of Python, agree."""

import re
import subprocess
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import hear_openl3_yamnet
from scripts.release.add_version import add
from scripts.release.check_version import faults
from scripts.release.pin_backends import BACKENDS, list_path, requirements_of

ROOT = Path(__file__).parents[2]


def read(name):
    return (ROOT / name).read_text(encoding="utf-8")


PYTHONS = re.findall(r'"Programming Language :: Python :: (3\.\d+)"', read("pyproject.toml"))


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


@pytest.mark.parametrize("workflow", ["tests", "release"])
def test_the_workflows_run_on_every_python_that_the_package_names(workflow):
    matrix = re.search(r"python: \[(.*)\]", read(f".github/workflows/{workflow}.yml"))
    assert re.findall(r"3\.\d+", matrix[1]) == PYTHONS


def a_release(folder, *, day="2026-12-01", cited="2026-12-01", version="0.1.0"):
    (folder / "src/hear_openl3_yamnet").mkdir(parents=True)
    (folder / "src/hear_openl3_yamnet/version.py").write_text(f'__version__ = "{version}"\n')
    (folder / "CHANGELOG.md").write_text(f"# Changelog\n\n## 0.1.0 ({day})\n")
    (folder / "CITATION.cff").write_text(f"version: 0.1.0\ndate-released: {cited}\n")
    return folder


def test_a_tag_is_published_if_all_places_name_its_version_and_its_day(tmp_path):
    assert faults("v0.1.0", a_release(tmp_path)) == []


@pytest.mark.parametrize(
    ("changed", "tag", "fault"),
    [
        ({"day": "soon"}, "v0.1.0", "CHANGELOG.md has no line"),
        ({"cited": "2026-12-02"}, "v0.1.0", "the day of CHANGELOG.md"),
        ({"version": "0.1.1"}, "v0.1.0", "version.py has no line"),
        ({}, "v0.1.1", "CITATION.cff has no line"),
        ({}, "0.1.0", "the tag 0.1.0 is not vX.Y.Z"),
    ],
)
def test_another_tag_is_refused(changed, tag, fault, tmp_path):
    assert fault in "\n".join(faults(tag, a_release(tmp_path, **changed)))


def test_each_version_has_its_pages_and_the_newest_is_opened(tmp_path):
    site, pages = tmp_path / "site", tmp_path / "pages"
    site.mkdir()
    pages.mkdir()
    for version in ("0.9.0", "0.10.0", "0.2.0"):
        (site / "index.html").write_text(f"pages of {version}")
        add(site, pages, version)
    assert (pages / "0.9.0/index.html").read_text() == "pages of 0.9.0"
    index = (pages / "index.html").read_text()
    assert "url=0.10.0/" in index
    assert re.findall(r'<li><a href="(.*?)/">', index) == ["0.10.0", "0.9.0", "0.2.0"]


@pytest.mark.parametrize(
    ("client", "page"), [("mteb", "mteb"), ("xares", "xares"), ("perch-hoplite", "hoplite")]
)
def test_the_page_of_a_client_names_the_version_that_is_tested(client, page):
    (version,) = re.findall(rf"\b{client}(?:\[\w+\])?==([\d.]+)", read("scripts/test_clients.sh"))
    assert f"version {version} was tested" in read(f"docs/integrations/{page}.md")


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_lists_without_tensorflow_follow_from_pyproject(backend):
    pytest.importorskip("tomllib", reason="Python 3.11 or later")
    wanted = {r.name: r.specifier for r in map(Requirement, requirements_of(backend))}
    lines = [line for line in list_path(backend).read_text().splitlines() if line[0] != "#"]
    pinned = [Requirement(line) for line in lines]
    assert {requirement.name for requirement in pinned} == set(wanted)
    for python in PYTHONS:
        here = {"python_version": python, "python_full_version": f"{python}.1"}
        chosen = [r for r in pinned if r.marker is None or r.marker.evaluate(here)]
        assert sorted(r.name for r in chosen) == sorted(wanted), python
        for requirement in chosen:
            (pin,) = requirement.specifier
            assert pin.operator == "=="
            assert pin.version in wanted[requirement.name]
