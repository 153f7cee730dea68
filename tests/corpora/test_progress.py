"""A run shows how far it is: by a bar on a terminal, by lines of the log elsewhere."""

import logging
import os
import struct
import sys

import pytest

from hear_openl3_yamnet.corpora import progress


@pytest.mark.skipif(os.name == "nt", reason="pseudo-terminals are Unix's")
def test_a_bar_on_a_terminal(monkeypatch):
    import fcntl
    import termios

    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("4H", 24, 160, 0, 0))
    with os.fdopen(theirs, "w") as terminal:
        monkeypatch.setattr(sys, "stderr", terminal)
        shown = progress.Progress(progress.Summary(files=4, done_before=1))
        shown.count(None, 1800.0)
        shown.count("broken", None)
        shown.close()
        monkeypatch.undo()
        said = ""
        while "\n" not in said:
            said += os.read(ours, 65_536).decode()
    os.close(ours)
    for text in ("3/4", "0.50 h of audio", "× real time", "1 failed"):
        assert text in said


def test_a_log_line_each_minute_elsewhere(monkeypatch, caplog, capsys):
    caplog.set_level(logging.INFO, logger=progress.__name__)
    shown = progress.Progress(progress.Summary(files=4, done_before=1))
    shown.count(None, 1800.0)
    assert not caplog.messages  # the first minute is not over
    monkeypatch.setattr(progress, "LINE_EVERY_S", 0.0)
    shown.count("broken", None)
    shown.close()
    (line,) = caplog.messages
    for text in ("1 files embedded (0.50 h of audio", "1 failed", "1 left", "min to go"):
        assert text in line
    assert capsys.readouterr().err == ""
