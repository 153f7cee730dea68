"""Importing the package is light: it loads NumPy, and no framework before a model is loaded."""

import json
import subprocess
import sys

import pytest

# the packages behind the modules that an import loads, the standard library left out
PROBE = """
import json, sys
before = set(sys.modules)
import {module}
after = {{name.partition(".")[0] for name in set(sys.modules) - before}}
print(json.dumps(sorted(after - set(sys.stdlib_module_names))))
"""


def packages_behind(module):
    done = subprocess.run(
        [sys.executable, "-c", PROBE.format(module=module)],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(json.loads(done.stdout))


def test_importing_the_package_loads_numpy_alone():
    assert packages_behind("hear_openl3_yamnet") <= {"hear_openl3_yamnet", "numpy"}


def test_importing_corpora_and_commands_loads_no_framework():
    heavy = {"tensorflow", "keras", "tf_keras", "torch", "jax", "librosa", "sklearn", "matplotlib"}
    for module in ("commands.app", "corpora", "evaluation.results"):
        found = packages_behind(f"hear_openl3_yamnet.{module}")
        assert "hear_openl3_yamnet" in found
        assert not found & heavy


@pytest.mark.parametrize("module", ["tagging", "loading", "config.configuring", "weights.finding"])
def test_what_needs_no_network_loads_no_framework(module):
    assert not packages_behind(f"hear_openl3_yamnet.{module}") & {"tensorflow", "keras", "torch"}
