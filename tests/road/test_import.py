import json
import os
import subprocess
import sys

import pytest

HEAVY = ["tensorflow", "keras", "tf_keras", "torch", "jax", "librosa", "soundfile"]

# processor time: on a busy machine the wall clock would time the others
PROBE = """
import json, sys, time
began = time.process_time()
import {module}
seconds = time.process_time() - began
print(json.dumps({{"seconds": seconds, "modules": list(sys.modules)}}))
"""


def import_afresh(module):
    # without coverage's own start in child processes, which would be timed too
    environment = {k: v for k, v in os.environ.items() if not k.startswith("COV")}
    done = subprocess.run(
        [sys.executable, "-c", PROBE.format(module=module)],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    )
    return json.loads(done.stdout)


@pytest.mark.parametrize("module", ["hear_openl3_yamnet", "hear_openl3_yamnet.commands.app"])
def test_importing_loads_no_framework(module):
    modules = import_afresh(module)["modules"]
    assert module in modules
    assert [name for name in HEAVY if name in modules] == []


def test_importing_takes_less_than_half_a_second():
    best = min(import_afresh("hear_openl3_yamnet")["seconds"] for _ in range(5))
    assert best < 0.5
