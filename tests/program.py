"""The command line, run in the process of the tests, without a second for each start."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from subprocess import CompletedProcess
from unittest import mock

from hear_openl3_yamnet.commands.app import main


def run(
    *arguments: object, cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> CompletedProcess[str]:
    """Run `main` as ``python -m hear_openl3_yamnet`` does; an unexpected exception is raised.

    `cwd` and `env` have the meaning that they have for `subprocess.run`.
    """
    command = ["hear-openl3-yamnet", *map(str, arguments)]
    out, err = io.StringIO(), io.StringIO()
    with contextlib.ExitStack() as changed:
        changed.enter_context(mock.patch.object(sys, "argv", command))
        changed.enter_context(contextlib.redirect_stdout(out))
        changed.enter_context(contextlib.redirect_stderr(err))
        if env is not None:
            changed.enter_context(mock.patch.dict(os.environ, env, clear=True))
        if cwd is not None:
            changed.callback(os.chdir, os.getcwd())
            os.chdir(cwd)
        try:
            main()
            status = 0
        except SystemExit as end:
            status = int(end.code or 0)
    return CompletedProcess(command, status, out.getvalue(), err.getvalue())
