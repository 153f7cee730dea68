"""The first signal ends a run in order, the second at once. The old handlers are restored."""

import signal
import threading

import pytest
import soundfile

from hear_openl3_yamnet.corpora import embed_corpus, runner
from tests.seeded_audio import clip

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@pytest.fixture
def files(tmp_path):
    folder = tmp_path / "files"
    folder.mkdir()
    for i in range(3):
        soundfile.write(folder / f"{i}.wav", 0.5 * clip("notes", 16_000, 0.5), 16_000)
    return folder


def test_a_run_restores_the_handlers(files, untrained_yamnet, tmp_path):
    before = [signal.getsignal(number) for number in SIGNALS]
    embed_corpus(files, tmp_path / "out", untrained_yamnet)
    assert [signal.getsignal(number) for number in SIGNALS] == before


def test_a_handler_that_python_did_not_set_is_left_alone(
    files, untrained_yamnet, tmp_path, monkeypatch
):
    """Python reports None for a handler of the C program that embeds it."""
    handlers = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: None}

    def set_handler(number, handler):
        if handler is None:
            raise TypeError("signal handler must be signal.SIG_IGN, signal.SIG_DFL, or a callable")
        before, handlers[number] = handlers[number], handler
        return before

    monkeypatch.setattr(signal, "signal", set_handler)
    monkeypatch.setattr(signal, "getsignal", handlers.__getitem__)
    summary = embed_corpus(files, tmp_path / "out", untrained_yamnet)
    assert summary.embedded == 3
    assert handlers == {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: None}


def test_the_second_signal_does_what_it_did_before(files, untrained_yamnet, tmp_path, monkeypatch):
    def interrupt_twice(*_):
        signal.raise_signal(signal.SIGINT)  # only sets the event
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(runner, "embed_items", interrupt_twice)
    with pytest.raises(KeyboardInterrupt):
        embed_corpus(files, tmp_path / "out", untrained_yamnet)


def test_a_run_in_another_thread_leaves_signals_alone(files, untrained_yamnet, tmp_path):
    summaries = []
    thread = threading.Thread(
        target=lambda: summaries.append(embed_corpus(files, tmp_path / "out", untrained_yamnet))
    )
    thread.start()
    thread.join()
    assert summaries[0].embedded == 3
