"""`python -m scripts.starter`: its commands, their help, and what report and register write."""

import shutil
import sys
from pathlib import Path

import pytest

from scripts.starter import register
from scripts.starter.__main__ import COMMANDS, main

ROOT = Path(__file__).parents[2]


@pytest.fixture
def run(monkeypatch):
    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["starter", *map(str, arguments)])
        main()

    return run


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_explains_itself(name, run, capsys):
    with pytest.raises(SystemExit, match="0"):
        run(name, "--help")
    out = capsys.readouterr().out
    assert out.startswith(f"usage: python -m scripts.starter {name} ")
    assert f"\n    python -m scripts.starter {name}" in out


def test_the_help_lists_the_commands(run, capsys):
    with pytest.raises(SystemExit, match="0"):
        run("--help")
    listed = capsys.readouterr().out.split("commands:\n")[1].splitlines()
    assert [line.split()[0] for line in listed] == list(COMMANDS)


def test_an_unknown_command_is_refused(run, capsys):
    with pytest.raises(SystemExit, match="2"):
        run("bake")
    assert "invalid choice: 'bake'" in capsys.readouterr().err


def test_the_tables_in_docs_are_those_of_the_report(run, capsys):
    run("report", ROOT / "docs" / "starter.json")
    tables = capsys.readouterr().out.strip().split("\n\n")
    page = (ROOT / "docs" / "starter.md").read_text(encoding="utf-8")
    assert len(tables) == 2
    assert all(table in page for table in tables)


def test_the_registry_is_what_register_writes(run, tmp_path, monkeypatch, capsys):
    weights = tmp_path / "weights"
    shutil.copytree(register.WEIGHTS, weights)
    monkeypatch.setattr(register, "WEIGHTS", weights)
    run("register")
    written = (weights / "registry.json").read_bytes()
    assert written == (ROOT / "weights" / "registry.json").read_bytes()
    assert "yamnet-starter: " in capsys.readouterr().out
