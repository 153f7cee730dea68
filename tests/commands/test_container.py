"""A container's user: no home folder, no entry in the list of users, and one folder to write to.

What ships with the package needs no cache folder, and no package complains about its own. The
commands import no more than they need.
"""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
import soundfile

import hear_openl3_yamnet
from tests import seeded_audio

if sys.platform != "linux":
    pytest.skip("containers are Linux", allow_module_level=True)

SOURCE = Path(hear_openl3_yamnet.__file__).parents[1]

PROGRAM = """
import os, sys
from hear_openl3_yamnet import environment, load_model
from hear_openl3_yamnet.audio import load_audio
from hear_openl3_yamnet.commands.app import main

def run(*arguments):
    sys.argv[1:] = arguments
    try:
        main()
    except SystemExit as end:
        assert not end.code, arguments

print("user", os.getuid(), "may write", [place for place in sys.path if os.access(place, os.W_OK)])
assert len(load_audio("in/fast.wav", 16000)) == 8000
run("embed", "in/fast.wav", "-o", "out", "--model", "yamnet-starter")
assert not {*environment.UNUSED} & {*sys.modules}
run("corpus", "embed", "in", "out/corpus", "--model", "yamnet-starter")
run("tag", "in/fast.wav", "-o", "out/tags.png", "--model", "yamnet", "--weights", "random:1")
"""

NUMBA = """
import os
from hear_openl3_yamnet import environment
from hear_openl3_yamnet.weights.finding import look_up
from hear_openl3_yamnet.weights.registry import get_entry
environment.prepare_command()
from librosa.util import utils  # functions of numba, which umap has too, and keeps in a cache
print(look_up(get_entry("yamnet-starter")).verified)
"""

USER_12345 = ["setpriv", "--reuid=12345", "--regid=12345", "--clear-groups"]
READ_ALL = ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]
"""The interpreter may lie in a folder of root's, for example of pyenv."""


@functools.cache
def another_user() -> list[str]:
    """Return the command that makes a process one of user 12345, who may read the interpreter."""
    if os.getuid() != 0 or shutil.which("setpriv") is None:
        pytest.skip("only root can become another user, with setpriv")
    for prefix in ([*USER_12345, *READ_ALL], USER_12345):
        done = subprocess.run([*prefix, sys.executable, "-c", "import numpy"], capture_output=True)
        if done.returncode == 0:
            return prefix
    pytest.skip(f"user 12345 cannot run {sys.executable}: {done.stderr.decode()}")


@pytest.fixture
def folder():
    with tempfile.TemporaryDirectory() as name:  # other users cannot enter those of pytest
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "in").mkdir()
        soundfile.write(folder / "in" / "fast.wav", seeded_audio.clip("notes", 44_100, 0.5), 44_100)
        (folder / "out").mkdir()
        (folder / "out").chmod(0o777)
        (folder / "home").mkdir(mode=0o555)
        yield folder


def run(
    folder: Path, prefix: list[str], program: str, **environment: str
) -> subprocess.CompletedProcess:
    """Run a program with no environment but this one."""
    command = [*prefix, sys.executable, "-c", program]
    environment |= {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(SOURCE)}
    return subprocess.run(
        command, env=environment, cwd=folder, capture_output=True, text=True, timeout=300
    )


def run_all(folder: Path, prefix: list[str], **environment: str) -> str:
    """Run the commands, and return what they print."""
    done = run(folder, prefix, PROGRAM, **environment)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    for name in ("fast.npz", "tags.png"):
        assert (folder / "out" / name).exists()
    assert "1 files embedded" in done.stdout
    return done.stdout


def test_as_a_user_without_an_entry_and_with_nothing_to_write_to(folder):
    assert run_all(folder, another_user()).startswith("user 12345 may write []")


@pytest.mark.slow
def test_with_a_home_folder_that_is_read_only(folder):
    done = run(folder, another_user(), NUMBA, HOME="home")
    assert (done.returncode, done.stdout, done.stderr) == (0, "True\n", "")


@pytest.mark.skipif(os.getuid() == 0, reason="root may write everywhere")
@pytest.mark.parametrize("home", [{}, {"HOME": "home"}], ids=["no HOME", "read-only HOME"])
def test_as_this_user_without_a_home_folder(folder, home):
    run_all(folder, [], **home)
