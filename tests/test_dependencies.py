"""pyproject.toml declares each package that src imports, and no package that it does not import."""

from __future__ import annotations

import ast
import functools
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import hear_openl3_yamnet

tomllib = pytest.importorskip("tomllib", reason="Python 3.11 or later")

PACKAGE = Path(hear_openl3_yamnet.__file__).parent
PROJECT = tomllib.loads((PACKAGE.parents[1] / "pyproject.toml").read_text("utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]

DISTRIBUTIONS = {"sklearn": "scikit-learn", "umap": "umap-learn"}
"""Distributions that do not have the name of their module."""

BACKENDS = {"torch", "jax"}
"""Imported by the core, but only if the user chose them as Keras's backend."""

ROOMS_WITH_EXTRAS = {
    "audio",
    "commands",
    "corpora",
    "evaluation",
    "export",
    "integrations",
    "labelled",
    "plotting",
    "study",
    "weights",
}

NOT_IMPORTED = {
    "setuptools": "tensorflow-hub imports its pkg_resources",
    "openl3": "only its files are read",
}

TOOLS = {"test", "docs", "dev"}
"""Extras for developers."""


def declared(*extras: str) -> set[str]:
    """Return the distributions of the core and of some extras."""
    names = set()
    for line in [*PROJECT["dependencies"], *(line for extra in extras for line in EXTRAS[extra])]:
        requirement = Requirement(line)
        if requirement.name == PROJECT["name"]:
            names |= declared(*requirement.extras)
        else:
            names.add(canonicalize_name(requirement.name))
    return names


def distribution(module: str) -> str:
    top = module.partition(".")[0]
    return DISTRIBUTIONS.get(top, canonicalize_name(top))


@functools.cache
def nodes() -> list[tuple[str, ast.AST]]:
    """Return the room of each module of the package, with each node of its code."""
    return [
        (path.relative_to(PACKAGE).parts[0], node)
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
    ]


def required() -> Iterator[tuple[str, str, str]]:
    """Yield (room, module, extra) of each call of `errors.require`."""
    for room, node in nodes():
        match node:
            case ast.Call(
                func=ast.Name("require"),
                args=[ast.Constant(str(module))],
                keywords=[ast.keyword("extra", ast.Constant(str(extra)))],
            ):
                yield room, module, extra


def imported() -> set[tuple[str, str]]:
    """Return (room, distribution) of each package that is imported, at any depth."""
    modules = [(room, module) for room, module, _ in required()]
    for room, node in nodes():
        if isinstance(node, ast.Import):
            modules += [(room, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            modules.append((room, str(node.module)))
    return {
        (room, distribution(module))
        for room, module in modules
        if module.partition(".")[0] not in sys.stdlib_module_names
    }


def test_every_import_is_declared():
    names = {name for _, name in imported()}
    assert {"numpy", "scipy", "pyarrow", "scikit-learn"} <= names  # the search finds imports
    assert names <= declared(*EXTRAS)


def test_the_core_imports_no_extra():
    of_core = {name for room, name in imported() if room not in ROOMS_WITH_EXTRAS}
    assert of_core - BACKENDS <= declared()


def test_every_dependency_is_imported():
    for_users = declared(*(set(EXTRAS) - TOOLS))
    assert for_users == {name for _, name in imported()} | set(NOT_IMPORTED)


def test_the_extra_in_the_message_brings_the_module():
    assert {extra for _, _, extra in required()} <= set(EXTRAS)
    for _, module, extra in required():
        assert distribution(module) in declared(extra), (module, extra)
