"""What commands share: options, and warnings as single lines."""

import warnings
from pathlib import Path

import pytest

from hear_openl3_yamnet.commands.shared import check_ending, gather_options, warnings_shown
from hear_openl3_yamnet.errors import OptionError


def test_options_are_json_or_plain_text():
    given = ["grid=[2, 3]", "pooling=max", "weights=starter"]
    wanted = {"grid": [2, 3], "pooling": "max", "weights": "starter", "hop_size": 50}
    assert gather_options(given, weights=None, hop_size="50") == wanted


def test_the_hop_of_a_scene_is_that_of_its_windows():
    got = gather_options(None, weights="random:1", hop_size="native", scene=True)
    assert got == {"scene_hop_size": "native", "weights": "random:1"}


@pytest.mark.parametrize("given", ["batch_size", "=8", "batch size=8"])
def test_an_option_without_key_and_value_is_refused(given):
    with pytest.raises(OptionError, match="expects KEY=VALUE"):
        gather_options([given], weights=None)


def test_an_ending_that_is_not_written_is_refused():
    check_ending(Path("a.PNG"), (".png", ".svg"))
    with pytest.raises(OptionError, match=r"\.png, \.svg\. Received: a\.gif"):
        check_ending(Path("a.gif"), (".png", ".svg"))


def test_a_warning_is_one_line_about_its_file(capsys):
    with warnings_shown("a.wav: "):
        warnings.warn("it is loud", stacklevel=1)
    assert capsys.readouterr().err == "Warning: a.wav: it is loud\n"


def test_a_warning_that_names_its_file_itself_names_it_once(capsys):
    with warnings_shown("a.wav: "):
        warnings.warn("a.wav: its channels cancel each other out", stacklevel=1)
    assert capsys.readouterr().err == "Warning: a.wav: its channels cancel each other out\n"


def test_warnings_before_an_error_are_shown_and_the_filters_restored(capsys):
    before = list(warnings.filters)

    def warn_and_fail():
        with warnings_shown("a.wav: "):
            warnings.warn("it is loud", stacklevel=1)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        warn_and_fail()
    assert capsys.readouterr().err == "Warning: a.wav: it is loud\n"
    assert warnings.filters == before
